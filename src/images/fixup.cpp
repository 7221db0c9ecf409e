#include "images/fixup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <optional>
#include <set>

#include "env/real/unique_fd.h"

namespace boxship::images {
namespace {

bool is_opaque(int directory)
{
    char value;
    return ::fgetxattr(directory, "trusted.overlay.opaque", &value, 1) == 1 && value == 'y';
}

enum class Found { nothing_below_hidden, nothing, implied, said };

// What one layer says of the directory `path`, and in `info` how it is there.
Found look(const LayerView& layer, const std::string& path, struct stat& info, bool& opaque)
{
    opaque = false;
    env::UniqueFd here(::open(layer.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    std::size_t begin = 0;
    while (here && begin <= path.size()) {
        const std::size_t end = std::min(path.find('/', begin), path.size());
        const std::string part = path.substr(begin, end - begin);
        env::UniqueFd next(::openat(here.get(), part.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!next) {
            const bool hides = errno != ENOENT || opaque;  // a file, a link or a whiteout stands in the way
            return hides ? Found::nothing_below_hidden : Found::nothing;
        }
        opaque = opaque || is_opaque(next.get());
        here = std::move(next);
        begin = end + 1;
    }
    if (!here || ::fstat(here.get(), &info) != 0) return Found::nothing;
    return std::binary_search(layer.implied.begin(), layer.implied.end(), path) ? Found::implied : Found::said;
}

// Owner, mode and time of `path` as the layers together mean it; nothing when the topmost says so already.
struct Meaning {
    struct stat info{};
    bool differs = false;
};
std::optional<Meaning> meaning_of(const std::vector<LayerView>& layers, const std::string& path)
{
    Meaning meaning;
    bool implied_above = false;
    for (const LayerView& layer : layers) {
        struct stat info{};
        bool opaque = false;
        const Found found = look(layer, path, info, opaque);
        if (found == Found::said) {
            meaning.differs = implied_above && ((info.st_mode & 07777) != 0755 || info.st_uid != 0 || info.st_gid != 0);
            meaning.info = info;
            return meaning;
        }
        if (found == Found::implied) {
            implied_above = true;
            meaning.info = info;
        }
        if (found == Found::nothing_below_hidden || opaque) break;
    }
    if (implied_above) return meaning;
    return std::nullopt;
}

}  // namespace

HostResult<bool> make_fixup(const std::vector<LayerView>& layers, const std::string& directory)
{
    std::map<std::string, Meaning> wanted;  // parents sort before children
    std::set<std::string> seen;
    for (const LayerView& layer : layers) {
        for (const std::string& path : layer.implied) {
            if (!seen.insert(path).second) continue;
            const auto meaning = meaning_of(layers, path);
            if (!meaning || !meaning->differs) continue;
            wanted[path] = *meaning;
            // In the new layer the directories above count too, so they are said again.
            for (std::size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
                const std::string above = path.substr(0, slash);
                if (const auto said = meaning_of(layers, above)) wanted[above] = *said;
            }
        }
    }
    if (wanted.empty()) return false;
    for (const auto& [path, meaning] : wanted) {
        const std::string target = directory + "/" + path;
        if (::mkdir(target.c_str(), 0700) != 0 && errno != EEXIST) return host_error("make directory " + target, errno);
        if (::chown(target.c_str(), meaning.info.st_uid, meaning.info.st_gid) != 0) return host_error("set owner of " + target, errno);
        if (::chmod(target.c_str(), meaning.info.st_mode & 07777) != 0) return host_error("set mode of " + target, errno);
    }
    for (auto it = wanted.rbegin(); it != wanted.rend(); ++it) {
        const std::string target = directory + "/" + it->first;
        const timespec times[2] = {it->second.info.st_mtim, it->second.info.st_mtim};
        if (::utimensat(AT_FDCWD, target.c_str(), times, 0) != 0) return host_error("set times of " + target, errno);
    }
    return true;
}

}  // namespace boxship::images
