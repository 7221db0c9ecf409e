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
    if (!finishing_) choose_soon();
}

void Caller::choose_soon()
{
    const std::uint64_t turn = ++turn_;
    lane_.post_after(random_.between(Milliseconds(0), pause_most_), [this, turn] {
        if (finishing_ || busy_ || turn != turn_) return;
        busy_ = true;
        choose();
    });
}

void Caller::hurry()
{
    pause_most_ = std::min(pause_most_, Milliseconds(1000));
    if (!busy_ && !finishing_) choose_soon();
}

void Caller::ask(const std::string& operation, Json input, Heard heard)
{
    ask_as({"ecs", operation, input.dump(), tests::root_principal()}, std::move(heard));
}

void Caller::ask_as(tests::ApiCall call, Heard heard)
{
    doing_ = call.operation + " " + call.request;
    network_.call(name_, call, [this, call, heard = std::move(heard)](const std::shared_ptr<const Network::Answer>& answer) mutable {
        lane_.post([this, call = std::move(call), heard = std::move(heard), answer] {
            if (!*answer) {
                stage_.mix(answer->error().text());
                if (answer->error().transient())
                    return lane_.post_after(random_.between(Milliseconds(100), Milliseconds(3000)), [this, call, heard] { ask_as(call, heard); });
            }
            heard(*answer);
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
