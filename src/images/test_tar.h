// Writes tar archives for tests, the tricky ones above all; and a directory to unpack them into.
#pragma once

#include <gtest/gtest.h>

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cstring>
#include <string>

#include "env/real/files.h"

namespace boxship::images {

class TarWriter {
public:
    struct Item {
        std::string path;
        char type = '0';
        std::string data;
        std::string target;
        unsigned mode = 0644;
        unsigned uid = 0;
        unsigned gid = 0;
        long time = 1'600'000'000;
        unsigned major = 0;
        unsigned minor = 0;
    };

    static std::string octal(std::uint64_t value, int width) { return fmt::format("{:0{}o}", value, width - 1) + '\0'; }

    static void seal(std::string& block)
    {
        block.replace(148, 8, "        ");
        unsigned sum = 0;
        for (const char c : block) sum += static_cast<unsigned char>(c);
        block.replace(148, 8, fmt::format("{:06o}", sum) + '\0' + ' ');
    }

    static std::string header(const Item& item, std::uint64_t size, const char* magic = "ustar\0" "00")
    {
        std::string block(512, '\0');
        block.replace(0, std::min<std::size_t>(item.path.size(), 100), item.path.substr(0, 100));
        block.replace(100, 8, octal(item.mode, 8));
        block.replace(108, 8, octal(item.uid, 8));
        block.replace(116, 8, octal(item.gid, 8));
        block.replace(124, 12, octal(size, 12));
        block.replace(136, 12, octal(static_cast<std::uint64_t>(item.time), 12));
        block[156] = item.type;
        block.replace(157, std::min<std::size_t>(item.target.size(), 100), item.target.substr(0, 100));
        block.replace(257, 8, std::string(magic, 8));
        block.replace(329, 8, octal(item.major, 8));
        block.replace(337, 8, octal(item.minor, 8));
        seal(block);
        return block;
    }

    TarWriter& raw(std::string_view bytes)
    {
        bytes_ += bytes;
        return *this;
    }
    TarWriter& data(std::string_view bytes)
    {
        bytes_ += bytes;
        bytes_.append((512 - bytes.size() % 512) % 512, '\0');
        return *this;
    }
    TarWriter& add(const Item& item) { return raw(header(item, item.data.size())).data(item.data); }
    TarWriter& file(std::string path, std::string text, unsigned mode = 0644)
    {
        return add({.path = std::move(path), .data = std::move(text), .mode = mode});
    }
    TarWriter& directory(std::string path, unsigned mode = 0755) { return add({.path = std::move(path), .type = '5', .mode = mode}); }
    TarWriter& link(std::string path, std::string target) { return add({.path = std::move(path), .type = '2', .target = std::move(target)}); }
    TarWriter& hard_link(std::string path, std::string target)
    {
        return add({.path = std::move(path), .type = '1', .target = std::move(target)});
    }
    TarWriter& pax(const std::vector<std::pair<std::string, std::string>>& records, char type = 'x')
    {
        std::string text;
        for (const auto& [key, value] : records) {
            const std::size_t body = key.size() + value.size() + 3;
            std::size_t length = body + std::to_string(body).size();
            if (std::to_string(length).size() != std::to_string(body).size()) ++length;
            text += fmt::format("{} {}={}\n", length, key, value);
        }
        return add({.path = "PaxHeaders/x", .type = type, .data = std::move(text)});
    }
    std::string finish() const { return bytes_ + std::string(1024, '\0'); }
    std::string unfinished() const { return bytes_; }

private:
    std::string bytes_;
};

inline std::string gzip(std::string_view bytes, int level = 6)
{
    z_stream stream{};
    EXPECT_EQ(deflateInit2(&stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    std::string packed(deflateBound(&stream, bytes.size()) + 64, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_out = static_cast<uInt>(packed.size());
    EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
    packed.resize(packed.size() - stream.avail_out);
    deflateEnd(&stream);
    return packed;
}

inline std::string zstd(std::string_view bytes)
{
    std::string packed(ZSTD_compressBound(bytes.size()), '\0');
    const std::size_t size = ZSTD_compress(packed.data(), packed.size(), bytes.data(), bytes.size(), 3);
    EXPECT_FALSE(ZSTD_isError(size));
    packed.resize(size);
    return packed;
}

// A directory of the test's own, with everything below it removed at its end.
class InDirectory : public ::testing::Test {
protected:
    void SetUp() override
    {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root: device nodes and owners are made";
        char pattern[] = "/tmp/boxship-images-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern), nullptr);
        directory_ = pattern;
    }
    void TearDown() override
    {
        if (directory_.empty()) return;
        EXPECT_TRUE(env::remove_tree(directory_).ok());
    }
    std::string make(const std::string& name)
    {
        EXPECT_TRUE(env::make_directories(directory_ + "/" + name).ok());
        return directory_ + "/" + name;
    }
    static struct stat look(const std::string& path)
    {
        struct stat info{};
        EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
        return info;
    }
    static std::string attribute(const std::string& path, const char* name)
    {
        char value[256];
        const ssize_t size = ::lgetxattr(path.c_str(), name, value, sizeof value);
        return size < 0 ? std::string() : std::string(value, static_cast<std::size_t>(size));
    }
    static bool hidden(const std::string& path)
    {
        struct stat info{};
        return ::lstat(path.c_str(), &info) == 0 && S_ISCHR(info.st_mode) && info.st_rdev == makedev(0, 0);
    }

    std::string directory_;
};

}  // namespace boxship::images
