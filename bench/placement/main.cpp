// boxship-placement: RunTask's own transaction on simulated instances, ten tasks a call, until all tasks are placed.
//
//   place TASKS INSTANCES [KIND [JOURNAL]]     of three sizes, by a strategy or constraint (`kinds` below; "default": none); with
//                                              a journal's path every call waits in its group for the disk
//   load JOURNAL                        reads a journal back, as a restart does
//
// Prints one JSON object. Time is of the calls alone; memory what the process grew by, the journal's buffers included.
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <mutex>
#include <vector>

#include "base/check.h"
#include "ecs/ops.h"
#include "env/real/real_env.h"
#include "services/call.h"
#include "services/seed.h"
#include "services/served.h"
#include "state/store.h"

namespace boxship::bench {
namespace {

namespace api = ecs;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begun) { return std::chrono::duration<double>(Clock::now() - begun).count(); }

std::uint64_t resident_bytes()
{
    std::ifstream file("/proc/self/statm");
    std::uint64_t pages = 0, resident = 0;
    file >> pages >> resident;
    return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

// The state's thread is this one: work runs when it asks for it.
class PumpedExecutor : public env::Executor {
public:
    void post(std::function<void()> work) override
    {
        {
            const std::lock_guard guard(mutex_);
            queue_.push_back(std::move(work));
        }
        wake_.notify_one();
    }
    void post_after(Milliseconds, std::function<void()> work) override { post(std::move(work)); }

    bool run_one(bool wait)
    {
        std::unique_lock lock(mutex_);
        if (wait) wake_.wait(lock, [this] { return !queue_.empty(); });
        if (queue_.empty()) return false;
        auto work = std::move(queue_.front());
        queue_.pop_front();
        lock.unlock();
        work();
        return true;
    }

private:
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::function<void()>> queue_;
};

// Takes every group and forgets it: what the state itself costs.
class NoJournal : public state::Journal {
public:
    explicit NoJournal(env::Executor& executor) : executor_(executor) {}
    HostResult<> load(const RowVisitor&, const GroupVisitor&) override { return {}; }
    void append(std::string, std::function<void(HostResult<>)> done) override
    {
        executor_.post([done = std::move(done)] { done({}); });
    }
    void begin_checkpoint() override {}
    void add_slice(std::string) override {}
    void finish_checkpoint(std::function<void(HostResult<>)> done) override { append({}, std::move(done)); }
    std::uint64_t tail_bytes() const override { return 0; }

private:
    env::Executor& executor_;
};

// Ids need not be secret here, only distinct and as scattered as real ones.
class QuickRandom : public env::Random {
public:
    void fill(std::span<std::byte> bytes) override
    {
        for (std::size_t at = 0; at < bytes.size(); at += 8) {
            state_ += 0x9e3779b97f4a7c15ull;
            std::uint64_t z = state_;
            z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
            z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
            z ^= z >> 31;
            std::memcpy(bytes.data() + at, &z, std::min<std::size_t>(8, bytes.size() - at));
        }
    }

private:
    std::uint64_t state_ = 4711;
};

struct Size {
    const char* family;
    int cpu;
    int memory;
};
constexpr std::array<Size, 3> sizes{{{"small", 64, 128}, {"middle", 128, 256}, {"large", 256, 512}}};
// What a call asks of the placement, each a list of TYPE:FIELD; "member:" takes an expression.
struct Kind {
    const char* name;
    std::vector<const char*> asks;
};
const std::vector<Kind> kinds{
    {"default", {}},
    {"binpack-cpu", {"binpack:cpu"}},
    {"binpack-memory", {"binpack:memory"}},
    {"random", {"random:"}},
    {"spread-host", {"spread:instanceId"}},
    {"spread-zone", {"spread:attribute:ecs.availability-zone"}},
    {"spread-rack", {"spread:attribute:rack"}},           // a hundred values
    {"spread-own", {"spread:attribute:own"}},             // every host another value
    {"zone-host", {"spread:attribute:ecs.availability-zone", "spread:instanceId"}},
    {"zone-binpack", {"spread:attribute:ecs.availability-zone", "binpack:memory"}},
    {"zone-rack-random", {"spread:attribute:ecs.availability-zone", "spread:attribute:rack", "random:"}},
    {"distinct", {"distinct:"}},
    {"member-equals", {"member:attribute:rack == r7"}},   // a hundredth of the hosts
    {"member-pattern", {"member:attribute:rack =~ r[0-4].* and not (attribute:ecs.availability-zone in [us-east-1c])"}},
    {"member-tasks", {"member:runningTasksCount < 1000 and pendingTasksCount < 1000"}},
};

constexpr int tasks_a_call = 10;
constexpr int instance_cpu = 24'576;     // 24 processors and 48 GiB: a hundred tasks are 60 percent of it
constexpr int instance_memory = 49'152;

class World {
public:
    explicit World(const char* journal)
        : store_({clock_, random_, executor_, faults_},
                 journal ? state::make_sqlite_journal(journal, executor_) : std::make_unique<NoJournal>(executor_))
    {
        services::serve_ecs(served_);
        for (const auto& operation : served_.operations()) {
            if (operation.info == &api::ops::RunTask::info) run_task_ = &operation;
            if (operation.info == &api::ops::RegisterTaskDefinition::info) register_ = &operation;
            if (operation.info == &api::ops::CreateCluster::info) create_cluster_ = &operation;
        }
        CHECK(run_task_ && register_ && create_cluster_);
        principal_.arn = "arn:aws:iam::000000000000:root";
        principal_.id = "000000000000";
    }

    void load() { CHECK(store_.load().ok()); }
    state::View view() const { return store_.view(); }

    // `answered` hears, when it is durable, how many failures there were.
    void post(const services::ServedOperation& operation, const void* request, std::function<void(bool refused)> answered)
    {
        auto refused = std::make_shared<bool>(false);
        store_.update_here(
            [&, refused](state::Txn& txn) {
                const services::Call call{clock_.now(), random_, principal_, scope_, "request", "127.0.0.1", installation_};
                const auto answer = operation.run(txn, call, request);
                *refused = !answer.ok();
                if (!answer.ok()) std::fprintf(stderr, "refused: %s\n", answer.error().message.c_str());
            },
            [refused, answered = std::move(answered)](HostResult<> durable) { answered(*refused || !durable.ok()); });
    }
    void call(const services::ServedOperation& operation, const void* request)
    {
        bool done = false;
        post(operation, request, [&](bool refused) { CHECK(!refused); done = true; });
        while (!done) executor_.run_one(true);
    }

    void prepare(int instances)
    {
        load();
        api::CreateClusterRequest cluster;
        cluster.cluster_name = "bench";
        call(*create_cluster_, &cluster);
        for (const Size& size : sizes) {
            api::RegisterTaskDefinitionRequest definition;
            definition.family = size.family;
            definition.network_mode = api::NetworkMode::bridge;
            auto& container = definition.container_definitions.emplace_back();
            container.name = "app";
            container.image = "registry.example/team/application:1.2.3";
            container.cpu = size.cpu;
            container.memory = size.memory;
            call(*register_, &definition);
        }
        add_instances(instances);
    }

    static void ask(api::RunTaskRequest& request, std::string_view what)
    {
        const auto type = what.substr(0, what.find(':'));
        const std::string field(what.substr(type.size() + 1));
        if (type == "member" || type == "distinct") {
            auto& constraint = request.placement_constraints.emplace_back();
            constraint.type = type == "member" ? api::PlacementConstraintType::member_of : api::PlacementConstraintType::distinct_instance;
            if (!field.empty()) constraint.expression = field;
            return;
        }
        auto& strategy = request.placement_strategy.emplace_back();
        strategy.type = type == "spread" ? api::PlacementStrategyType::spread : type == "random" ? api::PlacementStrategyType::random : api::PlacementStrategyType::binpack;
        if (!field.empty()) strategy.field = field;
    }

    void place(int tasks, int instances, const Kind& kind)
    {
        prepare(instances);
        std::array<api::RunTaskRequest, sizes.size()> requests;
        for (std::size_t i = 0; i < sizes.size(); ++i) {
            requests[i].cluster = "bench";
            requests[i].task_definition = sizes[i].family;
            requests[i].count = tasks_a_call;
            for (const char* what : kind.asks) ask(requests[i], what);
        }
        const std::uint64_t before = resident_bytes();
        const auto begun = Clock::now();
        double first = 0, last_mark = 0;
        const int calls = tasks / tasks_a_call, mark = std::max(1, calls / 100);
        int answered = 0, refused = 0, posted = 0;
        constexpr int under_way_max = 64;          // as many clients
        while (answered < calls) {
            while (posted < calls && posted - answered < under_way_max) {
                post(*run_task_, &requests[static_cast<std::size_t>(posted) % requests.size()], [&](bool no) {
                    ++answered;
                    refused += no;
                });
                if (++posted == mark) first = seconds_since(begun) / mark;
                if (posted == calls - mark) last_mark = seconds_since(begun);
            }
            executor_.run_one(true);
        }
        const double seconds = seconds_since(begun);
        while (executor_.run_one(false)) {}
        const auto cluster = store_.view().rows<model::Cluster>().begin()->second;
        const auto counts = store_.view().counts(cluster->id);
        double least = 1;
        for (const auto& [id, instance] : store_.view().rows<model::Instance>()) {
            const auto& load = store_.view().load(id);
            least = std::min(least, std::max(double(load.cpu) / instance->cpu, double(load.memory) / instance->memory));
        }
        std::printf("{\"tasks\":%d,\"seconds\":%.3f,\"perSecond\":%.1f,\"usFirst\":%.3f,\"usLast\":%.3f,\"bytesPerTask\":%.1f,\"leastFull\":%.3f,\"refused\":%d}\n",
                    counts.pending, seconds, counts.pending / seconds, first * 1e6 / tasks_a_call,
                    (seconds - last_mark) / mark * 1e6 / tasks_a_call, double(resident_bytes() - before) / counts.pending, least, refused);
    }

    void add_instances(int count)
    {
        const auto cluster = store_.view().rows<model::Cluster>().begin()->second->id;
        constexpr int at_once = 500;
        for (int made = 0; made < count; made += at_once) {
            bool done = false;
            store_.update_here(
                [&](state::Txn& txn) {
                    for (int i = made; i < std::min(made + at_once, count); ++i) {
                        model::Instance instance;
                        instance.id = random_.next<InstanceId>();
                        instance.cluster = cluster;
                        instance.agent_connected = true;
                        instance.cpu = instance_cpu;
                        instance.memory = instance_memory;
                        instance.zone = std::string("us-east-1") + static_cast<char>('a' + i % 3);
                        for (const char* name : {"ecs.capability.docker-remote-api.1.18", "com.amazonaws.ecs.capability.docker-remote-api.1.18",
                                                 "ecs.os-type", "ecs.cpu-architecture", "ecs.instance-type", "ecs.availability-zone"})
                            instance.attributes.push_back({name, ""});
                        instance.attributes.push_back({"rack", "r" + std::to_string(i % 100)});
                        instance.attributes.push_back({"own", std::to_string(i)});
                        txn.put(instance);
                    }
                },
                [&](HostResult<> durable) { CHECK(durable.ok()); done = true; });
            while (!done) executor_.run_one(true);
        }
    }

private:
    env::RealClock clock_;
    class Ids : public boxship::Ids {
    public:
        void fill(std::span<std::byte> bytes) override { quick_.fill(bytes); }
    private:
        QuickRandom quick_;
    } random_;
    env::NoFaults faults_;
    PumpedExecutor executor_;
    state::Store store_;
    services::Served served_;
    services::Installation installation_;
    services::Principal principal_;
    model::Scope scope_{"000000000000", "us-east-1"};
    const services::ServedOperation* run_task_ = nullptr;
    const services::ServedOperation* register_ = nullptr;
    const services::ServedOperation* create_cluster_ = nullptr;
};

int main(int argc, char** argv)
{
    if (argc >= 4 && std::strcmp(argv[1], "place") == 0) {
        const std::string_view name = argc > 4 ? argv[4] : "default";
        for (const auto& kind : kinds) {
            if (name != kind.name) continue;
            World world(argc > 5 ? argv[5] : nullptr);
            world.place(std::atoi(argv[2]), std::atoi(argv[3]), kind);
            return 0;
        }
    }
    if (argc == 3 && std::strcmp(argv[1], "load") == 0) {
        const auto begun = Clock::now();
        World world(argv[2]);
        world.load();
        std::printf("{\"tasks\":%zu,\"seconds\":%.4f}\n", world.view().rows<model::Task>().size(), seconds_since(begun));
        return 0;
    }
    std::fprintf(stderr, "boxship-placement: see the head of bench/placement/main.cpp\n");
    return 2;
}

}  // namespace
}  // namespace boxship::bench

int main(int argc, char** argv)
{
    return boxship::bench::main(argc, argv);
}
