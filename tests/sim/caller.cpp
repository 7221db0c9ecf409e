#include "sim/caller.h"

namespace boxship::sim {

using shape::Json;

std::string last_part(const std::string& arn) { return arn.substr(arn.rfind('/') + 1); }

Caller::Caller(Stage& stage, Network& network, const Oracle& oracle, Catalog& catalog, std::string name, Milliseconds pause_most, std::uint64_t seed)
    : stage_(stage), network_(network), oracle_(oracle), catalog_(catalog), name_(std::move(name)), random_(seed), pause_most_(pause_most),
      lane_(stage.timeline, name_)
{
}

void Caller::next()
{
    busy_ = false;
    if (finishing_) return;
    lane_.post_after(random_.between(Milliseconds(0), pause_most_), [this] {
        if (finishing_ || busy_) return;
        busy_ = true;
        choose();
    });
}

void Caller::ask(const std::string& operation, Json input, Heard heard)
{
    ask_as({"ecs", operation, input.dump(), tests::root_principal()}, std::move(heard));
}

void Caller::ask_as(tests::ApiCall call, Heard heard)
{
    doing_ = call.operation + " " + call.request;
    network_.call(name_, call, [this, call, heard = std::move(heard)](const Network::Answer& answer) {
        lane_.post([this, call, heard, answer] {
            stage_.mix(answer ? answer->dump() : answer.error().text());
            if (!answer && answer.error().transient()) {
                lane_.post_after(random_.between(Milliseconds(100), Milliseconds(3000)), [this, call, heard] { ask_as(call, heard); });
                return;
            }
            heard(answer);
        });
    });
}

Json Caller::network_configuration()
{
    Json subnets = Json::array();
    if (random_.chance(3))
        for (const auto& subnet : catalog_.subnets) subnets.push_back(subnet);      // in every zone
    else
        subnets.push_back(catalog_.subnets[random_.number(catalog_.subnets.size())]);
    return Json::object({{"awsvpcConfiguration", Json::object({{"subnets", subnets}})}});
}

}  // namespace boxship::sim
