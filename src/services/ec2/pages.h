// Pages of described rows: ids asked for by name are all found or refused; otherwise rows are in the order of their ids.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "services/call.h"
#include "services/ec2/filters.h"
#include "state/view.h"

namespace boxship::services::ec2 {

template <class Row>
struct Described {
    std::vector<std::shared_ptr<const Row>> rows;
    std::string next_token;
};

// What a kind of row is called, and how one is found.
template <class Row>
struct KindOfRow {
    const char* prefix;            // "subnet-"
    const char* code;              // "InvalidSubnetID.NotFound"
    const char* words;             // "The subnet ID"
    std::shared_ptr<const Row> (*find)(const state::View&, const model::Scope&, std::string_view);
    std::vector<std::string_view> filters;
    Properties (*properties)(const state::View&, const Row&);
};

// Where the page before this one ended; "" on the first.
inline Result<std::string> read_token(const shape::Str& token)
{
    if (token.empty()) return std::string();
    const auto text = from_base64(token);
    if (!text) return ApiError{"InvalidNextToken", "The token is not valid."};
    return *text;
}

template <class Row, class Request>
Result<Described<Row>> describe(const state::View& view, const Call& call, const Request& request, const shape::List<shape::Str>& names,
                                const KindOfRow<Row>& kind)
{
    RETURN_IF_ERROR(check_filters(request.filters, kind.filters));
    std::vector<std::shared_ptr<const Row>> candidates;
    for (const auto& name : names) {
        auto row = kind.find(view, call.scope, name);
        if (!row) return ApiError{kind.code, fmt::format("{} '{}' does not exist", kind.words, name)};
        candidates.push_back(std::move(row));
    }
    if (names.empty())
        for (const auto& [id, row] : view.rows<Row>())
            if (row->scope == call.scope) candidates.push_back(row);
    ASSIGN_OR_RETURN(const std::string after, read_token(request.next_token));
    Described<Row> found;
    for (auto& row : candidates) {
        const std::string key = to_text(row->id);
        if (!after.empty() && key <= after) continue;
        if (!passes(request.filters, kind.properties(view, *row))) continue;
        if (request.max_results && found.rows.size() == static_cast<std::size_t>(*request.max_results)) {
            found.next_token = to_base64(to_text(found.rows.back()->id));
            break;
        }
        found.rows.push_back(std::move(row));
    }
    return found;
}

}  // namespace boxship::services::ec2
