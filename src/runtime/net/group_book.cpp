#include "runtime/net/group_book.h"

#include <algorithm>

#include "base/strings.h"
#include "env/real/files.h"

namespace boxship::runtime::net {
namespace {

void keep_first(HostResult<>& first, HostResult<> outcome)
{
    if (first.ok() && !outcome.ok()) first = std::move(outcome);
}

}  // namespace

HostResult<> GroupBook::take(std::span<const GroupNews> news)
{
    const std::lock_guard lock(mutex_);
    HostResult<> first;
    for (const GroupNews& one : news) keep_first(first, note(one));
    keep_first(first, settle_locked());
    return first;
}

HostResult<> GroupBook::note(const GroupNews& news)
{
    if (news.all) {
        for (auto& [name, place] : places_) {
            place.rules = {};
            place.behind = true;
        }
        told_ = true;
    }
    if (!told_) return {};   // changes of what we do not know; the whole is on its way
    HostResult<> first;
    for (const auto& member : news.left) keep_first(first, change_member(member, false));
    for (const auto& member : news.joined) keep_first(first, change_member(member, true));
    for (const auto& change : news.groups) {
        Place& place = places_[change.router];
        Group& group = place.rules.groups[change.group];
        group.rules = change.rules;
        if (change.members) group.members = *change.members;
        place.behind = place.had_groups = true;
    }
    for (const auto& [router, ways] : news.ways) {
        Place& place = places_[router];
        place.behind |= place.rules.ways != ways;
        place.rules.ways = ways;
    }
    for (const auto& [router, group] : news.gone) places_[router].behind |= places_[router].rules.groups.erase(group) > 0;
    return first;
}

HostResult<> GroupBook::settle()
{
    const std::lock_guard lock(mutex_);
    return settle_locked();
}

HostResult<> GroupBook::settle_locked()
{
    HostResult<> first;
    if (!told_) return first;
    for (auto& [name, place] : places_) {
        if (!place.filter || !place.behind) continue;
        auto replaced = place.filter->replace(place.rules);
        place.behind = !replaced.ok();
        keep_first(first, std::move(replaced));
    }
    return first;
}

HostResult<> GroupBook::change_member(const GroupNews::Member& member, bool joins)
{
    Place& place = places_[member.router];
    auto& members = place.rules.groups[member.group].members;
    if (joins ? !members.insert(member.address).second : members.erase(member.address) == 0) return {};
    if (!place.filter || place.behind) return {};
    auto changed = joins ? place.filter->join(member.group, member.address) : place.filter->leave(member.group, member.address);
    place.behind = !changed.ok();
    return changed;
}

HostResult<GroupFilter*> GroupBook::filter_of(const Router& router)
{
    Place& place = places_[router.spec().vpc];
    if (!place.filter) {
        ASSIGN_OR_RETURN(place.filter, GroupFilter::open(router, resolvers_));
        place.behind = true;
    }
    return place.filter.get();
}

HostResult<> GroupBook::enforce(const Router& router, bool standing)
{
    const std::lock_guard lock(mutex_);
    RETURN_IF_ERROR(filter_of(router));
    places_[router.spec().vpc].had_groups |= standing;
    return settle_locked();
}

std::vector<std::string> GroupBook::deserted()
{
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, place] : places_)
        if (told_ && place.filter && place.had_groups && place.rules.groups.empty()) names.push_back(name);
    return names;
}

HostResult<> GroupBook::admit(const Router& router, Ipv4 address, std::span<const std::string> groups)
{
    const std::lock_guard lock(mutex_);
    ASSIGN_OR_RETURN(GroupFilter* const filter, filter_of(router));
    Place& place = places_[router.spec().vpc];
    std::vector<std::string> given;
    const bool known = std::ranges::any_of(place.rules.groups, [&](const auto& entry) { return entry.second.members.contains(address); });
    if (!known) given.assign(groups.begin(), groups.end());
    if (!told_) return filter->admit(address, given);
    for (const std::string& group : given) {
        const auto [at, is_new] = place.rules.groups.try_emplace(group);
        at->second.members.insert(address);
        place.behind |= is_new;
    }
    RETURN_IF_ERROR(filter->admit(address, place.behind ? std::vector<std::string>() : given));
    return settle_locked();
}

HostResult<> GroupBook::dismiss(const Router& router, Ipv4 address)
{
    const std::lock_guard lock(mutex_);
    ASSIGN_OR_RETURN(GroupFilter* const filter, filter_of(router));
    return filter->dismiss(address);
}

HostResult<> GroupBook::sweep(const Router& router)
{
    const std::lock_guard lock(mutex_);
    ASSIGN_OR_RETURN(GroupFilter* const filter, filter_of(router));
    return filter->sweep();
}

HostResult<> GroupBook::remove(const Router& router)
{
    const std::lock_guard lock(mutex_);
    ASSIGN_OR_RETURN(GroupFilter* const filter, filter_of(router));
    RETURN_IF_ERROR(filter->remove());
    places_[router.spec().vpc].filter.reset();
    return {};
}

void GroupBook::forget(const Router& router)
{
    const std::lock_guard lock(mutex_);
    places_[router.spec().vpc].filter.reset();
}

std::vector<Ipv4> host_resolvers()
{
    std::vector<Ipv4> found;
    const auto text = env::read_file("/etc/resolv.conf");
    if (!text.ok()) return found;
    for (const std::string& line : split(*text, '\n')) {
        const auto words = split(trim(line), ' ');
        const auto address = words.size() > 1 && words[0] == "nameserver" ? Ipv4::parse(words.back()) : std::nullopt;
        if (address) found.push_back(*address);
    }
    return found;
}

}  // namespace boxship::runtime::net
