// Reads tar as layers come: v7, ustar, GNU (long names, base-256 numbers, sparse files) and pax (long names, extended
// attributes, precise times, sparse 0.0, 0.1, 1.0). Only reads: what an entry may do to a disk is unpack.h's matter.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include "images/source.h"

namespace boxship::images {

struct TarEntry {
    enum class Kind { file, hard_link, symbolic_link, character_device, block_device, directory, fifo };

    Kind kind = Kind::file;
    std::string path;            // as written: may begin with "/" or "./", may hold ".."
    std::string target;          // of links
    mode_t mode = 0;             // permission bits with setuid, setgid, sticky
    uid_t uid = 0;
    gid_t gid = 0;
    timespec modified{};
    std::uint64_t size = 0;      // of the finished file, holes included
    unsigned device_major = 0;
    unsigned device_minor = 0;
    bool sparse = false;
    std::vector<std::pair<std::string, std::string>> attributes;  // extended attributes: name, value
};

struct TarPiece {
    std::uint64_t offset = 0;    // in the finished file
    std::string_view bytes;      // empty: no more
};

class TarReader {
public:
    explicit TarReader(ByteSource& source) : source_(source) {}

    // The next entry; false at the end, when the source has been read to its very end too (its digest covers all of it).
    // What was not read of the entry before is skipped. A damaged archive is EBADMSG.
    HostResult<bool> next(TarEntry& entry);
    HostResult<TarPiece> read();

private:
    struct Segment {
        std::uint64_t offset;
        std::uint64_t bytes;
    };
    struct Extensions;  // what extension headers said about the entry that follows them

    HostResult<> need();                              // window_ is empty only at the end
    HostResult<bool> read_block(char* block);         // false: clean end
    HostResult<std::string> read_text(std::uint64_t bytes);  // the data of an extension header, padding skipped
    HostResult<> skip(std::uint64_t bytes);
    HostResult<> finish_entry();
    HostResult<> drain();
    HostResult<> parse_pax(std::string_view records, Extensions& extensions);
    HostResult<> fill(const char* block, Extensions& extensions, TarEntry& entry);
    HostResult<> old_gnu_map(const char* block, TarEntry& entry);
    HostResult<> pax_map(Extensions& extensions, TarEntry& entry);
    HostResult<> check_map(std::uint64_t size);

    ByteSource& source_;
    std::string_view window_;         // read and not consumed
    std::uint64_t stored_left_ = 0;   // data bytes of the entry still in the archive
    std::uint64_t padding_ = 0;       // and what follows to the next block
    std::vector<Segment> map_;        // where the stored bytes go; one segment for an ordinary file
    std::size_t segment_ = 0;
    std::uint64_t segment_done_ = 0;
    bool ended_ = false;
};

}  // namespace boxship::images
