#include <charconv>

#include "base/strings.h"
#include "env/real/files.h"
#include "runtime/cgroup.h"

namespace boxship::runtime {
namespace {

constexpr std::uint64_t unlimited_least = std::uint64_t{1} << 60;  // v1 says "no limit" with a number near 2^63

std::uint64_t number(std::string_view text)
{
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

std::string text_of(const std::string& path)
{
    auto text = env::read_file(path);
    return text ? std::string(trim(*text)) : std::string();
}

std::uint64_t number_in(const std::string& path) { return number(text_of(path)); }

// "name value" on a line of its own.
std::uint64_t field(const std::string& text, std::string_view name)
{
    for (const auto& line : split(text, '\n'))
        if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == ' ')
            return number(std::string_view(line).substr(name.size() + 1));
    return 0;
}

std::uint64_t without(std::uint64_t all, std::uint64_t part) { return all > part ? all - part : 0; }

Stats read_v2(const std::string& directory)
{
    Stats stats;
    const std::string cpu = text_of(directory + "/cpu.stat");
    stats.cpu_ns = field(cpu, "usage_usec") * 1000;
    stats.cpu_user_ns = field(cpu, "user_usec") * 1000;
    stats.cpu_system_ns = field(cpu, "system_usec") * 1000;
    stats.memory_max_bytes = number_in(directory + "/memory.peak");
    stats.memory_cache_bytes = field(text_of(directory + "/memory.stat"), "inactive_file");
    stats.memory_bytes = without(number_in(directory + "/memory.current"), stats.memory_cache_bytes);
    stats.memory_limit_bytes = number_in(directory + "/memory.max");  // "max" reads as 0
    stats.pids = number_in(directory + "/pids.current");
    for (const auto& line : split(text_of(directory + "/io.stat"), '\n'))
        for (const auto& word : split(line, ' ')) {
            if (word.starts_with("rbytes=")) stats.block_read_bytes += number(std::string_view(word).substr(7));
            if (word.starts_with("wbytes=")) stats.block_write_bytes += number(std::string_view(word).substr(7));
        }
    return stats;
}

}  // namespace

HostResult<Stats> Cgroups::stats(const ContainerId& id) const
{
    const std::string below = "/" + to_text(id.task) + "/" + to_text(id);
    if (!env::file_exists(first_directory(below))) return HostError{"no such container: " + to_text(id), ENOENT};
    if (layout_.mode == CgroupMode::v2) return read_v2(base(*layout_.unified()) + below);
    Stats stats;
    const auto in = [&](const char* controller, const char* file) {
        const CgroupHierarchy* hierarchy = layout_.with(controller);
        return hierarchy ? base(*hierarchy) + below + "/" + file : std::string("/");
    };
    stats.cpu_ns = number_in(in("cpuacct", "cpuacct.usage"));
    stats.cpu_user_ns = number_in(in("cpuacct", "cpuacct.usage_user"));
    stats.cpu_system_ns = number_in(in("cpuacct", "cpuacct.usage_sys"));
    stats.memory_max_bytes = number_in(in("memory", "memory.max_usage_in_bytes"));
    stats.memory_cache_bytes = field(text_of(in("memory", "memory.stat")), "total_inactive_file");
    stats.memory_bytes = without(number_in(in("memory", "memory.usage_in_bytes")), stats.memory_cache_bytes);
    const std::uint64_t limit = number_in(in("memory", "memory.limit_in_bytes"));
    stats.memory_limit_bytes = limit < unlimited_least ? limit : 0;
    stats.pids = number_in(in("pids", "pids.current"));
    for (const auto& line : split(text_of(in("blkio", "blkio.throttle.io_service_bytes")), '\n')) {
        const auto words = split(line, ' ');  // "8:0 Read 4096"
        if (words.size() == 3 && words[1] == "Read") stats.block_read_bytes += number(words[2]);
        if (words.size() == 3 && words[1] == "Write") stats.block_write_bytes += number(words[2]);
    }
    return stats;
}

}  // namespace boxship::runtime
