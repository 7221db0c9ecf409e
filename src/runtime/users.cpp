#include "runtime/users.h"

#include <algorithm>
#include <cerrno>
#include <optional>

#include "base/numbers.h"
#include "base/strings.h"

namespace boxship::runtime {
namespace {

constexpr unsigned id_max = 2147483647;

std::optional<unsigned> number(std::string_view text)
{
    const auto value = parse_number<unsigned>(text);
    return value && *value <= id_max ? value : std::nullopt;
}

// The fields of the lines of a passwd or group file that have at least `least` of them.
std::vector<std::vector<std::string>> entries(const std::string& text, std::size_t least)
{
    std::vector<std::vector<std::string>> found;
    for (const auto& line : split(text, '\n')) {
        auto fields = split(trim(line), ':');
        if (fields.size() >= least && !fields[0].empty() && fields[0][0] != '#') found.push_back(std::move(fields));
    }
    return found;
}

void add(std::vector<unsigned>& groups, unsigned gid)
{
    if (std::find(groups.begin(), groups.end(), gid) == groups.end()) groups.push_back(gid);
}

HostResult<unsigned> resolve_group(const std::vector<std::vector<std::string>>& groups, const std::string& name)
{
    for (const auto& fields : groups)
        if (fields[0] == name)
            if (const auto gid = number(fields[2])) return *gid;
    if (const auto gid = number(name)) return *gid;
    return HostError{"unable to find group " + name + ": no matching entries in group file", EINVAL};
}

}  // namespace

HostResult<ProcessUser> resolve_user(const std::string& passwd, const std::string& group, const std::string& user,
                                     const std::vector<std::string>& additional_groups)
{
    const auto colon = user.find(':');
    const std::string name = user.empty() ? "0" : user.substr(0, colon);
    const std::string group_name = colon == std::string::npos ? std::string() : user.substr(colon + 1);
    const auto groups = entries(group, 3);

    ProcessUser found;
    std::string listed_name;
    const auto as_number = number(name);
    if (as_number) found.uid = *as_number;
    for (const auto& fields : entries(passwd, 4)) {
        const auto uid = number(fields[2]);
        if (!uid || !(fields[0] == name || (as_number && *uid == *as_number))) continue;
        found.uid = *uid;
        found.gid = number(fields[3]).value_or(0);
        if (fields.size() > 5 && !fields[5].empty()) found.home = fields[5];
        listed_name = fields[0];
        break;
    }
    if (listed_name.empty() && !as_number) return HostError{"unable to find user " + name + ": no matching entries in passwd file", EINVAL};

    if (!group_name.empty()) {
        ASSIGN_OR_RETURN(found.gid, resolve_group(groups, group_name));
    } else if (!listed_name.empty()) {
        for (const auto& fields : groups) {
            if (fields.size() < 4) continue;
            const auto members = split(fields[3], ',');
            const auto gid = number(fields[2]);
            if (gid && std::find(members.begin(), members.end(), listed_name) != members.end()) add(found.groups, *gid);
        }
    }
    for (const auto& extra : additional_groups) {
        ASSIGN_OR_RETURN(const unsigned gid, resolve_group(groups, extra));
        add(found.groups, gid);
    }
    return found;
}

}  // namespace boxship::runtime
