// Repairs what separate layers cannot know. A layer that holds "tmp/x" but no "tmp/" gets an implied directory, root's
// with mode 0755; in overlayfs the topmost directory decides, so /tmp would lose its 1777 from the layer below. For
// such images one small layer goes on top that says of those directories what the lower layer said.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace boxship::images {

struct LayerView {
    std::string directory;             // absolute
    std::vector<std::string> implied;  // sorted
};

// Layers, the topmost first. Fills `directory` (there, empty); false when nothing needs repair.
HostResult<bool> make_fixup(const std::vector<LayerView>& layers, const std::string& directory);

}  // namespace boxship::images
