// Somebody who keeps services: makes, changes, scales, deploys and deletes them, and remembers what was promised. Its
// services are its own, so that what it was told last is what must be so.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/caller.h"
#include "sim/kinds.h"

namespace boxship::sim {

class Rollouts : public Caller {
public:
    Rollouts(Stage& stage, Network& network, const Oracle& oracle, Catalog& catalog, std::string name, Milliseconds pause_most, std::uint64_t seed);

    // Target groups that services of tasks with an interface may be put behind: (ARN, the containers' port).
    void balance_behind(const std::vector<std::string>* groups) { groups_ = groups; }

    // Act two. A service whose tasks cannot last is given another definition, or deleted; "" when there is none.
    std::string repair();
    void delete_all();                           // by force, one after the other

private:
    struct Mine {
        bool there = false;
        bool daemon = false;
        Shape shape = Shape::bridge;
        int desired = 0;
        std::string deployment;                  // the newest's ARN
    };
    using Entry = std::pair<const std::string, Mine>;

    void choose() override;
    void create(Entry& entry);
    void rename(Entry& entry);
    void update(Entry& entry, shape::Json input, std::function<void()> then);
    void change(Entry& entry);
    void define_and_deploy(Entry& entry);
    void scale(Entry& entry);
    void remove(Entry& entry, bool force, std::function<void()> then);
    void stop_deployment(Entry& entry);
    void stop_task(Entry& entry);
    void protect(Entry& entry);
    void unprotect();
    void describe(Entry& entry);
    void check_promise(const Entry& entry, const shape::Json& service);

    const Kind& any_kind(const Mine& mine, int one_bad_in);
    void configure(shape::Json& input, bool daemon);
    void maybe_balance(const Mine& mine, const Kind& kind, shape::Json& input);

    std::map<std::string, Mine> services_;
    std::vector<std::string> protected_;         // tasks, some of them over
    std::uint64_t names_ = 0;                    // given so far
    const std::vector<std::string>* groups_ = nullptr;
};

// A service of this primary deployment is never at rest, whatever else happens.
bool is_hopeless(const ServicesOracle& services, const model::Service& service);

}  // namespace boxship::sim
