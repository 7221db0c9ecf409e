#include "drive/haproxy/balancers.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <future>

#include <fmt/format.h>

#include "base/log.h"

namespace boxship::drive::haproxy {
namespace {

using Steady = std::chrono::steady_clock;

constexpr Milliseconds soon{20}, ordinarily{1000}, never{-1};
constexpr auto older_lives_max = std::chrono::hours(1);
constexpr std::uint64_t older_generations_max = 100;
constexpr auto unanswered_max = std::chrono::seconds(10);
// HAProxy tells an HTTP/2 client of a frontend that was shut to go away, and some gRPC clients come to nothing when that is the first
// thing they hear on a new connection. So an older generation takes no more connections first, and is shut when those it took are settled.
constexpr auto connections_settle_within = Milliseconds(60);
constexpr const char* take_hardly_any = "set rate-limit connections global 1";   // a second; 0 would be no limit

bool concerns_us(const state::Change& change)
{
    using namespace model;
    if (change.is<Eni>()) {
        const auto* before = change.before_as<Eni>();
        const auto* after = change.after_as<Eni>();
        return (before && before->load_balancer) || (after && after->load_balancer);
    }
    if (change.is<Instance>()) {
        const auto* before = change.before_as<Instance>();
        const auto* after = change.after_as<Instance>();
        return !before || !after || before->address != after->address || before->status != after->status;
    }
    return change.is<LoadBalancer>() || change.is<Listener>() || change.is<ListenerRule>() || change.is<TargetGroup>() || change.is<Target>() ||
           change.is<Certificate>();
}

}  // namespace

Balancers::Balancers(state::Store& store, Network& network, BalancersOptions options)
    : store_(store), network_(network), options_(std::move(options)), process_(options_.process), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))
{
}

Balancers::~Balancers() { stop(); }

void Balancers::follow()
{
    store_.watch([this](const state::Changes& changes) {
        for (const auto& change : changes) {
            if (!concerns_us(change)) continue;
            changed_ = true;
            return wake();
        }
    });
}

void Balancers::start() { thread_ = std::thread([this] { run(); }); }

void Balancers::stop()
{
    stopping_ = true;
    wake();
    if (thread_.joinable()) thread_.join();
}

void Balancers::wake()
{
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
}

void Balancers::wait(Milliseconds timeout)
{
    pollfd fds[] = {{wake_.get(), POLLIN, 0}, {process_.end_descriptor(), POLLIN, 0}};
    ::poll(fds, 2, static_cast<int>(timeout.count()));
    std::uint64_t drained = 0;
    [[maybe_unused]] const auto read = ::read(wake_.get(), &drained, sizeof drained);
}

void Balancers::run()
{
    if (process_.adopt()) log_info("the load balancers run already");
    recall_applied();
    while (!stopping_) {
        if (changed_.exchange(false)) plan_ = take_plan();
        const Milliseconds again = plan_ ? turn() : ordinarily;
        if (stopping_ || changed_) continue;
        wait(incomplete_ ? ordinarily : again);
        if (incomplete_) changed_ = true;   // what was left out comes back
    }
}

// The plan of what is durable, made on the state's thread; nullptr when the journal failed.
std::shared_ptr<Plan> Balancers::take_plan()
{
    std::promise<std::shared_ptr<Plan>> promise;
    auto plan = std::make_shared<Plan>();
    store_.update([plan](state::Txn& txn) { *plan = make_plan(txn); },
                  [&promise, plan](HostResult<> durable) { promise.set_value(durable.ok() ? plan : nullptr); });
    auto taken = promise.get_future().get();
    if (!taken) changed_ = true;
    return taken;
}

Milliseconds Balancers::turn()
{
    reasons_.clear();
    for (const auto& balancer : plan_->balancers) reasons_[balancer.row->id];
    const bool listens = std::ranges::any_of(plan_->balancers, [](const BalancerPlan& balancer) { return !balancer.listeners.empty(); });
    prepare_network();
    if (!listens) {
        idle();
        return never;
    }
    if (const auto up = bring_up(); !up.ok()) {
        if (problem_ != up.error().message) log_error("load balancers: {}", up.error().message);
        problem_ = up.error().message;
        for (auto& [id, reason] : reasons_) reason = {model::LoadBalancerState::failed, up.error().message};
        report_balancers();
        failures_ = std::min(failures_ + 1, 6);
        return Milliseconds(50) * (1 << failures_);
    }
    if (!postponed_) report_balancers();
    follow_older();
    const bool busy = !plan_->groups.empty() && follow_targets();
    const bool shutting = std::ranges::any_of(older_, [](const auto& entry) { return !entry.second.seen.listening.empty(); });
    if (busy || postponed_ || shutting) return soon;
    if (!plan_->groups.empty() || !older_.empty()) return ordinarily;
    return look_at_ports_again_ > Steady::now() ? ports_again_after : never;
}

void Balancers::idle()
{
    if (process_.running() || process_.left()) {
        log_info("no load balancer listens any more");
        process_.stop(Milliseconds(2000));
    }
    applied_.clear();
    held_ports_.clear();
    older_.clear();
    report_balancers();
}

