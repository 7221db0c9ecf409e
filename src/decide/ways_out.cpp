#include "decide/ways_out.h"

#include <algorithm>
#include <map>

#include "base/ipv4.h"

namespace boxship::decide {
namespace {

using namespace model;

constexpr std::uint64_t beyond = std::uint64_t{1} << 32;

// Which route (by its place in the table; -1 none) decides for each address: from every key up to the next.
using Deciding = std::map<std::uint64_t, int>;

void lay_over(Deciding& deciding, const Ipv4Range& range, int route)
{
    const std::uint64_t first = range.network, end = std::uint64_t{range.last()} + 1;
    const auto at_end = std::prev(deciding.upper_bound(end));
    deciding.emplace(end, at_end->second);
    deciding.erase(deciding.lower_bound(first), deciding.lower_bound(end));
    deciding[first] = route;
}

void add(std::vector<AddressSpan>& spans, std::uint32_t first, std::uint32_t last)
{
    if (!spans.empty() && std::uint64_t{spans.back().last} + 1 == first) spans.back().last = last;
    else spans.push_back({first, last});
}

std::vector<AddressSpan> spans_of(const state::View& view, const Subnet& subnet, bool by_nat)
{
    const auto table = table_of(view, subnet);
    std::vector<AddressSpan> spans;
    if (!table) return spans;
    std::vector<VpcRoute> routes;
    for (const auto& route : table->routes)
        if (route.ipv6.empty()) routes.push_back(route);
    std::ranges::stable_sort(routes, {}, &VpcRoute::prefix);
    Deciding deciding{{0, -1}, {beyond, -1}};
    for (std::size_t i = 0; i < routes.size(); ++i) lay_over(deciding, {routes[i].network, routes[i].prefix}, static_cast<int>(i));
    for (auto at = deciding.begin(); at->first != beyond; ++at) {
        if (at->second < 0) continue;
        const VpcRoute& route = routes[static_cast<std::size_t>(at->second)];
        if (!leads_somewhere(view, *table, route)) continue;
        const auto first = static_cast<std::uint32_t>(at->first), last = static_cast<std::uint32_t>(std::next(at)->first - 1);
        if (route.gateway) {
            add(spans, first, last);
            continue;
        }
        const auto nat = view.get<NatGateway>(route.nat);
        const auto home = view.get<Subnet>(nat->subnet);
        if (!by_nat || !nat->is_public || !home) continue;
        for (const AddressSpan& open : spans_of(view, *home, false))
            if (const auto from = std::max(open.first, first), to = std::min(open.last, last); from <= to) add(spans, from, to);
    }
    return spans;
}

}  // namespace

bool leads_somewhere(const state::View& view, const RouteTable& table, const VpcRoute& route)
{
    if (route.nat) {
        const auto nat = view.get<NatGateway>(route.nat);
        return nat && !nat->deleted();
    }
    const auto gateway = view.get<InternetGateway>(route.gateway);
    return gateway && gateway->vpc == table.vpc;
}

std::shared_ptr<const RouteTable> table_of(const state::View& view, const Subnet& subnet)
{
    std::shared_ptr<const RouteTable> main;
    for (const auto& table : view.all<state::RouteTablesByVpc>(subnet.vpc)) {
        for (const auto& association : table->associations)
            if (association.subnet == subnet.id) return table;
        if (table->is_main()) main = table;
    }
    return main;
}

std::vector<AddressSpan> ways_out(const state::View& view, const Subnet& subnet) { return spans_of(view, subnet, true); }

}  // namespace boxship::decide
