#include "images/unpack.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include <cerrno>
#include <thread>

#include "images/decompress.h"
#include "images/test_tar.h"

namespace boxship::images {
namespace {

class Unpack : public InDirectory {
protected:
    HostResult<Unpacked> take(const std::string& tar, const UnpackLimits& limits = {}, const std::string& name = "layer")
    {
        root_ = make(name);
        MemorySource source(tar, 700);  // pieces that end anywhere
        return unpack(source, root_, limits);
    }
    int refusal(const std::string& tar, const UnpackLimits& limits = {})
    {
        const auto result = take(tar, limits);
        if (result.ok()) return 0;
        return result.error().code;
    }
    std::string at(const std::string& path) const { return root_ + "/" + path; }
    std::string text(const std::string& path) const
    {
        const auto bytes = env::read_file(at(path));
        return bytes.ok() ? *bytes : "<" + bytes.error().message + ">";
    }
    std::string root_;
};

TEST_F(Unpack, keeps_what_entries_say)
{
    TarWriter tar;
    tar.directory("./").directory("./bin/", 0755).file("bin/su", "#!", 04755).directory("tmp/", 01777);
    tar.add({.path = "home/me/notes", .data = "hello", .mode = 0640, .uid = 1000, .gid = 1001, .time = 1'234'567'890});
    tar.link("bin/sh", "../usr/bin/dash").hard_link("bin/sudo", "./bin/su").hard_link("bin/doas", "/bin/su");
    tar.add({.path = "dev/null", .type = '3', .mode = 0666, .major = 1, .minor = 3});
    tar.add({.path = "dev/disk", .type = '4', .mode = 0660, .gid = 6, .major = 8, .minor = 1});
    tar.add({.path = "run/pipe", .type = '6', .mode = 0622});
    const auto done = take(tar.finish());
    ASSERT_TRUE(done.ok()) << done.error().message;
    EXPECT_EQ(done->entries, 11u);
    EXPECT_EQ(done->implied, (std::vector<std::string>{"dev", "home", "home/me", "run"}));
    EXPECT_EQ(look(at("bin/su")).st_mode, S_IFREG | 04755u);
    EXPECT_EQ(look(at("bin/su")).st_nlink, 3u);
    EXPECT_EQ(look(at("bin/sudo")).st_ino, look(at("bin/su")).st_ino);
    EXPECT_EQ(look(at("tmp")).st_mode, S_IFDIR | 01777u);
    EXPECT_EQ(look(at("tmp")).st_mtim.tv_sec, 1'600'000'000);
    EXPECT_EQ(look(at("bin")).st_mtim.tv_sec, 1'600'000'000) << "children are made later";
    const struct stat notes = look(at("home/me/notes"));
    EXPECT_EQ(notes.st_uid, 1000u);
    EXPECT_EQ(notes.st_gid, 1001u);
    EXPECT_EQ(notes.st_mode & 07777, 0640u);
    EXPECT_EQ(notes.st_mtim.tv_sec, 1'234'567'890);
    EXPECT_EQ(look(at("dev/null")).st_rdev, makedev(1, 3));
    EXPECT_EQ(look(at("dev/null")).st_mode, S_IFCHR | 0666u);
    EXPECT_EQ(look(at("dev/disk")).st_mode, S_IFBLK | 0660u);
    EXPECT_EQ(look(at("run/pipe")).st_mode, S_IFIFO | 0622u);
    char link[64] = {};
    EXPECT_EQ(::readlink(at("bin/sh").c_str(), link, sizeof link), 15);
    EXPECT_STREQ(link, "../usr/bin/dash");
}

TEST_F(Unpack, long_names_numbers_and_attributes)
{
    const std::string deep = std::string(120, 'd') + "/" + std::string(200, 'f');
    TarWriter tar;
    tar.add({.path = "././@LongLink", .type = 'L', .data = deep + std::string(1, '\0')});
    tar.file(deep.substr(0, 100), "gnu");
    tar.pax({{"path", "pax/" + std::string(180, 'p')}, {"mtime", "1600000001.25"}, {"uid", "3000000"}, {"SCHILY.xattr.user.note", "a=b\n"}});
    tar.file("short", "pax");
    const std::string capability("\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
    tar.pax({{"SCHILY.xattr.security.capability", capability}, {"SCHILY.xattr.trusted.overlay.redirect", "/etc"},
             {"SCHILY.xattr.user.overlay.opaque", "y"}, {"SCHILY.xattr.trusted.overlay.opaque", "y"}});
    tar.file("ping", "x", 0755);
    std::string split = TarWriter::header({.path = "tail"}, 0);
    split.replace(345, 4, "head");
    TarWriter::seal(split);
    tar.raw(split);
    std::string wide = TarWriter::header({.path = "wide"}, 3);
    wide.replace(108, 8, std::string("\x80\0\0\0\0\x2d\xc6\xc0", 8));                              // uid 3,000,000
    wide.replace(124, 12, std::string("\x80\0\0\0\0\0\0\0\0\0\0\x03", 12));
    wide.replace(136, 12, std::string("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe", 12));  // two seconds before 1970
    TarWriter::seal(wide);
    tar.raw(wide).data("abc");
    const auto done = take(tar.finish());
    ASSERT_TRUE(done.ok()) << done.error().message;
    EXPECT_EQ(text(deep), "gnu");
    const std::string pax = "pax/" + std::string(180, 'p');
    EXPECT_EQ(text(pax), "pax");
    EXPECT_EQ(look(at(pax)).st_uid, 3'000'000u);
    EXPECT_EQ(look(at(pax)).st_mtim.tv_nsec, 250'000'000);
    EXPECT_EQ(attribute(at(pax), "user.note"), "a=b\n");
    EXPECT_EQ(attribute(at("ping"), "security.capability").size(), capability.size());
    EXPECT_EQ(attribute(at("ping"), "trusted.overlay.redirect"), "");
    EXPECT_EQ(attribute(at("ping"), "trusted.overlay.opaque"), "");
    EXPECT_EQ(attribute(at("ping"), "user.overlay.opaque"), "");
    EXPECT_TRUE(env::file_exists(at("head/tail")));
    EXPECT_EQ(look(at("wide")).st_uid, 3'000'000u);
    EXPECT_EQ(look(at("wide")).st_mtim.tv_sec, -2);
    EXPECT_EQ(text("wide"), "abc");
}

TEST_F(Unpack, sparse_files_in_every_dialect)
{
    const std::string expected = "AB" + std::string(998, '\0') + "CD" + std::string(998, '\0');
    TarWriter tar;
    std::string old = TarWriter::header({.path = "old", .type = 'S'}, 4, "ustar  ");
    old.replace(386, 48, TarWriter::octal(0, 12) + TarWriter::octal(2, 12) + TarWriter::octal(1000, 12) + TarWriter::octal(2, 12));
    old.replace(483, 12, TarWriter::octal(2000, 12));
    TarWriter::seal(old);
    tar.raw(old).data("ABCD");
    tar.pax({{"GNU.sparse.size", "2000"}, {"GNU.sparse.numblocks", "2"}, {"GNU.sparse.offset", "0"}, {"GNU.sparse.numbytes", "2"},
             {"GNU.sparse.offset", "1000"}, {"GNU.sparse.numbytes", "2"}});
    tar.file("pax00", "ABCD");
    tar.pax({{"GNU.sparse.size", "2000"}, {"GNU.sparse.name", "pax01"}, {"GNU.sparse.map", "0,2,1000,2"}});
    tar.file("GNUSparseFile.1/x", "ABCD");
    std::string map = "2\n0\n2\n1000\n2\n";
    map.resize(512, '\0');
    tar.pax({{"GNU.sparse.major", "1"}, {"GNU.sparse.minor", "0"}, {"GNU.sparse.name", "pax10"}, {"GNU.sparse.realsize", "2000"}});
    tar.file("GNUSparseFile.1/y", map + "ABCD");
    tar.file("after", "still in step");
    const auto done = take(tar.finish());
    ASSERT_TRUE(done.ok()) << done.error().message;
    for (const char* name : {"old", "pax00", "pax01", "pax10"}) EXPECT_EQ(text(name), expected) << name;
    EXPECT_EQ(text("after"), "still in step");

    TarWriter wrong;
    wrong.pax({{"GNU.sparse.size", "2000"}, {"GNU.sparse.name", "w"}, {"GNU.sparse.map", "0,2,1,2"}}).file("w", "ABCD");
    EXPECT_EQ(refusal(wrong.finish()), EBADMSG);
    TarWriter beyond;
    beyond.pax({{"GNU.sparse.size", "10"}, {"GNU.sparse.name", "w"}, {"GNU.sparse.map", "0,2,1000,2"}}).file("w", "ABCD");
    EXPECT_EQ(refusal(beyond.finish()), EBADMSG);
}

TEST_F(Unpack, whiteouts_hide_lower_layers_only)
{
    TarWriter tar;
    tar.file("etc/.wh.passwd", "").file("var/.wh..wh..opq", "").file("var/kept", "k");
    tar.file("own", "o").file(".wh.own", "");                        // this layer's own file stays
    tar.directory("dir/").file("dir/x", "x").file(".wh.dir", "");    // and its directory, without the lower one's content
    tar.file(".wh.late", "").directory("late/").file("late/y", "y"); // the same the other way round
    tar.file(".wh.deep", "").file("deep/er/z", "z");
    tar.hard_link("aufs/.wh.linked", ".wh..wh.aufs").file(".wh..wh.aufs", "").file(".wh..wh.plnk/1.2", "");
    const auto done = take(tar.finish());
    ASSERT_TRUE(done.ok()) << done.error().message;
    EXPECT_TRUE(hidden(at("etc/passwd")));
    EXPECT_FALSE(env::file_exists(at("etc/.wh.passwd")));
    EXPECT_EQ(attribute(at("var"), "trusted.overlay.opaque"), "y");
    EXPECT_EQ(text("var/kept"), "k");
    EXPECT_EQ(text("own"), "o");
    EXPECT_EQ(text("dir/x"), "x");
    EXPECT_EQ(attribute(at("dir"), "trusted.overlay.opaque"), "y");
    EXPECT_EQ(text("late/y"), "y");
    EXPECT_EQ(attribute(at("late"), "trusted.overlay.opaque"), "y");
    EXPECT_EQ(text("deep/er/z"), "z");
    EXPECT_EQ(attribute(at("deep"), "trusted.overlay.opaque"), "y");
    EXPECT_TRUE(hidden(at("aufs/linked")));
    EXPECT_FALSE(env::file_exists(at(".wh..wh.plnk")));
    EXPECT_EQ(refusal(TarWriter().file(".wh.", "").finish()), EBADMSG);
    EXPECT_EQ(refusal(TarWriter().file("a/.wh...", "").finish()), EBADMSG);
}

TEST_F(Unpack, later_entries_replace_earlier_ones)
{
    TarWriter tar;
    tar.file("a", "one").file("a", "two").directory("b/").file("b/inner", "i").file("b", "file now");
    tar.file("c", "file").directory("c/").file("c/inner", "i").link("d", "a").file("d", "not through the link");
    tar.hard_link("a2", "a").hard_link("a2", "a").hard_link("self", "self");
    EXPECT_EQ(refusal(tar.finish()), ENOENT) << "a link to what is not there";
    EXPECT_EQ(text("a"), "two");
    EXPECT_EQ(text("b"), "file now");
    EXPECT_EQ(text("c/inner"), "i");
    EXPECT_EQ(text("d"), "not through the link");
    EXPECT_EQ(look(at("a")).st_nlink, 2u);
}

TEST_F(Unpack, nothing_leaves_the_directory)
{
    ASSERT_TRUE(env::write_file(make("outside") + "/secret", "s").ok());
    EXPECT_EQ(refusal(TarWriter().file("../escaped", "x").finish()), EPERM);
    EXPECT_EQ(refusal(TarWriter().file("a/../../escaped", "x").finish()), EPERM);
    EXPECT_EQ(refusal(TarWriter().file("a/..", "x").finish()), EPERM);
    EXPECT_EQ(refusal(TarWriter().file("x", "x").hard_link("stolen", "../outside/secret").finish()), EPERM);
    EXPECT_EQ(refusal(TarWriter().link("stolen1", "../outside").hard_link("stolen2", "stolen1/secret").finish()), ENOENT);
    EXPECT_EQ(refusal(TarWriter().directory("d/").hard_link("dd", "d").finish()), EISDIR);

    // Absolute names, and links that point out, mean the layer's own root, as they do in the container.
    TarWriter tar;
    tar.file("/abs", "absolute").link("up", "../../../../.." + directory_ + "/outside").file("up/planted", "p");
    tar.link("slash", directory_).file("slash/planted2", "p").link("loop", "loop");
    tar.link("chain1", "chain2/../../..").link("chain2", "/very").file("chain1/planted3", "p");
    tar.link("fresh", "/opt/fresh").file("fresh/f", "f");
    const auto done = take(tar.finish(), {}, "contained");
    ASSERT_TRUE(done.ok()) << done.error().message;
    EXPECT_EQ(text("abs"), "absolute");
    EXPECT_EQ(env::list_directory(directory_ + "/outside")->size(), 1u);
    EXPECT_EQ(text(directory_.substr(1) + "/outside/planted"), "p");
    EXPECT_EQ(text(directory_.substr(1) + "/planted2"), "p");
    EXPECT_EQ(text("planted3"), "p");
    EXPECT_EQ(text("opt/fresh/f"), "f");
    EXPECT_EQ(refusal(TarWriter().link("loop", "loop").file("loop/x", "x").finish()), ELOOP);
    EXPECT_EQ(env::list_directory(directory_)->size(), 3u) << "layer, outside, contained";
}

TEST_F(Unpack, a_parent_replaced_by_a_link_is_not_trusted_from_memory)
{
    TarWriter tar;
    tar.directory("a/").file("a/one", "1").directory("b/").file("a/two", "2");
    tar.link("a", "b").file("a/three", "3");
    ASSERT_EQ(refusal(tar.finish()), 0);
    EXPECT_EQ(text("b/three"), "3");
    EXPECT_FALSE(env::file_exists(at("b/one")));
}

TEST_F(Unpack, damage_and_excess_are_refused)
{
    const std::string good = TarWriter().file("f", std::string(3000, 'x')).finish();
    EXPECT_EQ(refusal(good), 0);
    EXPECT_EQ(refusal(good.substr(0, 2000)), EBADMSG);
    EXPECT_EQ(refusal(good.substr(0, 300)), EBADMSG);
    std::string flipped = good;
    flipped[10] = 'q';
    EXPECT_EQ(refusal(flipped), EBADMSG);
    EXPECT_EQ(refusal("not a tar archive at all" + std::string(600, 'z')), EBADMSG);
    EXPECT_EQ(refusal(""), 0) << "an empty layer";
    EXPECT_EQ(refusal(TarWriter().file("f", "x").unfinished()), 0) << "without the zero blocks at the end";
    EXPECT_EQ(refusal(good, {.bytes_max = 2999}), EFBIG);
    EXPECT_EQ(refusal(TarWriter().file("a", "").file("b", "").finish(), {.entries_max = 1}), EFBIG);
    EXPECT_EQ(refusal(TarWriter().pax({{"path", std::string(5000, 'x')}}).file("f", "").finish()), ENAMETOOLONG);
    EXPECT_EQ(refusal(TarWriter().pax({{"path", std::string(256, 'x')}}).file("f", "").finish()), ENAMETOOLONG);
    EXPECT_EQ(refusal(TarWriter().pax({{"path", std::string("a\0b", 3)}}).file("f", "").finish()), EBADMSG);
    EXPECT_EQ(refusal(TarWriter().add({.path = "PaxHeaders", .type = 'x', .data = "999 path=x\n"}).file("f", "").finish()), EBADMSG);
    EXPECT_EQ(refusal(TarWriter().add({.path = "q", .type = 'Q'}).finish()), EBADMSG);
    EXPECT_EQ(refusal(TarWriter().raw(TarWriter::header({.path = "huge", .type = 'x'}, 1u << 30)).finish()), EBADMSG);
    TarWriter headers;
    for (int i = 0; i < 40; ++i) headers.pax({{"comment", "x"}});
    EXPECT_EQ(refusal(headers.file("f", "").finish()), EBADMSG);
    EXPECT_EQ(refusal(TarWriter().pax({{"comment", "0123456789"}}, 'g').file("f", "").finish()), 0);
    EXPECT_EQ(refusal(TarWriter().file("", "x").finish()), EBADMSG);
}

TEST_F(Unpack, whatever_is_changed_stays_inside)
{
    TarWriter tar;
    tar.directory("a/").file("a/f", "text").link("a/l", "../../..").hard_link("a/h", "a/f").file("a/l/x", "x").file("a/.wh.gone", "");
    tar.pax({{"path", "b/" + std::string(120, 'p')}, {"size", "4"}, {"SCHILY.xattr.user.x", "y"}}).file("p", "data");
    tar.pax({{"GNU.sparse.major", "1"}, {"GNU.sparse.minor", "0"}, {"GNU.sparse.name", "s"}, {"GNU.sparse.realsize", "600"}});
    std::string map = "1\n500\n4\n";
    map.resize(512, '\0');
    tar.file("GNUSparseFile.0/s", map + "DATA");
    const std::string good = tar.finish();
    ASSERT_EQ(refusal(good), 0);
    std::uint32_t random = 12345;
    const auto next = [&random](std::size_t below) { return (random = random * 1664525 + 1013904223) / 65536 % below; };
    const char* words[] = {"..", "/", "\x80", "7777777", "L", "5", "2", "1", "S", " ", "9", "-", "a/l"};
    int taken = 0;
    for (int round = 0; round < 300; ++round) {
        std::string bytes = good;
        for (std::size_t changes = 1 + next(4); changes > 0; --changes) {
            const std::string word = words[next(std::size(words))];
            bytes.replace(next(bytes.size() - word.size()), word.size(), word);
        }
        for (std::size_t block = 0; block + 512 <= bytes.size(); block += 512) {  // or the checksum would refuse nearly all
            if (bytes.compare(block + 257, 5, "ustar") != 0) continue;
            std::string header = bytes.substr(block, 512);
            TarWriter::seal(header);
            bytes.replace(block, 512, header);
        }
        ASSERT_TRUE(env::remove_tree(directory_ + "/layer").ok());
        taken += refusal(bytes, {.bytes_max = 1 << 20, .entries_max = 100}) == 0;
        ASSERT_EQ(env::list_directory(directory_)->size(), 1u) << "round " << round;
    }
    EXPECT_GT(taken, 10);
    EXPECT_LT(taken, 290);
}

TEST_F(Unpack, overlayfs_reads_the_layers_as_meant)
{
    const std::string low = make("low");
    const std::string high = make("high");
    const std::string merged = make("merged");
    MemorySource first(TarWriter().file("etc/passwd", "p").file("etc/group", "g").file("var/old", "o").file("dir/old", "o").finish());
    ASSERT_TRUE(unpack(first, low).ok());
    MemorySource second(TarWriter().file("etc/.wh.passwd", "").file("var/new", "n").file("var/.wh..wh..opq", "").file(".wh.dir", "")
                            .directory("dir/").file("dir/new", "n").finish());
    ASSERT_TRUE(unpack(second, high).ok());
    bool mounted = false;
    std::vector<std::string> etc, var, dir;
    std::thread([&] {  // its own mount namespace dies with the thread
        if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return;
        const std::string options = "lowerdir=" + high + ":" + low;
        mounted = ::mount("overlay", merged.c_str(), "overlay", MS_RDONLY, options.c_str()) == 0;
        etc = *env::list_directory(merged + "/etc");
        var = *env::list_directory(merged + "/var");
        dir = *env::list_directory(merged + "/dir");
    }).join();
    if (!mounted) GTEST_SKIP() << "overlayfs cannot be mounted here";
    EXPECT_EQ(etc, std::vector<std::string>{"group"});
    EXPECT_EQ(var, std::vector<std::string>{"new"});
    EXPECT_EQ(dir, std::vector<std::string>{"new"});
}

HostResult<std::string> inflate_all(std::string packed, std::size_t piece, InflationLimits limits = {})
{
    Decompressor source(std::make_unique<MemorySource>(std::move(packed), piece), limits);
    std::string bytes;
    for (;;) {
        ASSIGN_OR_RETURN(const std::string_view part, source.next());
        if (part.empty()) return bytes;
        bytes += part;
    }
}

TEST(Decompress, recognises_and_inflates)
{
    std::string text;
    for (int i = 0; i < 20'000; ++i) text += std::to_string(i * 7919);
    for (const std::size_t piece : {std::size_t{1'000'000}, std::size_t{4093}, std::size_t{3}}) {
        EXPECT_EQ(*inflate_all(gzip(text), piece), text);
        EXPECT_EQ(*inflate_all(zstd(text), piece), text);
        EXPECT_EQ(*inflate_all(text, piece), text);
        EXPECT_EQ(*inflate_all(gzip(text) + gzip("more"), piece), text + "more");
        EXPECT_EQ(*inflate_all(zstd(text) + zstd("more"), piece), text + "more");
        EXPECT_EQ(*inflate_all(gzip("padded") + std::string(100, '\0'), piece), "padded");
    }
    const std::string zeros(3 << 20, '\0');  // the last input yields more than one buffer of output
    EXPECT_EQ(*inflate_all(gzip(zeros), 1 << 20), zeros);
    EXPECT_EQ(*inflate_all(zstd(zeros), 1 << 20), zeros);
    EXPECT_EQ(*inflate_all("", 10), "");
    EXPECT_EQ(*inflate_all("ab", 1), "ab");
}

TEST(Decompress, damage_and_bombs_are_refused)
{
    const std::string text(1000, 'q');
    for (const std::string& packed : {gzip(text), zstd(text)}) {
        EXPECT_EQ(inflate_all(packed.substr(0, packed.size() - 5), 64).error().code, EBADMSG);
        EXPECT_EQ(inflate_all(packed + "rubbish", 64).error().code, EBADMSG);
    }
    std::string flipped = gzip(text);
    flipped[flipped.size() - 6] = static_cast<char>(flipped[flipped.size() - 6] ^ 1);
    EXPECT_EQ(inflate_all(flipped, 64).error().code, EBADMSG);
    const std::string zeros(4 << 20, '\0');
    EXPECT_EQ(inflate_all(gzip(zeros), 64 << 10, {.free_bytes = 1 << 20, .ratio_max = 100}).error().code, EFBIG);
    EXPECT_EQ(inflate_all(zstd(zeros), 64 << 10, {.free_bytes = 1 << 20, .ratio_max = 100}).error().code, EFBIG);
    EXPECT_TRUE(inflate_all(gzip(zeros), 64 << 10, {.free_bytes = 8 << 20, .ratio_max = 100}).ok());
}

}  // namespace
}  // namespace boxship::images
