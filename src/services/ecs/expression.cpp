#include "services/ecs/expression.h"

#include "services/ecs/convert.h"
#include "services/ecs/messages.h"

namespace boxship::services::ecs {

Result<decide::query::ExpressionPtr> read_expression(std::string_view text)
{
    auto parsed = decide::query::parse(text);
    if (!parsed.expression) return invalid(say(messages::expression_invalid, parsed.error));
    return std::move(parsed.expression);
}

}  // namespace boxship::services::ecs
