#include "services/seed.h"

#include <array>

#include <fmt/format.h>

#include "services/ec2/lookup.h"
#include "services/ec2/networks.h"
#include "services/ecs/names.h"

namespace boxship::services {
namespace {

constexpr std::array zone_letters = {'a', 'b', 'c'};
constexpr int subnet_bits = 4;       // a VPC's range is cut in sixteenths
constexpr int prefix_min = 16, prefix_max = 24;

// us-east-1 → use1, eu-central-2 → euc2, ap-southeast-1 → apse1: how zone ids begin.
std::string zone_prefix(const std::string& region)
{
    std::string out;
    std::size_t start = 0;
    bool first = true;
    for (std::size_t at = 0; at <= region.size(); ++at) {
        if (at < region.size() && region[at] != '-') continue;
        const std::string word = region.substr(start, at - start);
        start = at + 1;
        if (first || word.size() == 1)
            out += word;
        else if (word.size() > 5 && (word.starts_with("north") || word.starts_with("south")))
            out += {word[0], word[5]};
        else
            out += word.substr(0, 1);
        first = false;
    }
    return out;
}

void seed_vpc(state::Txn& txn, const Seed& seed, Ids& ids)
{
    model::Vpc vpc{.id = ids.next<VpcId>(), .scope = seed.scope, .network = seed.vpc.network, .prefix = seed.vpc.prefix, .is_default = true};
    txn.put(vpc);
    const int prefix = seed.vpc.prefix + subnet_bits;
    for (std::size_t n = 0; n < zone_letters.size(); ++n) {
        model::Subnet subnet;
        subnet.id = ids.next<SubnetId>();
        subnet.scope = seed.scope;
        subnet.vpc = vpc.id;
        subnet.network = seed.vpc.network + (static_cast<std::uint32_t>(n) << (32 - prefix));
        subnet.prefix = prefix;
        subnet.zone = seed.scope.region + zone_letters[n];
        subnet.zone_id = fmt::format("{}-az{}", zone_prefix(seed.scope.region), n + 1);
        subnet.default_for_zone = true;
        txn.put(std::move(subnet));
    }
}

}  // namespace

HostResult<> seed_platform(state::Txn& txn, const Seed& seed, Ids& ids, Time now)
{
    if (seed.vpc.prefix < prefix_min || seed.vpc.prefix > prefix_max)
        return HostError{fmt::format("the VPC range {} must be between a /{} and a /{}", to_text(seed.vpc), prefix_min, prefix_max)};
    const auto vpc = ec2::default_vpc(txn, seed.scope);
    if (!vpc)
        seed_vpc(txn, seed, ids);
    else if (vpc->network != seed.vpc.network || vpc->prefix != seed.vpc.prefix)
        return HostError{fmt::format("the VPC range of this data directory is {} and cannot become {}",
                                     to_text(Ipv4Range{vpc->network, vpc->prefix}), to_text(seed.vpc))};
    for (const auto& [id, one] : std::map(txn.rows<model::Vpc>())) ec2::make_vpc_parts(txn, *one, ids);
    if (!ecs::internal_cluster(txn, seed.scope)) {
        model::Cluster hosts;
        hosts.id = ids.next<ClusterId>();
        hosts.scope = seed.scope;
        hosts.name = ecs::fargate_cluster;
        hosts.internal = true;
        hosts.created_at = now;
        txn.put(std::move(hosts));
    }
    if (!txn.get<model::Platform>(0)) txn.put(model::Platform{.short_id = fmt::format("bx{:02x}", ids.number(1 << 8))});
    return {};
}

}  // namespace boxship::services
