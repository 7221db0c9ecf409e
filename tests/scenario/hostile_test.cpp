// Requests that no client sends: members missing, present without sense, texts outside of their enumerations. The verbs of
// ECS run before the table-driven check, so they meet all of it. Nothing may crash, and the state stays sound.
#include <gtest/gtest.h>

#include "scenario/world.h"
#include "shape/info.h"
#include "shape/json_value.h"

namespace boxship::tests {
namespace {

using shape::Json;
using shape::Kind;

class Nonsense {
public:
    Nonsense(World& world, std::vector<std::string> words) : world_(world), words_(std::move(words)) {}

    Json record(const shape::RecordInfo& info, int depth)
    {
        Json json = Json::object();
        for (const auto& member : info.members)
            if (chance(depth > 2 ? 4 : 2)) json.set(member.name, value(*member.type, depth));
        return json;
    }

private:
    bool chance(std::uint64_t of) { return world_.ids().number(of) == 0; }
    template <class List>
    auto& any_of(List& list) { return list[world_.ids().number(list.size())]; }

    Json value(const shape::TypeInfo& type, int depth)
    {
        static const std::vector<std::int64_t> numbers = {0, 1, -1, 2, 80, 256, 512, 65536, 2147483647, -2147483648LL};
        switch (type.kind) {
        case Kind::boolean: return Json(chance(2));
        case Kind::int32:
        case Kind::int64: return Json(any_of(numbers));
        case Kind::float32:
        case Kind::float64:
        case Kind::timestamp: return Json(1800000000.5);
        case Kind::enumeration: return Json(chance(5) ? "nonsense" : std::string(type.values->values[world_.ids().number(type.values->values.size())]));
        case Kind::record: return depth > 5 ? Json::object() : record(*type.record, depth + 1);
        case Kind::list: {
            Json list = Json::array();
            for (auto n = world_.ids().number(3); n > 0; --n) list.push_back(value(*type.element, depth + 1));
            return list;
        }
        case Kind::map: return Json::object({{"k", value(*type.element, depth + 1)}});
        default: return Json(any_of(words_));
        }
    }

    World& world_;
    std::vector<std::string> words_;
};

std::string saved(World& world, const std::string& operation, const std::string& request, const std::string& list, const std::string& member)
{
    const auto answer = world.call("ecs", operation, request);
    EXPECT_TRUE(answer.ok()) << answer.error().message;
    const Json json = *Json::parse(*answer);
    return (json[list].is_array() ? json[list].as_array().at(0) : json[list]).get_string(member);
}

TEST(Hostile, requests_leave_the_state_sound)
{
    World world;
    ASSERT_TRUE(world.call("ecs", "CreateCluster", R"({"capacityProviders":["FARGATE"]})").ok());
    const std::string instance = saved(world, "RegisterContainerInstance",
        R"({"totalResources":[{"name":"CPU","integerValue":4096},{"name":"MEMORY","integerValue":4096},{"name":"PORTS","stringSetValue":["22"]}]})",
        "containerInstance", "containerInstanceArn");
    world.change([](state::Txn& txn) {
        for (const auto& [id, row] : std::map(txn.rows<model::Instance>())) {
            model::Instance connected = *row;
            connected.agent_connected = true;
            txn.put(connected);
        }
    });
    const std::string definition = saved(world, "RegisterTaskDefinition", R"({"family":"web","containerDefinitions":[{"name":"web","image":"i","memory":16}]})",
                                         "taskDefinition", "taskDefinitionArn");
    const std::string task = saved(world, "RunTask", R"({"taskDefinition":"web"})", "tasks", "taskArn");
    std::string subnet;
    for (const auto& [id, row] : world.view().rows<model::Subnet>()) subnet = to_short_text("subnet-", id);
    Nonsense nonsense(world, {"", "default", "web", "web:1", "x", instance, definition, task, subnet, "arn:aws:ecs:us-east-1:000000000000:cluster/default", "FARGATE",
                              "RUNNING", "STOPPED", "enabled", "256", "512", "cpu", "attribute:x", "family:web", "CPU", "MEMORY", "PORTS", "_fargate", "\xc3\xa9 \"<"});
    int answered = 0;
    for (int round = 0; round < 60; ++round) {
        for (const auto& operation : world.served().operations()) {
            const std::string name(operation.info->name);
            // These would take the ground from under the rest.
            if (name == "DeleteCluster" || name == "DeregisterContainerInstance" || name == "DeleteTaskDefinitions") continue;
            const std::string request = round == 0 ? "{}" : nonsense.record(*operation.info->request, 0).dump();
            const auto answer = world.call(std::string(operation.info->service->name), name, request);
            answered += answer.ok();
            if (!answer.ok()) {
                EXPECT_FALSE(answer.error().message.empty()) << name << " " << request;
                const bool ours = answer.error().status == 500 && answer.error().message != "No registry runs in this installation.";
                EXPECT_FALSE(ours) << name << " " << request << ": " << answer.error().message;
            }
            const auto complaints = world.complaints();
            ASSERT_TRUE(complaints.empty()) << name << " " << request << ": " << complaints.front();
        }
    }
    EXPECT_GT(answered, 500);
}

}  // namespace
}  // namespace boxship::tests
