// How things are shown on a terminal: times relative and absolute, sizes in binary units, tables within 80 columns.
#pragma once

#include <string>
#include <vector>

#include "base/time.h"

namespace boxship::bin {

std::string show_age(Milliseconds age);             // "12s", "3m 20s", "5h 2m", "3d"
std::string show_time(Time time, Time now);         // "3m 20s ago (2026-11-20 13:35:04 UTC)"
std::string show_mib(long mib);                     // "512 MiB", "7.5 GiB"
std::string show_cpu(long units);                   // "0.25", "2" vCPU

// Columns as wide as their widest cell; the last one is cut so that lines fit the terminal (or 80 columns).
class Table {
public:
    explicit Table(std::vector<std::string> heads) : heads_(std::move(heads)) {}
    void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
    bool empty() const { return rows_.empty(); }
    void print() const;

private:
    std::vector<std::string> heads_;
    std::vector<std::vector<std::string>> rows_;
};

}  // namespace boxship::bin
