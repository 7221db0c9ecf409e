#include "base/check.h"
#include "decide/query/query.h"
#include "fuzz/targets.h"

namespace boxship::fuzz {

void selection(std::string_view text)
{
    const auto parsed = decide::query::parse(text);
    CHECK((parsed.expression == nullptr) != parsed.error.empty());
    if (!parsed.expression) return;
    model::Instance instance;
    instance.attributes = {{"a", "b"}, {"weight", "9"}, {"ecs.instance-type", "t2.micro"}};
    state::InstanceLoad load;
    load.groups["service:db"] = 1;
    const bool selected = parsed.expression->selects(instance, load);
    CHECK(parsed.expression->by_load() || selected == parsed.expression->selects(instance, {}));
    // A valid expression stays one, and its opposite is the opposite.
    const auto opposite = decide::query::parse("not (" + std::string(text) + ")");
    CHECK(!opposite.expression || opposite.expression->selects(instance, load) != selected);
}

}  // namespace boxship::fuzz