// A load balancer whose VPC is not there yet is left out, with the reason.
void Balancers::prepare_network()
{
    namespaces_.clear();
    incomplete_ = false;
    std::map<std::string, std::string> missing;
    for (const auto& [name, vpc] : plan_->vpcs) {
        auto path = network_.prepare(name, *vpc.row, vpc.addresses);
        if (path.ok()) namespaces_[name] = *path;
        else missing[name] = path.error().message;
    }
    // Where there was one and is none any more, the last address goes too.
    for (auto at = prepared_.begin(); at != prepared_.end();) {
        const bool over = !plan_->vpcs.contains(at->first) && network_.prepare(at->first, *at->second, {}).ok();
        at = over ? prepared_.erase(at) : std::next(at);
    }
    for (const auto& [name, vpc] : plan_->vpcs) prepared_[name] = vpc.row;
    for (auto& balancer : plan_->balancers) {
        const auto why = missing.find(balancer.vpc);
        if (why == missing.end()) continue;
        reasons_[balancer.row->id] = {model::LoadBalancerState::failed, why->second};
        balancer.listeners.clear();
        std::erase_if(plan_->groups, [&](const auto& entry) { return &plan_->balancers[entry.second.balancer] == &balancer; });
        incomplete_ = true;
    }
}

// Generations of before: they listen no more, follow the targets, and end when nothing is under way.
void Balancers::follow_older()
{
    std::map<std::uint64_t, Older> found;
    for (const auto generation : process_.older_generations()) {
        const auto text = process_.ask(generation, "show stat -1 5 -1");
        if (!text.ok()) continue;   // it has just ended
        const auto before = older_.find(generation);
        Older& one = found[generation] = {read_stat(*text), before == older_.end() ? Steady::now() : before->second.since};
        if (before == older_.end()) (void)tell(generation, {take_hardly_any});
        (void)tell(generation, reconcile_older(*plan_, one.seen, Steady::now() - one.since < connections_settle_within));
        const bool idle = one.seen.listening.empty() && std::ranges::all_of(one.seen.frontends, [](const auto& frontend) { return frontend.second.sessions == 0; });
        if (Steady::now() - one.since > older_lives_max || generation + older_generations_max < generation_) process_.end(generation);
        else if (idle) process_.end_idle(generation);
    }
    older_ = std::move(found);
}

HostResult<> Balancers::tell(std::uint64_t generation, const std::vector<std::string>& commands)
{
    // HAProxy reads so much at once.
    constexpr std::size_t commands_bytes_max = 4000;
    std::string batch;
    for (std::size_t i = 0; i < commands.size(); ++i) {
        batch += (batch.empty() ? "" : ";") + commands[i];
        if (i + 1 < commands.size() && batch.size() < commands_bytes_max) continue;
        RETURN_IF_ERROR(process_.ask(generation, batch));
        batch.clear();
    }
    return {};
}

bool Balancers::follow_targets()
{
    const auto stat = process_.ask("show stat");
    if (!stat.ok()) {
        unanswered(stat.error());
        return true;
    }
    unanswered_since_.reset();
    const Seen seen = read_stat(*stat);
    if (counts_anew(seen)) add_up_counters();
    remember_counters(seen);
    std::vector<const Seen*> older;
    for (const auto& [generation, one] : older_) older.push_back(&one.seen);
    Reconciled outcome = reconcile(*plan_, seen, older, store_.env().clock.now());
    if (const auto told = tell(*process_.generation(), outcome.commands); !told.ok()) {
        log_warning("load balancers: {}", told.error().message);
        return true;
    }
    const bool more = outcome.busy || !outcome.commands.empty() || !outcome.reports.empty();
    if (!outcome.reports.empty()) report_targets(std::move(outcome.reports));
    process_.trim_log();
    return more;
}

// Its keeper begins one that crashed anew. One that does not come back that way is begun again with everything.
void Balancers::unanswered(const HostError& error)
{
    if (!process_.running()) return;
    if (!unanswered_since_) {
        log_warning("load balancers: {}", error.message);
        unanswered_since_ = Steady::now();
    }
    if (Steady::now() - *unanswered_since_ < unanswered_max) return;
    log_error("load balancers: HAProxy has not answered for {} s; it is ended and begun again", unanswered_max.count());
    process_.stop(Milliseconds(2000));
    unanswered_since_.reset();
}

void Balancers::report_targets(std::vector<TargetReport> reports)
{
    store_.update(
        [reports = std::move(reports), now = store_.env().clock.now()](state::Txn& txn) {
            for (const auto& report : reports) {
                const auto row = txn.get<model::Target>(report.key);
                if (!row || row->state != report.was) continue;   // it was registered or deregistered meanwhile
                model::Target target = *row;
                if (target.state != report.state) target.since = now;
                target.state = report.state;
                target.reason = report.reason;
                target.description = report.description;
                target.drained = target.drained || report.drained;
                txn.put(std::move(target));
            }
        },
        [](HostResult<>) {});
}

void Balancers::report_balancers()
{
    std::map<LoadBalancerId, Reason> news;
    for (const auto& balancer : plan_->balancers) {
        const Reason& reason = reasons_[balancer.row->id];
        if (balancer.row->state != reason.state || balancer.row->state_reason != reason.text) news[balancer.row->id] = reason;
    }
    if (news.empty()) return;
    store_.update(
        [news = std::move(news)](state::Txn& txn) {
            for (const auto& [id, reason] : news) {
                const auto row = txn.get<model::LoadBalancer>(id);
                if (!row || (row->state == reason.state && row->state_reason == reason.text)) continue;
                model::LoadBalancer balancer = *row;
                balancer.state = reason.state;
                balancer.state_reason = reason.text;
                txn.put(std::move(balancer));
            }
        },
        [](HostResult<>) {});
}

}  // namespace boxship::drive::haproxy
