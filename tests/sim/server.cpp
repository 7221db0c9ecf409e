#include "sim/server.h"

#include "drive/agents/health.h"
#include "services/seed.h"
#include "state/doctor.h"

namespace boxship::sim {

using drive::AcsConversation;

namespace {

crypto::Key server_key()
{
    crypto::Key key;
    key.fill(std::byte{7});
    return key;
}

}  // namespace

// A conversation on a wire, on the I/O lane: what acs_connection.h is on a websocket.
class Server::Connection : public drive::AcsLink, public std::enable_shared_from_this<Connection> {
public:
    Connection(Server& server, std::shared_ptr<Wire> wire) : server_(server), wire_(std::move(wire)) {}

    void send(std::string frame) override
    {
        if (open_) wire_->send(Wire::server, std::move(frame));
    }
    void cut() override
    {
        if (!open_) return;
        wire_->close(Wire::server);
        ended();
    }
    void post(std::function<void()> work) override { server_.io_lane_.post(std::move(work)); }

    // What comes before the conversation has begun waits, as in a socket.
    void attach()
    {
        const auto self = shared_from_this();
        wire_->attach(Wire::server, {[self](std::string text) {
                                         self->post([self, text = std::move(text)] {
                                             if (!self->begun_) self->early_.push_back(text);
                                             else if (self->open_) self->conversation->on_message(text);
                                         });
                                     },
                                     [self] { self->post([self] { self->ended(); }); }});
    }
    void begin()
    {
        if (!open_) return over();
        begun_ = true;
        conversation->begin();
        for (const auto& text : std::exchange(early_, {})) conversation->on_message(text);
    }
    void refuse()          // the transaction failed
    {
        wire_->close(Wire::server);
        open_ = false;
        over();
    }
    std::shared_ptr<AcsConversation> conversation;

private:
    void ended()
    {
        if (!std::exchange(open_, false) || !begun_) return;
        over();
    }
    void over()
    {
        server_.store_.update([self = shared_from_this()](state::Txn& txn) { self->server_.sessions_.end(txn, self->conversation); },
                              [self = shared_from_this()](HostResult<> durable) {
                                  if (!durable.ok()) self->server_.io_lane_.post_after(Milliseconds(1000), [self] { self->over(); });
                              });
    }

