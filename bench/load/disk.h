// What the disk itself can do.
#pragma once

namespace boxship::bench {

struct DiskOutcome {
    double per_second = 0;
    double p50_ms = 0;
    double p99_ms = 0;
};
// One writer appends `bytes` and calls fdatasync, again and again, for so long. The file is removed.
DiskOutcome append_and_sync(const char* path, double seconds, int bytes);

}  // namespace boxship::bench
