// The directory a layer is unpacked into, and the only way its entries' names become places on disk. A name cannot
// leave it: ".." is refused, and symbolic links on the way, which a layer may have planted before, are followed as if
// this directory were "/".
#pragma once

#include <sys/stat.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "env/real/unique_fd.h"

namespace boxship::images {

class LayerRoot {
public:
    static HostResult<LayerRoot> open(const std::string& directory);

    struct Place {
        int parent = -1;    // owned by the LayerRoot, valid until the next place() or existing()
        std::string name;   // one component; empty: the root itself, and `parent` is the root
    };

    // Where the entry `path` goes. Missing directories on the way are made (root's, 0755) and remembered as implied.
    HostResult<Place> place(std::string_view path);
    // The same for something that must be there already: a hard link's target.
    HostResult<Place> existing(std::string_view path);

    HostResult<env::UniqueFd> open_directory(std::string_view path) const;

    HostResult<> remove(const Place& place);        // whatever is there, with all below it
    HostResult<> make_directory(const Place& place);  // present already: kept. In place of anything else: opaque
    HostResult<> make_opaque(int directory);

    // A directory that has an entry of its own is no longer implied.
    void declare(ino_t inode) { implied_.erase(inode); }
    // Directories that no entry of the layer describes: their owner and mode are a lower layer's matter.
    std::vector<std::string> implied() const;

private:
    explicit LayerRoot(env::UniqueFd root) : root_(std::move(root)) {}
    HostResult<> enter(std::string_view parent);
    HostResult<> enter_making(std::string_view parent);

    env::UniqueFd root_;
    // The directory last used: entries come sorted by directory, so that most need no walk.
    env::UniqueFd parent_;
    std::string parent_path_;
    std::map<ino_t, std::string> implied_;
};

bool is_whiteout(const struct stat& info);  // overlayfs's mark for "not there": character device 0:0

}  // namespace boxship::images
