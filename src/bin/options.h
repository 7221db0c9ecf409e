// Command-line words: what a subcommand was given, checked against what it understands.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace boxship::bin {

// One flag that a subcommand understands. `value` names its argument ("HOST:PORT"); empty: a switch.
struct Flag {
    std::string name;  // "--listen"
    std::string value;
    std::string help;
};

struct Usage {
    std::string synopsis;              // "boxship up [--detach] …"
    std::string summary;               // one sentence
    std::vector<Flag> flags;
    std::vector<std::string> examples;
};

class Options {
public:
    // Takes `--flag value`, `--flag=value` and bare words. An unknown flag or a missing value is an error whose message is
    // one sentence. Everywhere understood besides: --data DIR, --json, --help.
    static HostResult<Options> parse(const Usage& usage, const std::vector<std::string>& words);

    bool has(const std::string& flag) const { return values_.contains(flag); }
    std::string get(const std::string& flag, const std::string& fallback = {}) const;
    // All that were given, of a flag that may be repeated; get() has the last.
    std::vector<std::string> all(const std::string& flag) const;
    HostResult<long> number(const std::string& flag, long fallback, long least, long most) const;
    // "30s", "10m", "2h"; "never" is zero.
    HostResult<Milliseconds> duration(const std::string& flag, const std::string& fallback) const;
    const std::vector<std::string>& words() const { return words_; }

    bool json() const { return has("--json"); }
    std::string data_directory() const;  // --data, else BOXSHIP_DATA, else /var/lib/boxship; absolute

private:
    std::map<std::string, std::vector<std::string>> values_;
    std::vector<std::string> words_;
};

void print_help(const Usage& usage);

}  // namespace boxship::bin
