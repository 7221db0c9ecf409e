#include <gtest/gtest.h>

#include <sys/stat.h>

#include <deque>
#include <fstream>

#include "env/real/files.h"
#include "env/real/real_env.h"
#include "state/store.h"

namespace boxship::state {
namespace {

// Runs what is posted when the test says so.
class ManualExecutor : public env::Executor {
public:
    void post(std::function<void()> work) override
    {
        const std::lock_guard lock(mutex_);
        queue_.push_back(std::move(work));
    }
    void post_after(Milliseconds, std::function<void()> work) override { post(std::move(work)); }
    bool turn()
    {
        std::function<void()> work;
        {
            const std::lock_guard lock(mutex_);
            if (queue_.empty()) return false;
            work = std::move(queue_.front());
            queue_.pop_front();
        }
        work();
        return true;
    }
    void run() { while (turn()) {} }
    void run_until(const std::function<bool()>& done)
    {
        while (!done())
            if (!turn()) std::this_thread::yield();
    }

private:
    std::mutex mutex_;
    std::deque<std::function<void()>> queue_;
};

// A journal that answers when told, and as told.
class HeldJournal : public Journal {
public:
    HostResult<> load(const RowVisitor&, const GroupVisitor&) override { return {}; }
    void append(std::string, std::function<void(HostResult<>)> done) override { waiting.push_back(std::move(done)); }
    void begin_checkpoint() override { ++begun; }
    void add_slice(std::string) override {}
    void finish_checkpoint(std::function<void(HostResult<>)> done) override { finishing.push_back(std::move(done)); }
    std::uint64_t tail_bytes() const override { return tail; }
    std::deque<std::function<void(HostResult<>)>> waiting;
    int begun = 0;
    std::vector<std::function<void(HostResult<>)>> finishing;
    std::uint64_t tail = 0;
    void answer(HostResult<> outcome)
    {
        auto done = std::move(waiting.front());
        waiting.pop_front();
        done(std::move(outcome));
    }
};

class StateTest : public ::testing::Test {
protected:
    env::Env env() { return {clock_, random_, executor_, faults_}; }
    Cluster cluster(const std::string& name)
    {
        return {.id = random_.next<ClusterId>(), .scope = {"000000000000", "us-east-1"}, .name = name};
    }
    env::RealClock clock_;
    env::RealRandom random_;
    env::NoFaults faults_;
    ManualExecutor executor_;
};

TEST_F(StateTest, answers_wait_for_the_journal_and_groups_form_behind_the_one_in_flight)
{
    auto owned = std::make_unique<HeldJournal>();
    HeldJournal& journal = *owned;
    Store store(env(), std::move(owned));
    int changes_seen = 0;
    store.watch([&](const Changes& changes) { changes_seen += static_cast<int>(changes.size()); });
    std::string answered;
    for (const std::string name : {"a", "b", "c"})
        store.update([&, name](Txn& txn) { txn.put(cluster(name)); }, [&, name](HostResult<> outcome) { answered += outcome.ok() ? name : "!"; });
    executor_.run();
    ASSERT_EQ(journal.waiting.size(), 1u);  // the three, posted before the flush ran, are one group
    store.update([&](Txn& txn) { txn.put(cluster("d")); }, [&](HostResult<>) { answered += "d"; });
    // A read sees the newest and is answered when that is durable.
    std::size_t seen = 0;
    store.update([&](Txn& txn) { seen = txn.rows<Cluster>().size(); }, [&](HostResult<>) { answered += "r"; });
    executor_.run();
    EXPECT_EQ(seen, 4u);
    EXPECT_EQ(answered, "");
    EXPECT_EQ(changes_seen, 0);
    journal.answer({});
    EXPECT_EQ(answered, "abc");
    EXPECT_EQ(changes_seen, 3);
    journal.answer({});
    executor_.run();
    EXPECT_EQ(answered, "abcdr");
    // Nothing pending: a read is answered at once.
    store.update_here([](Txn&) {}, [&](HostResult<>) { answered += "."; });
    EXPECT_EQ(answered, "abcdr.");
}

TEST_F(StateTest, a_checkpoint_is_finished_once_whatever_is_committed_meanwhile)
{
    auto owned = std::make_unique<HeldJournal>();
    HeldJournal& journal = *owned;
    Store store(env(), std::move(owned));
    journal.tail = 1ull << 40;
    const auto commit = [&](HostResult<> outcome) {
        store.update([&](Txn& txn) { txn.put(cluster("a")); }, [](HostResult<>) {});
        executor_.run();
        journal.answer(std::move(outcome));
        executor_.run();
    };
    commit({});
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (journal.finishing.empty() && std::chrono::steady_clock::now() < until) executor_.run();
    ASSERT_EQ(journal.finishing.size(), 1u);
    commit({});
    commit(HostError{"the disk is full"});
    commit({});
    EXPECT_EQ(journal.finishing.size(), 1u);
    EXPECT_EQ(journal.begun, 1);
    journal.finishing.front()({});
    commit({});
    EXPECT_EQ(journal.begun, 2);
}

TEST_F(StateTest, a_checkpoint_waits_until_the_groups_are_as_long_as_the_last_one)
{
    auto owned = std::make_unique<HeldJournal>();
    HeldJournal& journal = *owned;
    Store store(env(), std::move(owned));
    const auto commit = [&](std::size_t bytes) {
        store.update([&](Txn& txn) { txn.put(cluster(std::string(bytes, 'n'))); }, [](HostResult<>) {});
        executor_.run();
        journal.answer({});
        executor_.run();
    };
    journal.tail = 33 << 20;
    commit(40 << 20);
    ASSERT_EQ(journal.finishing.size(), 1u);
    journal.finishing.front()({});
    commit(1);
    EXPECT_EQ(journal.begun, 1) << "it would write 40 MiB for 33";
    journal.tail = 41 << 20;
    commit(1);
    EXPECT_EQ(journal.begun, 2);
}

TEST_F(StateTest, a_failed_group_takes_what_ran_on_top_of_it_along)
{
    auto owned = std::make_unique<HeldJournal>();
    HeldJournal& journal = *owned;
    Store store(env(), std::move(owned));
    int failed = 0;
    Cluster first = cluster("a");
    store.update([&](Txn& txn) { txn.put(first); }, [&](HostResult<> outcome) { failed += !outcome.ok(); });
    executor_.run();
    store.update([&](Txn& txn) {
        Cluster changed = *txn.first<ClusterByName>({first.scope, "a"});
        changed.name = "b";
        txn.put(changed);
        txn.put(cluster("c"));
    }, [&](HostResult<> outcome) { failed += !outcome.ok(); });
    executor_.run();
    EXPECT_TRUE(store.view().first<ClusterByName>({first.scope, "b"}));
    journal.answer(HostError{"disk full", ENOSPC});
    executor_.run();
    EXPECT_EQ(failed, 2);
    EXPECT_TRUE(store.view().rows<Cluster>().empty());
    EXPECT_FALSE(store.view().first<ClusterByName>({first.scope, "a"}));
    EXPECT_TRUE(journal.waiting.empty());
}

TEST_F(StateTest, a_rolled_back_transaction_leaves_its_group_alone)
{
    auto data = std::make_shared<MemoryJournalData>();
    Store store(env(), make_memory_journal(data, executor_));
    store.update([&](Txn& txn) { txn.put(cluster("kept")); }, [](HostResult<>) {});
    store.update([&](Txn& txn) {
        txn.put(cluster("dropped"));
        txn.erase<Cluster>(txn.first<ClusterByName>({{"000000000000", "us-east-1"}, "kept"})->id);
        txn.roll_back();
    }, [](HostResult<>) {});
    executor_.run();
    Store again(env(), make_memory_journal(data, executor_));
    ASSERT_TRUE(again.load().ok());
    ASSERT_EQ(again.view().rows<Cluster>().size(), 1u);
    EXPECT_TRUE(again.view().first<ClusterByName>({{"000000000000", "us-east-1"}, "kept"}));
}

TEST_F(StateTest, derived_counts_follow_the_rows)
{
    Store store(env(), make_memory_journal(std::make_shared<MemoryJournalData>(), executor_));
    Task task{.id = random_.next<TaskId>(), .cluster = random_.next<ClusterId>(), .instance = random_.next<InstanceId>()};
    task.cpu = 256;
    task.memory = 512;
    task.reserved_ports = {{.container_port = 80, .host_port = 8080}};
    store.update_here([&](Txn& txn) { txn.put(task); }, [](HostResult<>) {});
    EXPECT_EQ(store.view().load(task.instance).cpu, 256);
    EXPECT_EQ(store.view().load(task.instance).pending, 1);
    EXPECT_EQ(store.view().load(task.instance).ports.size(), 1u);
    task.status = TaskStatus::running;
    store.update_here([&](Txn& txn) { txn.put(task); }, [](HostResult<>) {});
    EXPECT_EQ(store.view().counts(task.cluster).running, 1);
    EXPECT_EQ(store.view().counts(task.cluster).pending, 0);
    task.status = TaskStatus::stopped;
    store.update_here([&](Txn& txn) { txn.put(task); }, [](HostResult<>) {});
    EXPECT_EQ(store.view().load(task.instance), InstanceLoad{});
    EXPECT_FALSE(store.view().any<TasksByInstance>(task.instance));
    EXPECT_EQ(store.view().all<TasksByCluster>(task.cluster).size(), 1u);
}

TEST_F(StateTest, quotas_are_asked_of_counts_that_follow_the_rows)
{
    auto data = std::make_shared<MemoryJournalData>();
    const Scope scope{"000000000000", "us-east-1"};
    const VpcId vpc = random_.next<VpcId>();
    const SubnetId kept = random_.next<SubnetId>(), gone = random_.next<SubnetId>();
    const ClusterId cluster = random_.next<ClusterId>();
    Store store(env(), make_memory_journal(data, executor_));
    const auto write = [&](std::function<void(Txn&)> work) { store.update_here(std::move(work), [](HostResult<>) {}); };
    write([&](Txn& txn) {
        txn.put(Vpc{.id = vpc, .scope = scope});
        for (const auto& id : {kept, gone}) txn.put(Subnet{.id = id, .scope = scope, .vpc = vpc});
        txn.put(Cluster{.id = cluster, .scope = scope, .name = "one"});
    });
    EXPECT_EQ(store.view().count<SubnetsByVpc>(vpc), 2u);
    EXPECT_EQ(store.view().count_in<Cluster>(scope), 1u);
    write([&](Txn& txn) {
        txn.put(Subnet{.id = kept, .scope = scope, .vpc = vpc, .zone = "us-east-1b"});
        txn.erase<Subnet>(gone);
        txn.put(Cluster{.id = cluster, .scope = scope, .name = "one", .active = false});
    });
    EXPECT_EQ(store.view().count<SubnetsByVpc>(vpc), 1u);
    EXPECT_EQ(store.view().count_in<Cluster>(scope), 0u) << "a deleted cluster does not count";
    write([&](Txn& txn) {
        txn.erase<Subnet>(kept);
        txn.roll_back();
    });
    EXPECT_EQ(store.view().count<SubnetsByVpc>(vpc), 1u);
    executor_.run();
    Store again(env(), make_memory_journal(data, executor_));
    ASSERT_TRUE(again.load().ok());
    EXPECT_EQ(again.view().count<SubnetsByVpc>(vpc), 1u);
    EXPECT_EQ(again.view().count_in<Vpc>(scope), 1u);
}

class SqliteTest : public StateTest {
protected:
    void SetUp() override
    {
        char pattern[] = "/tmp/boxship-state-XXXXXX";
        directory_ = ::mkdtemp(pattern);
        path_ = directory_ + "/journal.db";
    }
    void TearDown() override { EXPECT_TRUE(env::remove_tree(directory_).ok()); }
    std::string directory_, path_;
};

TEST_F(SqliteTest, what_was_answered_is_there_after_a_restart)
{
    constexpr int rows = 300;
    {
        Store store(env(), make_sqlite_journal(path_, executor_));
        ASSERT_TRUE(store.load().ok());
        int answered = 0;
        for (int i = 0; i < rows; ++i)
            store.update([&, i](Txn& txn) { txn.put(cluster("c" + std::to_string(i))); }, [&](HostResult<> o) { answered += o.ok(); });
        executor_.run_until([&] { return answered == rows; });
    }
    struct stat info;
    ASSERT_EQ(::stat(path_.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
    Store store(env(), make_sqlite_journal(path_, executor_));
    ASSERT_TRUE(store.load().ok());
    EXPECT_EQ(store.view().rows<Cluster>().size(), static_cast<std::size_t>(rows));
}

TEST_F(SqliteTest, a_checkpoint_replaces_the_groups_it_covers)
{
    const std::string big(1 << 20, 'x');
    int answered = 0;
    constexpr int writes = 40;  // over the 32 MiB at which a checkpoint begins
    {
        Store store(env(), make_sqlite_journal(path_, executor_));
        ASSERT_TRUE(store.load().ok());
        const Cluster kept = cluster("kept");
        for (int i = 0; i < writes; ++i) {
            Cluster changed = kept;
            changed.configuration = big + std::to_string(i);
            store.update([changed](Txn& txn) { txn.put(changed); }, [&](HostResult<>) { ++answered; });
            executor_.run_until([&] { return answered == i + 1; });
        }
        executor_.run();  // the rest of the checkpoint; the journal's thread ends what it was given before it goes
    }
    {
        int groups = 0;
        auto journal = make_sqlite_journal(path_, executor_);
        ASSERT_TRUE(journal->load([](auto, auto, auto) { return HostResult<>(); }, [&](auto) { ++groups; return HostResult<>(); }).ok());
        EXPECT_LT(groups, writes);
    }
    Store store(env(), make_sqlite_journal(path_, executor_));
    ASSERT_TRUE(store.load().ok());
    ASSERT_EQ(store.view().rows<Cluster>().size(), 1u);
    EXPECT_EQ(store.view().rows<Cluster>().begin()->second->configuration, big + std::to_string(writes - 1));
}

TEST_F(SqliteTest, a_damaged_journal_is_refused_and_left_alone)
{
    ASSERT_TRUE(env::write_file(path_, std::string(4096, 'j')).ok());
    Store store(env(), make_sqlite_journal(path_, executor_));
    const auto loaded = store.load();
    ASSERT_FALSE(loaded.ok());
    EXPECT_NE(loaded.error().message.find("is damaged"), std::string::npos) << loaded.error().message;
    EXPECT_EQ(*env::read_file(path_), std::string(4096, 'j'));
}

TEST(Fields, skip_what_they_do_not_know)
{
    const PortMapping port{.container_port = 80, .host_port = -1, .protocol = Protocol::udp};
    std::string bytes = encode(port);
    bytes += "\x63\x03new";     // field 99, of three bytes
    EXPECT_EQ(decode<PortMapping>(bytes), port);
    EXPECT_FALSE(decode<PortMapping>(std::string("\x01\x7f", 2)));
    Task task;
    task.containers.push_back({.name = "web", .exit_code = 0, .bindings = {{.bind_ip = "0.0.0.0", .port = port}}});
    const auto back = decode<Task>(encode(task));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->containers.at(0).exit_code, 0);
    EXPECT_EQ(back->containers.at(0).bindings.at(0).port, port);
}

TEST(Fields, are_of_any_length)
{
    const std::string long_value(128, 'b');
    EXPECT_EQ(encode(KeyValue{"a", long_value}), std::string("\x01\x01" "a\x02\x80\x01", 6) + long_value);
    Cluster row;
    for (const std::size_t length : {0, 1, 127, 128, 511, 512, 513, 16383, 16384, 100'000}) row.tags.push_back({std::string(length, 'k'), std::string(length, 'v')});
    const auto back = decode<Cluster>(encode(row));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->tags, row.tags);
}

TEST(Fields, keep_zero_where_the_default_is_not)
{
    Task task;
    task.wanted = false;
    task.version = 0;
    task.containers.push_back({.essential = false});
    const auto back = decode<Task>(encode(task));
    ASSERT_TRUE(back);
    EXPECT_FALSE(back->wanted);
    EXPECT_EQ(back->version, 0);
    EXPECT_FALSE(back->containers.at(0).essential);
    EXPECT_TRUE(decode<Task>("")->wanted);
}

}  // namespace
}  // namespace boxship::state