    Server& server_;
    const std::shared_ptr<Wire> wire_;
    bool open_ = true;
    bool begun_ = false;
    std::vector<std::string> early_;
};

Server::Server(ServerWays ways)
    : ways_(std::move(ways)), random_(ways_.seed), state_lane_(ways_.stage.timeline, "state"), io_lane_(ways_.stage.timeline, "server io"),
      journal_lane_(ways_.stage.timeline, "journal"), tokens_(server_key()),
      store_({ways_.clock, random_, state_lane_, ways_.stage},
             make_journal({ways_.stage, ways_.disk, journal_lane_, state_lane_, [this](const std::string& blob) { ways_.oracle.durable(blob); },
                           [this](const char* why) { die(why); }})),
      retention_(store_), targets_(store_), balance_(store_), services_(store_, installation_.fargate_overcommit), lost_hosts_(store_, ways_.lost_after), sessions_(store_),
      plane_(ways_.stage, store_, io_lane_, random_, ways_.answers)
{
    options_.registry_host = "localhost:4566";
    options_.endpoint = "http://127.0.0.1:4566";
    options_.server_key = server_key();
    tests::serve_all(served_);
    store_.watch([this](const state::Changes& changes) {
        ways_.oracle.told(ways_.number, changes);
        constexpr int in_full_every = 50;    // otherwise what changed, and what lives
        const bool in_full = ++examined_ % in_full_every == 0;
        for (const auto& complaint : in_full ? state::examine(store_.view()) : state::examine(store_.view(), changes))
            ways_.stage.fail(5, "the doctor says: {}", complaint);
    });
    sessions_.follow();
    retention_.follow();
    targets_.follow();
    balance_.follow();
    services_.follow();
    lost_hosts_.follow();
    const auto loaded = store_.load();
    if (!loaded.ok()) {
        ways_.stage.fail(8, "the journal cannot be loaded: {}", loaded.error().message);
        return;
    }
    ways_.oracle.loaded(store_.view());
    examine_all();
    ways_.stage.note("server {}: loaded", ways_.number);
    prepare();
}

Server::~Server()
{
    for (const auto& wire : wires_)
        if (const auto alive = wire.lock()) alive->close(Wire::server);
}

void Server::prepare()
{
    store_.update(
        [this](state::Txn& txn) {
            const services::Seed seed{.scope = {"000000000000", "us-east-1"}, .vpc = *Ipv4Range::parse("172.31.0.0/16")};
            CHECK(services::seed_platform(txn, seed, random_, ways_.clock.now()).ok());
            drive::Sessions::disconnect_all(txn, ways_.clock.now());
        },
        [this](HostResult<> durable) {
            if (!durable.ok()) return die("the platform could not be prepared");
            ready_ = true;
            full_pass();
            plane_.begin();
            beat();
        });
}

void Server::examine_all()
{
    for (const auto& complaint : state::examine(store_.view())) ways_.stage.fail(5, "the doctor says: {}", complaint);
}

void Server::die(const char* why)
{
    if (std::exchange(dying_, true)) return;
    ready_ = false;
    for (Lane* lane : {&state_lane_, &io_lane_, &journal_lane_}) lane->stall(Time{1'000'000'000'000'000});
    ways_.died(ways_.number, why);
}

void Server::note_health(const InstanceId& instance, const shape::Json& message)
{
    store_.update(
        [instance, tasks = message["tasks"]](state::Txn& txn) {
            for (const shape::Json& entry : tasks.as_array()) drive::note_health(txn, instance, entry);
        },
        [](HostResult<>) {});
}

void Server::stall(Time until)
{
    for (Lane* lane : {&state_lane_, &io_lane_, &journal_lane_}) lane->stall(until);
}

void Server::beat()
{
    io_lane_.post_after(options_.heartbeat_interval, [this] {
        state_lane_.post([this] { sessions_.heartbeat(); });
        beat();
    });
}

void Server::call(tests::ApiCall call, tests::CallDone done)
{
    io_lane_.post([this, call = std::move(call), done = std::move(done)] { tests::call_api(store_, served_, installation_, call, done); });
}

void Server::accept(std::shared_ptr<Wire> wire, const InstanceId& instance, const std::string& host, bool send_credentials, Answered answered)
{
    io_lane_.post([this, wire, instance, host, send_credentials, answered = std::move(answered)] {
        auto refusal = std::make_shared<std::optional<drive::Sessions::Refusal>>();
        store_.update([refusal, instance, host](state::Txn& txn) { *refusal = drive::Sessions::check(txn, instance, host); },
                      [this, refusal, wire, instance, send_credentials, answered](HostResult<> durable) {
                          if (!durable.ok()) *refusal = drive::Sessions::Refusal{"ServerException", durable.error().message, 500};
                          io_lane_.post([this, refusal, wire, instance, send_credentials, answered] {
                              answered(*refusal);
                              if (*refusal) return;
                              wires_.push_back(wire);
                              const auto connection = std::make_shared<Connection>(*this, wire);
                              connection->attach();
                              begin(connection, instance, send_credentials);
                          });
                      });
    });
}

void Server::begin(const std::shared_ptr<Connection>& connection, const InstanceId& instance, bool send_credentials)
{
    const auto conversation = std::make_shared<AcsConversation>(drive::AcsContext{store_, tokens_, options_}, connection, instance, send_credentials);
    connection->conversation = conversation;
    store_.update([this, conversation](state::Txn& txn) { sessions_.begin(txn, conversation); },
                  [this, connection](HostResult<> durable) {
                      io_lane_.post([connection, ok = durable.ok()] { ok ? connection->begin() : connection->refuse(); });
                  });
}

}  // namespace boxship::sim
