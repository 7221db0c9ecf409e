#include "images/tar.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <limits>
#include <optional>

#include "images/tar_fields.h"

namespace boxship::images {
namespace {

constexpr std::uint64_t extension_bytes_max = 1 << 20;  // one pax header or long name
constexpr int extensions_max = 16;                      // in a row, before an entry
constexpr std::size_t segments_max = 1 << 16;

std::uint64_t padding_after(std::uint64_t bytes)
{
    return (block_bytes - bytes % block_bytes) % block_bytes;
}

std::optional<TarEntry::Kind> kind_of(char type, std::string_view path)
{
    using Kind = TarEntry::Kind;
    switch (type) {
    case '\0':
    case '0':
    case '7': return path.ends_with('/') ? Kind::directory : Kind::file;
    case 'S': return Kind::file;
    case '1': return Kind::hard_link;
    case '2': return Kind::symbolic_link;
    case '3': return Kind::character_device;
    case '4': return Kind::block_device;
    case '5': return Kind::directory;
    case '6': return Kind::fifo;
    }
    return std::nullopt;
}

}  // namespace

struct TarReader::Extensions {
    std::optional<std::string> path;
    std::optional<std::string> target;
    std::optional<std::uint64_t> size;
    std::optional<std::uint64_t> real_size;
    std::optional<std::uint64_t> uid;
    std::optional<std::uint64_t> gid;
    std::optional<timespec> modified;
    std::vector<std::pair<std::string, std::string>> attributes;
    std::vector<Segment> map;
    std::optional<std::uint64_t> open_offset;  // sparse 0.0: an offset waits for its length
    bool sparse = false;
    bool map_in_data = false;                  // sparse 1.0
};

HostResult<> TarReader::need()
{
    if (window_.empty() && !ended_) {
        ASSIGN_OR_RETURN(window_, source_.next());
        if (window_.empty()) ended_ = true;
    }
    return {};
}

HostResult<bool> TarReader::read_block(char* block)
{
    std::size_t have = 0;
    while (have < block_bytes) {
        RETURN_IF_ERROR(need());
        if (window_.empty()) {
            if (have == 0) return false;
            return tar_error("ends within a header");
        }
        const std::size_t take = std::min<std::size_t>(window_.size(), block_bytes - have);
        std::memcpy(block + have, window_.data(), take);
        window_.remove_prefix(take);
        have += take;
    }
    return true;
}

HostResult<> TarReader::skip(std::uint64_t bytes)
{
    while (bytes > 0) {
        RETURN_IF_ERROR(need());
        if (window_.empty()) return tar_error("ends within a file");
        const auto take = std::min<std::uint64_t>(window_.size(), bytes);
        window_.remove_prefix(take);
        bytes -= take;
    }
    return {};
}

HostResult<std::string> TarReader::read_text(std::uint64_t bytes)
{
    if (bytes > extension_bytes_max) return tar_error("an extension header is too large");
    std::string text;
    text.reserve(bytes);
    while (text.size() < bytes) {
        RETURN_IF_ERROR(need());
        if (window_.empty()) return tar_error("ends within an extension header");
        const std::string_view part = window_.substr(0, bytes - text.size());
        text += part;
        window_.remove_prefix(part.size());
    }
    RETURN_IF_ERROR(skip(padding_after(bytes)));
    return text;
}

HostResult<> TarReader::drain()
{
    do {
        window_ = {};
        RETURN_IF_ERROR(need());
    } while (!window_.empty());
    return {};
}

HostResult<> TarReader::finish_entry()
{
    RETURN_IF_ERROR(skip(stored_left_));
    stored_left_ = 0;
    RETURN_IF_ERROR(skip(std::exchange(padding_, 0)));
    return {};
}

HostResult<bool> TarReader::next(TarEntry& entry)
{
    RETURN_IF_ERROR(finish_entry());
    Extensions extensions;
    for (int headers = 0; headers <= extensions_max; ++headers) {
        alignas(16) char block[block_bytes];
        ASSIGN_OR_RETURN(const bool any, read_block(block));
        if (!any || is_zero_block(block)) {  // writers end with two zero blocks or, carelessly, one or none
            RETURN_IF_ERROR(drain());
            return false;
        }
        if (!has_right_checksum(block)) return tar_error("a header's checksum is wrong: damaged, or not a tar archive");
        const char type = block[156];
        if (type == 'L' || type == 'K' || type == 'x' || type == 'g') {
            ASSIGN_OR_RETURN(const std::uint64_t bytes, parse_number(block + 124, 12));
            ASSIGN_OR_RETURN(std::string text, read_text(bytes));
            if (type == 'x') RETURN_IF_ERROR(parse_pax(text, extensions));
            if (type == 'L' && !extensions.path) extensions.path = text.c_str();
            if (type == 'K' && !extensions.target) extensions.target = text.c_str();
            continue;                        // 'g' speaks of the whole archive (a commit id, say): nothing for a disk
        }
        if (type == 'V') {                   // a volume's label
            ASSIGN_OR_RETURN(const std::uint64_t bytes, parse_number(block + 124, 12));
            RETURN_IF_ERROR(skip(bytes));
            RETURN_IF_ERROR(skip(padding_after(bytes)));
            continue;
        }
        RETURN_IF_ERROR(fill(block, extensions, entry));
        return true;
    }
    return tar_error("too many extension headers in a row");
}

HostResult<> TarReader::fill(const char* block, Extensions& extensions, TarEntry& entry)
{
    entry = TarEntry();
    const bool ustar = std::memcmp(block + 257, "ustar\0", 6) == 0;
    entry.path = field_text(block, 100);
    if (ustar && block[345] != '\0') entry.path = field_text(block + 345, 155) + "/" + entry.path;
    entry.target = field_text(block + 157, 100);
    if (extensions.path) entry.path = std::move(*extensions.path);
    if (extensions.target) entry.target = std::move(*extensions.target);
    const auto kind = kind_of(block[156], entry.path);
    if (!kind) return tar_error(fmt::format("{} has the unknown type '{}'", quoted(entry.path), block[156]));
    entry.kind = *kind;

    ASSIGN_OR_RETURN(const std::uint64_t mode, parse_number(block + 100, 8));
    ASSIGN_OR_RETURN(std::uint64_t uid, parse_number(block + 108, 8));
    ASSIGN_OR_RETURN(std::uint64_t gid, parse_number(block + 116, 8));
    ASSIGN_OR_RETURN(std::uint64_t stored, parse_number(block + 124, 12));
    ASSIGN_OR_RETURN(const std::int64_t modified, parse_signed_number(block + 136, 12));
    uid = extensions.uid.value_or(uid);
    gid = extensions.gid.value_or(gid);
    if (uid >= std::numeric_limits<uid_t>::max() || gid >= std::numeric_limits<gid_t>::max())
        return tar_error(fmt::format("{} belongs to an impossible user or group", quoted(entry.path)));
    stored = extensions.size.value_or(stored);
    entry.mode = static_cast<mode_t>(mode & 07777);
    entry.uid = static_cast<uid_t>(uid);
    entry.gid = static_cast<gid_t>(gid);
    entry.modified = extensions.modified.value_or(timespec{static_cast<std::time_t>(modified), 0});
    if (entry.kind == TarEntry::Kind::character_device || entry.kind == TarEntry::Kind::block_device) {
        ASSIGN_OR_RETURN(const std::uint64_t major, parse_number(block + 329, 8));
        ASSIGN_OR_RETURN(const std::uint64_t minor, parse_number(block + 337, 8));
        entry.device_major = static_cast<unsigned>(major);
        entry.device_minor = static_cast<unsigned>(minor);
    }
    entry.attributes = std::move(extensions.attributes);

    // Entries that are not files have no data, whatever their size says.
    if (entry.kind != TarEntry::Kind::file) stored = 0;
    if (stored > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        return tar_error(fmt::format("{} is impossibly large", quoted(entry.path)));
    entry.size = stored;
    stored_left_ = stored;
    padding_ = padding_after(stored);
    segment_ = 0;
    segment_done_ = 0;
    map_.clear();
    if (entry.kind == TarEntry::Kind::file && (block[156] == 'S' || extensions.sparse)) {
        entry.sparse = true;
        return block[156] == 'S' ? old_gnu_map(block, entry) : pax_map(extensions, entry);
    }
    map_.push_back({0, stored});
    return {};
}

HostResult<> TarReader::check_map(std::uint64_t size)
{
    std::uint64_t end = 0;
    std::uint64_t stored = 0;
    for (const Segment& segment : map_) {
        if (segment.offset < end || segment.offset > size || segment.bytes > size - segment.offset)
            return tar_error("a sparse file's map is wrong");
        end = segment.offset + segment.bytes;
        stored += segment.bytes;
    }
    if (stored != stored_left_) return tar_error("a sparse file's map does not match its data");
    return {};
}

HostResult<> TarReader::old_gnu_map(const char* block, TarEntry& entry)
{
    const auto take = [this](const char* at, int count) -> HostResult<> {
        for (int i = 0; i < count; ++i, at += 24) {
            if (at[0] == '\0') return {};
            ASSIGN_OR_RETURN(const std::uint64_t offset, parse_number(at, 12));
            ASSIGN_OR_RETURN(const std::uint64_t bytes, parse_number(at + 12, 12));
            map_.push_back({offset, bytes});
        }
        return {};
    };
    RETURN_IF_ERROR(take(block + 386, 4));
    ASSIGN_OR_RETURN(entry.size, parse_number(block + 483, 12));
    bool extended = block[482] != '\0';
    while (extended) {
        if (map_.size() > segments_max) return tar_error("a sparse file has too many pieces");
        char more[block_bytes];
        ASSIGN_OR_RETURN(const bool any, read_block(more));
        if (!any) return tar_error("ends within a sparse file's map");
        RETURN_IF_ERROR(take(more, 21));
        extended = more[504] != '\0';
    }
    return check_map(entry.size);
}

HostResult<> TarReader::pax_map(Extensions& extensions, TarEntry& entry)
{
    entry.size = extensions.real_size.value_or(entry.size);
    if (!extensions.map_in_data) {
        map_ = std::move(extensions.map);
        return check_map(entry.size);
    }
    // Sparse 1.0: the data begins with decimal lines, a count and then offset and length by turns, padded to a block.
    std::uint64_t used = 0;
    const auto line = [&]() -> HostResult<std::uint64_t> {
        char digits[24];
        std::size_t count = 0;
        for (;;) {
            RETURN_IF_ERROR(need());
            if (window_.empty() || used == stored_left_) return tar_error("ends within a sparse file's map");
            const char c = window_.front();
            window_.remove_prefix(1);
            ++used;
            if (c == '\n') break;
            if (count == sizeof digits) return tar_error("a sparse file's map is wrong");
            digits[count++] = c;
        }
        const auto number = parse_decimal({digits, count});
        if (!number) return tar_error("a sparse file's map is wrong");
        return *number;
    };
    ASSIGN_OR_RETURN(const std::uint64_t count, line());
    if (count > segments_max) return tar_error("a sparse file has too many pieces");
    for (std::uint64_t i = 0; i < count; ++i) {
        ASSIGN_OR_RETURN(const std::uint64_t offset, line());
        ASSIGN_OR_RETURN(const std::uint64_t bytes, line());
        map_.push_back({offset, bytes});
    }
    const std::uint64_t pad = padding_after(used);
    if (used + pad > stored_left_) return tar_error("ends within a sparse file's map");
    RETURN_IF_ERROR(skip(pad));
    stored_left_ -= used + pad;
    return check_map(entry.size);
}

HostResult<TarPiece> TarReader::read()
{
    while (segment_ < map_.size() && segment_done_ == map_[segment_].bytes) {
        ++segment_;
        segment_done_ = 0;
    }
    if (segment_ == map_.size() || stored_left_ == 0) return TarPiece();
    RETURN_IF_ERROR(need());
    if (window_.empty()) return tar_error("ends within a file");
    const Segment& segment = map_[segment_];
    const TarPiece piece{segment.offset + segment_done_, window_.substr(0, segment.bytes - segment_done_)};
    window_.remove_prefix(piece.bytes.size());
    segment_done_ += piece.bytes.size();
    stored_left_ -= piece.bytes.size();
    return piece;
}

HostResult<> TarReader::parse_pax(std::string_view records, Extensions& extensions)
{
    while (!records.empty()) {
        ASSIGN_OR_RETURN(const PaxRecord record, take_pax_record(records));
        const std::string_view key = record.key;
        const std::string_view value = record.value;
        const auto number = [&](std::optional<std::uint64_t>& into) -> HostResult<> {
            into = parse_decimal(value);
            if (!into) return tar_error(fmt::format("pax {} is not a number", key));
            return {};
        };
        if (key == "path") {
            if (!extensions.sparse || !extensions.path) extensions.path = value;
        } else if (key == "linkpath") {
            extensions.target = value;
        } else if (key == "size") {
            RETURN_IF_ERROR(number(extensions.size));
        } else if (key == "uid") {
            RETURN_IF_ERROR(number(extensions.uid));
        } else if (key == "gid") {
            RETURN_IF_ERROR(number(extensions.gid));
        } else if (key == "mtime") {
            extensions.modified = parse_pax_time(value);
            if (!extensions.modified) return tar_error("pax mtime is not a time");
        } else if (key.starts_with("SCHILY.xattr.")) {
            extensions.attributes.emplace_back(key.substr(13), value);
        } else if (key == "GNU.sparse.major") {
            extensions.sparse = extensions.map_in_data = value == "1";
        } else if (key == "GNU.sparse.name") {
            extensions.path = value;
            extensions.sparse = true;
        } else if (key == "GNU.sparse.realsize" || key == "GNU.sparse.size") {
            RETURN_IF_ERROR(number(extensions.real_size));
            extensions.sparse = true;
        } else if (key == "GNU.sparse.offset") {
            RETURN_IF_ERROR(number(extensions.open_offset));
            extensions.sparse = true;
        } else if (key == "GNU.sparse.numbytes") {
            std::optional<std::uint64_t> bytes;
            RETURN_IF_ERROR(number(bytes));
            if (!extensions.open_offset) return tar_error("a sparse file's map is wrong");
            extensions.map.push_back({*extensions.open_offset, *bytes});
            extensions.open_offset.reset();
        } else if (key == "GNU.sparse.map") {
            extensions.sparse = true;
            ASSIGN_OR_RETURN(const auto numbers, parse_decimals(value));
            for (std::size_t i = 0; i + 1 < numbers.size(); i += 2) extensions.map.push_back({numbers[i], numbers[i + 1]});
        }
        if (extensions.map.size() > segments_max) return tar_error("a sparse file has too many pieces");
    }
    return {};
}

}  // namespace boxship::images
