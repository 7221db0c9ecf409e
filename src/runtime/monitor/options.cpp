#include "runtime/monitor/options.h"

#include <cstdlib>
#include <string_view>

namespace boxship::runtime {

bool parse_options(std::span<char* const> args, MonitorOptions& options)
{
    if (args.size() % 2 != 0) return false;
    for (std::size_t i = 0; i < args.size(); i += 2) {
        const std::string_view name = args[i];
        const char* value = args[i + 1];
        const bool yes = std::string_view(value) == "1";
        if (name == "--id") options.id = value;
        else if (name == "--dir") options.directory = value;
        else if (name == "--listener") options.listener = std::atoi(value);
        else if (name == "--oci-fd") options.oci_program = std::atoi(value);
        else if (name == "--oci") options.oci_path = value;
        else if (name == "--oci-root") options.oci_root = value;
        else if (name == "--cgroup-manager") options.cgroup_manager = value;
        else if (name == "--exit-file") options.exit_file = value;
        else if (name == "--log-dir") options.log_directory = value;
        else if (name == "--log-bytes") options.log_bytes_max = std::strtoull(value, nullptr, 10);
        else if (name == "--log-files") options.log_files_max = static_cast<std::uint32_t>(std::strtoul(value, nullptr, 10));
        else if (name == "--tty") options.tty = yes;
        else if (name == "--stdin") options.open_stdin = yes;
        else if (name == "--hide-unified") options.hide_unified = yes;
        else if (name == "--join") options.join.emplace_back(value);
        else if (name == "--into") options.into = value;
        else if (name == "--shares-file") options.shares_file = value;
        else if (name == "--shares") options.shares = value;
        else if (name == "--own") options.own.emplace_back(value);
        else if (name == "--kill") options.kill = value;
        else if (name == "--memory") options.memory = value;
        else return false;
    }
    return !options.id.empty() && !options.directory.empty() && !options.oci_root.empty() && !options.exit_file.empty() &&
           !options.log_directory.empty() && options.log_bytes_max > 0;
}

}  // namespace boxship::runtime
