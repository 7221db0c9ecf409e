// Lists in pages: nextToken names the last entry that was given, so that a page is right whatever changed in between.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace boxship::services::ecs {

struct Page {
    std::string after;      // "" from the beginning
    std::size_t max = 100;
};
Result<Page> read_page(std::string_view next_token, std::optional<std::int32_t> max_results, std::int32_t most = 100);

// What a list operation answers with.
struct ListRows {
    std::vector<std::string> items;
    std::string next_token;   // "" at the end
};

// Adds an entry whose place in the order is `key`; false when the page is full, and then the list is over.
class PageBuilder {
public:
    explicit PageBuilder(const Page& page) : max_(page.max) {}
    bool add(const std::string& key, std::string item);
    ListRows take() { return std::move(rows_); }

private:
    std::size_t max_;
    std::string last_;
    ListRows rows_;
};

}  // namespace boxship::services::ecs
