// Files, as errors rather than exceptions. Paths are absolute.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "env/real/unique_fd.h"

namespace boxship::env {

HostResult<UniqueFd> open_file(const std::string& path, int flags, mode_t mode = 0644);  // O_CLOEXEC is added
HostResult<std::string> read_file(const std::string& path, std::size_t bytes_max = 16 << 20);
HostResult<> write_all(int fd, std::string_view bytes, const std::string& path_for_errors);

// Writes beside the target, fdatasyncs, renames, fsyncs the directory: after success the new content survives a
// power cut, before it the old one does.
HostResult<> write_file_durably(const std::string& path, std::string_view bytes, mode_t mode = 0644);
inline constexpr const char* unfinished_suffix = ".new";  // of the file beside; a writer that is killed leaves it
HostResult<> write_file(const std::string& path, std::string_view bytes, mode_t mode = 0644);  // not durable; /proc, /sys, caches
HostResult<> sync_directory(const std::string& path);

HostResult<> make_directories(const std::string& path, mode_t mode = 0755);   // present already: fine
HostResult<> remove_file(const std::string& path);                            // absent already: fine
HostResult<> remove_tree(const std::string& path);                            // absent already: fine; never crosses a mount
HostResult<std::vector<std::string>> list_directory(const std::string& path); // names, sorted; absent: empty
bool file_exists(const std::string& path);

}  // namespace boxship::env
