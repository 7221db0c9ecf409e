#include "drive/agents/group_feed.h"

#include <gmock/gmock.h>

#include <deque>

#include "env/real/real_env.h"
#include "model/network.h"

namespace boxship::drive {
namespace {

using shape::Json;
using namespace model;

class PatientExecutor : public env::Executor {
public:
    void post(std::function<void()> work) override { queue_.push_back(std::move(work)); }
    void post_after(Milliseconds, std::function<void()> work) override { post(std::move(work)); }
    void run()
    {
        while (!queue_.empty()) {
            const auto work = std::move(queue_.front());
            queue_.pop_front();
            work();
        }
    }

private:
    std::deque<std::function<void()>> queue_;
};

class GroupFeedTest : public testing::Test {
protected:
    GroupFeedTest()
    {
        feed_.follow();
        CHECK(store_.load().ok());
        vpc_ = {.id = random_.next<VpcId>(), .is_default = true};
        group_ = {.id = random_.next<SecurityGroupId>(), .vpc = vpc_.id, .name = "default"};
        group_.rules.push_back({.protocol = "tcp", .from_port = 80, .to_port = 80, .network = 0x0A000000, .prefix = 8});
        group_.rules.push_back({.egress = true, .protocol = "-1", .group = group_.id});
        group_.rules.push_back({.protocol = "-1", .ipv6 = "::/0"});
        write([&](state::Txn& txn) {
            txn.put(vpc_);
            txn.put(group_);
            txn.put(eni(0x0A000009));
        });
        feed_.add(this, [this](const Json& frame) { frames_.push_back(frame.dump()); });
    }
    void write(const std::function<void(state::Txn&)>& work)
    {
        store_.update(work, [](HostResult<> durable) { CHECK(durable.ok()); });
        executor_.run();
    }
    Eni eni(std::uint32_t address)
    {
        Eni eni;
        eni.id = random_.next<EniId>();
        eni.vpc = vpc_.id;
        eni.address = address;
        eni.groups = {group_.id};
        return eni;
    }
    // The frames since the last time, with the group's id written shorter.
    std::vector<std::string> told()
    {
        const std::string id = to_short_text("sg-", group_.id);
        for (auto& frame : frames_)
            for (auto at = frame.find(id); at != frame.npos; at = frame.find(id)) frame.replace(at, id.size(), "sg");
        return std::exchange(frames_, {});
    }

    env::RealClock clock_;
    env::RealRandom random_;
    env::NoFaults faults_;
    PatientExecutor executor_;
    state::Store store_{{clock_, random_, executor_, faults_}, state::make_memory_journal(std::make_shared<state::MemoryJournalData>(), executor_)};
    GroupFeed feed_{store_};
    std::vector<std::string> frames_;
    Vpc vpc_;
    SecurityGroup group_;
};

constexpr const char* rules = R"([{"egress":false,"protocol":"tcp","from":80,"to":80,"range":"10.0.0.0/8"},{"egress":true,"protocol":"-1","from":-1,"to":-1,"group":"sg"}])";

TEST_F(GroupFeedTest, tells_everything_at_first)
{
    EXPECT_THAT(told(), testing::ElementsAre(fmt::format(R"({{"kind":"groups","all":true,"groups":[{{"router":"default","id":"sg","rules":{},"members":["10.0.0.9"]}}],)"
                                                          R"("ways":[{{"router":"default","subnets":[]}}]}})", rules)));
}

TEST_F(GroupFeedTest, tells_who_joins_and_who_leaves)
{
    told();
    Eni other = eni(0x0A00000A);
    write([&](state::Txn& txn) { txn.put(other); });
    EXPECT_THAT(told(), testing::ElementsAre(R"({"kind":"groups","joined":[{"router":"default","id":"sg","address":"10.0.0.10"}]})"));
    other.description = "nobody's business";
    write([&](state::Txn& txn) { txn.put(other); });
    EXPECT_THAT(told(), testing::IsEmpty());
    write([&](state::Txn& txn) { txn.erase<Eni>(other.id); });
    EXPECT_THAT(told(), testing::ElementsAre(R"({"kind":"groups","left":[{"router":"default","id":"sg","address":"10.0.0.10"}]})"));
}

TEST_F(GroupFeedTest, tells_of_rules_only_when_they_changed)
{
    told();
    group_.tags.push_back({"team", "blue"});
    write([&](state::Txn& txn) { txn.put(group_); });
    EXPECT_THAT(told(), testing::IsEmpty());
    group_.rules.clear();
    write([&](state::Txn& txn) { txn.put(group_); });
    EXPECT_THAT(told(), testing::ElementsAre(R"({"kind":"groups","groups":[{"router":"default","id":"sg","rules":[]}]})"));
    write([&](state::Txn& txn) { txn.erase<SecurityGroup>(group_.id); });
    EXPECT_THAT(told(), testing::ElementsAre(R"({"kind":"groups","gone":[{"router":"default","id":"sg"}]})"));
}

TEST_F(GroupFeedTest, tells_where_the_routes_of_a_vpc_lead)
{
    told();
    const Subnet subnet{.id = random_.next<SubnetId>(), .vpc = vpc_.id, .network = 0x0A000000, .prefix = 24};
    write([&](state::Txn& txn) { txn.put(subnet); });
    EXPECT_THAT(told(), testing::ElementsAre(R"({"kind":"groups","ways":[{"router":"default","subnets":[{"subnet":"10.0.0.0/24","to":[]}]}]})"));
    InternetGateway gateway{.id = random_.next<InternetGatewayId>(), .vpc = vpc_.id};
    write([&](state::Txn& txn) {
        txn.put(gateway);
        RouteTable table;
        table.id = random_.next<RouteTableId>();
        table.vpc = vpc_.id;
        table.associations.push_back({random_.next<RouteAssociationId>(), {}});
        table.routes.push_back({.network = 0xCB007100, .prefix = 24, .ipv6 = {}, .gateway = gateway.id, .nat = {}});
        txn.put(table);
    });
    EXPECT_THAT(told(), testing::ElementsAre(R"({"kind":"groups","ways":[{"router":"default","subnets":[{"subnet":"10.0.0.0/24",)"
                                             R"("to":[{"first":"203.0.113.0","last":"203.0.113.255"}]}]}]})"));
    gateway.vpc = {};
    write([&](state::Txn& txn) { txn.put(gateway); });
    EXPECT_THAT(told(), testing::ElementsAre(testing::HasSubstr(R"("to":[])")));
}

TEST_F(GroupFeedTest, hosts_are_members_of_the_default_group)
{
    told();
    Instance host;
    host.id = random_.next<InstanceId>();
    host.address = "10.0.0.250";
    write([&](state::Txn& txn) { txn.put(host); });
    EXPECT_THAT(told(), testing::ElementsAre(testing::HasSubstr(R"("members":["10.0.0.9","10.0.0.250"])")));
    host.agent_connected = true;
    write([&](state::Txn& txn) { txn.put(host); });
    EXPECT_THAT(told(), testing::IsEmpty());
    host.status = InstanceStatus::inactive;
    write([&](state::Txn& txn) { txn.put(host); });
    EXPECT_THAT(told(), testing::ElementsAre(testing::HasSubstr(R"("members":["10.0.0.9"])")));
}

TEST_F(GroupFeedTest, tells_nothing_any_more_when_asked_to_stop)
{
    told();
    feed_.remove(this);
    group_.rules.clear();
    write([&](state::Txn& txn) { txn.put(group_); });
    EXPECT_THAT(told(), testing::IsEmpty());
}

}  // namespace
}  // namespace boxship::drive
