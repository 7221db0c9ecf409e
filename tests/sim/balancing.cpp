#include "sim/balancing.h"

#include <algorithm>

#include "base/ipv4.h"

namespace boxship::sim {

using shape::Json;

namespace {

constexpr std::size_t groups_wanted = 2;

}  // namespace

void Balancing::call(const std::string& operation, Json input, Heard heard)
{
    ask_as({"elbv2", operation, input.dump(), tests::root_principal()}, [this, operation, heard = std::move(heard)](const Network::Answer& answer) {
        // What exists already was made by a request whose answer was lost.
        if (!answer && answer.error().code != "DuplicateListener" && answer.error().code != "DuplicateListenerException")
            stage_.fail(0, "{}: {}: {}", name_, operation, answer.error().text());
        heard(answer);
    });
}

void Balancing::choose()
{
    if (balancer_.empty()) return balancer();
    if (groups_.size() < groups_wanted) return group();
    const auto roll = random_.number(10);
    if (roll < 4) return register_one();
    if (roll < 7 && !registered_.empty()) return deregister(registered_[random_.number(registered_.size())], [this] { next(); });
    look();
}

void Balancing::balancer()
{
    // In all zones: what is in another is never sent anything.
    Json subnets = Json::array();
    for (const auto& subnet : catalog_.subnets) subnets.push_back(subnet);
    const Json input = Json::object({{"Name", "front"}, {"Subnets", subnets}});
    call("CreateLoadBalancer", input, [this](const Network::Answer& answer) {
        if (answer) balancer_ = (*answer)["LoadBalancers"].as_array().front().get_string("LoadBalancerArn");
        next();
    });
}

void Balancing::group()
{
    const Json input = Json::object({{"Name", "group-" + std::to_string(groups_.size())}, {"Protocol", "HTTP"}, {"Port", 80}, {"VpcId", catalog_.vpc}, {"TargetType", "ip"}});
    call("CreateTargetGroup", input, [this](const Network::Answer& answer) {
        if (!answer) return next();
        listener((*answer)["TargetGroups"].as_array().front().get_string("TargetGroupArn"));
    });
}

void Balancing::listener(const std::string& group)
{
    const Json action = Json::object({{"Type", "forward"}, {"TargetGroupArn", group}});
    const Json input = Json::object({{"LoadBalancerArn", balancer_}, {"Protocol", "HTTP"}, {"Port", static_cast<std::int64_t>(80 + groups_.size())}, {"DefaultActions", Json::array({action})}});
    call("CreateListener", input, [this, group](const Network::Answer&) {
        groups_.push_back(group);
        next();
    });
}

const model::Target* Balancing::find(const Registered& which) const
{
    const std::string id = last_part(which.first);
    for (const auto& [key, target] : oracle_.targets())
        if (key.id == which.second && to_text(key.group).starts_with(id)) return &target;
    return nullptr;
}

// Of a task that nobody else keeps in a target group.
void Balancing::register_one()
{
    std::vector<std::string> addresses;
    for (const auto& [id, committed] : oracle_.tasks())
        if (const auto& task = committed.task; !task.service && task.live() && task.attachment.address) addresses.push_back(ipv4_text(task.attachment.address));
    if (addresses.empty()) return next();
    const Registered which{groups_[random_.number(groups_.size())], addresses[random_.number(addresses.size())]};
    const Json input = Json::object({{"TargetGroupArn", which.first}, {"Targets", Json::array({Json::object({{"Id", which.second}})})}});
    call("RegisterTargets", input, [this, which](const Network::Answer& answer) {
        if (answer) {
            ++stage_.taken["api: RegisterTargets"];
            if (std::ranges::find(registered_, which) == registered_.end()) registered_.push_back(which);
            const auto* target = find(which);
            if (!target || target->draining()) stage_.fail(8, "{} was told that {} is registered, and the disk does not say so", name_, which.second);
        }
        next();
    });
}

void Balancing::deregister(const Registered& which, std::function<void()> then)
{
    const Json input = Json::object({{"TargetGroupArn", which.first}, {"Targets", Json::array({Json::object({{"Id", which.second}})})}});
    call("DeregisterTargets", input, [this, which, then = std::move(then)](const Network::Answer& answer) {
        if (answer) {
            ++stage_.taken["api: DeregisterTargets"];
            std::erase(registered_, which);
            const auto* target = find(which);
            if (target && !target->draining()) stage_.fail(8, "{} was told that {} is deregistered, and the disk does not say so", name_, which.second);
        }
        then();
    });
}

// As many targets are described as are there, each once.
void Balancing::look()
{
    call("DescribeTargetHealth", Json::object({{"TargetGroupArn", groups_[random_.number(groups_.size())]}}), [this](const Network::Answer& answer) {
        if (!answer) return next();
        std::set<std::string> ids;
        for (const Json& row : (*answer)["TargetHealthDescriptions"].as_array())
            if (!ids.insert(row["Target"].get_string("Id") + ":" + std::to_string(row["Target"].get_int64("Port"))).second)
                stage_.fail(5, "a target is described twice");
        next();
    });
}

void Balancing::deregister_all()
{
    busy_ = true;
    if (!registered_.empty()) {
        const Registered which = registered_.front();
        return deregister(which, [this] { deregister_all(); });
    }
    busy_ = false;
}

}  // namespace boxship::sim
