// Writes a layer's tar into a directory that serves overlayfs as a lower layer: whiteouts become character devices 0:0,
// opaque directories carry trusted.overlay.opaque. Needs root. The archive is a stranger's: nothing it holds can touch
// a file outside the directory, and every growth has a bound. Nothing is synced: see store.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "images/source.h"

namespace boxship::images {

struct UnpackLimits {
    std::uint64_t bytes_max = 256ull << 30;    // of all files, holes included
    std::uint64_t entries_max = 5'000'000;
};

struct Unpacked {
    std::uint64_t bytes = 0;                   // written
    std::uint64_t entries = 0;
    std::vector<std::string> implied;          // directories that only their children name; see LayerRoot
};

// `directory` exists and is empty. On an error it holds what was unpacked so far; removing it is the caller's part.
// EBADMSG: damaged archive; EPERM: it wants out; EFBIG: a limit; ENOSPC: full; what the source said comes back as it is.
HostResult<Unpacked> unpack(ByteSource& tar, const std::string& directory, const UnpackLimits& limits = {});

}  // namespace boxship::images
