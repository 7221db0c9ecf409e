// Whoever calls the API does one thing after the other, on a lane of its own, and tries again until it knows.
#pragma once

#include <string>
#include <vector>

#include "sim/agent.h"
#include "sim/oracle.h"

namespace boxship::sim {

// What all clients of a run share.
struct Catalog {
    std::vector<std::string> subnets;              // of the default VPC
    std::string vpc;
    std::vector<std::string> families;             // registered so far: of kinds[], in its order
};

class Caller {
public:
    Caller(Stage& stage, Network& network, const Oracle& oracle, Catalog& catalog, std::string name, Milliseconds pause_most, std::uint64_t seed);
    virtual ~Caller() = default;
    Caller(const Caller&) = delete;

    void begin() { next(); }
    void finish() { finishing_ = true; }         // nothing new
    void hurry();                                // short pauses from now on
    bool idle() const { return finishing_ && !busy_; }
    const std::string& doing() const { return doing_; }

protected:
    using Heard = std::function<void(const Network::Answer&)>;
    // Tries until the answer is certain: a success, or an error of the caller's own.
    void ask(const std::string& operation, shape::Json input, Heard heard);
    void ask_as(tests::ApiCall call, Heard heard);
    virtual void choose() = 0;                   // one thing, which ends with next()
    void next();
    // The member networkConfiguration, in a subnet of the default VPC.
    shape::Json network_configuration();

    Stage& stage_;
    Network& network_;
    const Oracle& oracle_;
    Catalog& catalog_;
    const std::string name_;
    SeededRandom random_;
    bool finishing_ = false;
    bool busy_ = false;

private:
    void choose_soon();

    std::uint64_t turn_ = 0;                     // the newest that was planned
    Milliseconds pause_most_;
    Lane lane_;
    std::string doing_;
};

std::string last_part(const std::string& arn);

}  // namespace boxship::sim
