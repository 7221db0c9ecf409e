#include "runtime/net/platform.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include <fmt/format.h>

#include "base/numbers.h"
#include "env/real/files.h"

namespace boxship::runtime::net {
namespace {

std::uint64_t hash_of(std::string_view text)  // FNV-1a
{
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (const char c : text) hash = (hash ^ std::uint8_t(c)) * 0x100000001b3u;
    return hash;
}

bool only(std::string_view text, std::string_view extra)
{
    return std::all_of(text.begin(), text.end(), [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || extra.find(c) != std::string_view::npos;
    });
}

}  // namespace

std::string Platform::uplink_name(std::string_view vpc) const
{
    return uplink_prefix() + fmt::format("{:016x}", hash_of(vpc)).substr(0, 8);
}

HostResult<> check(const Platform& platform)
{
    const std::string& id = platform.id;
    if (id.empty() || id.size() > 5 || !only(id, "") || id[0] < 'a') return HostError{"not a platform id: " + id, EINVAL};
    if (platform.run_dir.empty() || platform.run_dir[0] != '/') return HostError{"not an absolute path: " + platform.run_dir, EINVAL};
    if (platform.agent.empty() || platform.agent.size() > 64 || !only(platform.agent, "-"))
        return HostError{"not an agent's name: " + platform.agent, EINVAL};
    return {};
}

HostResult<> check_name(std::string_view what, std::string_view name)
{
    const bool good = !name.empty() && name.size() <= 128 && name[0] != '.' && only(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ._-");
    if (!good) return HostError{fmt::format("not a name for a {}: '{}'", what, name), EINVAL};
    return {};
}

std::string hashed_name(char prefix, std::string_view text)
{
    return prefix + fmt::format("{:016x}", hash_of(text)).substr(0, 13);
}

HostResult<env::UniqueFd> lock_run_dir(const Platform& platform)
{
    RETURN_IF_ERROR(check(platform));
    RETURN_IF_ERROR(env::make_directories(platform.run_dir));
    const std::string path = platform.run_dir + "/net.lock";
    ASSIGN_OR_RETURN(env::UniqueFd fd, env::open_file(path, O_RDWR | O_CREAT, 0600));
    while (flock(fd.get(), LOCK_EX) != 0)
        if (errno != EINTR) return host_error("lock " + path, errno);
    return fd;
}

HostResult<Ipv4> agent_address(const Platform& platform)
{
    ASSIGN_OR_RETURN(const env::UniqueFd lock, lock_run_dir(platform));
    const std::string dir = platform.run_dir + "/agents";
    RETURN_IF_ERROR(env::make_directories(dir));
    ASSIGN_OR_RETURN(const auto agents, env::list_directory(dir));
    std::set<int> taken;
    for (const std::string& agent : agents) {
        ASSIGN_OR_RETURN(const std::string text, env::read_file(dir + "/" + agent));
        const int number = parse_number<int>(text).value_or(0);
        const bool valid = number >= 1 && number <= 254;
        if (valid && agent == platform.agent) return agent_addresses.at(std::uint32_t(number));
        if (valid) taken.insert(number);
    }
    for (int number = 1; number <= 254; ++number) {
        if (taken.count(number)) continue;
        RETURN_IF_ERROR(env::write_file(dir + "/" + platform.agent, std::to_string(number)));
        return agent_addresses.at(std::uint32_t(number));
    }
    return HostError{"more than 254 agents on one machine", ENOSPC};
}

}  // namespace boxship::runtime::net
