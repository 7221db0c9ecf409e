#include "services/ecs/paging.h"

#include "base/bytes.h"
#include "services/ecs/messages.h"

namespace boxship::services::ecs {

constexpr std::string_view token_mark = "after:";

Result<Page> read_page(std::string_view next_token, std::optional<std::int32_t> max_results, std::int32_t most)
{
    Page page{.after = "", .max = static_cast<std::size_t>(most)};
    if (max_results) {
        if (*max_results < 1 || *max_results > most) return invalid(say(messages::page_size, most));
        page.max = static_cast<std::size_t>(*max_results);
    }
    if (next_token.empty()) return page;
    const auto text = from_base64(next_token);
    if (!text || !text->starts_with(token_mark) || text->size() == token_mark.size()) return invalid(messages::page_token);
    page.after = text->substr(token_mark.size());
    return page;
}

bool PageBuilder::add(const std::string& key, std::string item)
{
    if (rows_.items.size() == max_) {
        rows_.next_token = to_base64(std::string(token_mark) + last_);
        return false;
    }
    rows_.items.push_back(std::move(item));
    last_ = key;
    return true;
}

}  // namespace boxship::services::ecs
