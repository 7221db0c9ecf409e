#include <gtest/gtest.h>

#include <poll.h>
#include <stdlib.h>

#include "env/real/files.h"
#include "runtime/log_reader.h"
#include "runtime/monitor/log_writer.h"

namespace boxship::runtime {
namespace {

class Logs : public ::testing::Test {
protected:
    Logs()
    {
        char name[] = "/tmp/boxship-logs-XXXXXX";
        directory_ = ::mkdtemp(name);
    }
    ~Logs() override { EXPECT_TRUE(env::remove_tree(directory_).ok()); }

    static timespec at(long second) { return {second, 123456789}; }
    std::vector<std::string> all(LogReader& reader)
    {
        std::vector<std::string> texts;
        for (;;) {
            auto lines = reader.read(7);
            EXPECT_TRUE(lines.ok());
            if (!lines.ok() || lines->empty()) return texts;
            for (const auto& line : *lines) texts.push_back(line.text);
        }
    }

    std::string directory_;
};

TEST_F(Logs, keep_time_stream_and_text)
{
    LogWriter writer(directory_, 1 << 20, 3);
    ASSERT_TRUE(writer.open().ok());
    writer.append(Stream::out, "one\ntw", at(1795181704));
    writer.append(Stream::err, "oops\n", at(1795181705));
    EXPECT_TRUE(writer.pending());
    writer.append(Stream::out, "o\n", at(1795181706));
    EXPECT_FALSE(writer.pending());
    const auto text = env::read_file(directory_ + "/00000001.log");
    ASSERT_TRUE(text.ok());
    EXPECT_EQ(*text, "2026-11-20T13:35:04.123456789Z stdout F one\n"
                     "2026-11-20T13:35:05.123456789Z stderr F oops\n"
                     "2026-11-20T13:35:06.123456789Z stdout F two\n");
    LogReader reader(directory_);
    const auto lines = reader.read(10);
    ASSERT_TRUE(lines.ok());
    ASSERT_EQ(lines->size(), 3u);
    EXPECT_EQ((*lines)[1].stream, Stream::err);
    EXPECT_EQ((*lines)[1].ns, 1795181705123456789);
    EXPECT_EQ(format_log_time((*lines)[1].ns), "2026-11-20T13:35:05.123456789Z");
    EXPECT_TRUE((*lines)[2].whole);
}

TEST_F(Logs, break_long_and_unfinished_lines_into_pieces)
{
    LogWriter writer(directory_, 1 << 20, 3);
    ASSERT_TRUE(writer.open().ok());
    const std::string line(2 * log_piece_max + 5, 'x');
    writer.append(Stream::out, line.substr(0, 20000), at(100));
    writer.append(Stream::out, line.substr(20000) + "\nprompt> ", at(101));
    writer.append(Stream::out, std::string(log_piece_max, 'y') + "\n", at(102));
    writer.append(Stream::err, "rest", at(103));
    writer.flush(at(104));
    LogReader reader(directory_);
    const auto lines = reader.read(100);
    ASSERT_TRUE(lines.ok());
    std::string joined;
    for (const auto& one : *lines) joined += one.text + (one.whole ? "\n" : "");
    EXPECT_EQ(joined, line + "\nprompt> " + std::string(log_piece_max, 'y') + "\nrest");
    for (const auto& one : *lines) EXPECT_LE(one.text.size(), log_piece_max);
}

TEST_F(Logs, rotate_by_size_and_keep_the_newest)
{
    LogWriter writer(directory_, 1000, 3);
    ASSERT_TRUE(writer.open().ok());
    for (int i = 0; i < 100; ++i) writer.append(Stream::out, "line " + std::to_string(i) + "\n", at(100 + i));
    const auto names = env::list_directory(directory_);
    ASSERT_TRUE(names.ok());
    EXPECT_EQ(names->size(), 3u);
    for (const auto& name : *names) {
        const auto text = env::read_file(directory_ + "/" + name);
        ASSERT_TRUE(text.ok());
        EXPECT_LE(text->size(), 1000u);
    }
    LogReader reader(directory_);
    const auto texts = all(reader);
    ASSERT_GT(texts.size(), 40u);
    EXPECT_EQ(texts.back(), "line 99");
    for (std::size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(texts[i], "line " + std::to_string(100 - texts.size() + i));
}

TEST_F(Logs, go_on_in_the_newest_file_after_a_restart)
{
    for (int run = 0; run < 2; ++run) {
        LogWriter writer(directory_, 1 << 20, 3);
        ASSERT_TRUE(writer.open().ok());
        writer.append(Stream::out, "run " + std::to_string(run) + "\n", at(100 + run));
    }
    LogReader reader(directory_);
    EXPECT_EQ(all(reader), (std::vector<std::string>{"run 0", "run 1"}));
}

TEST_F(Logs, a_follower_reads_every_line_across_rotation)
{
    LogWriter writer(directory_, 2000, 1000);
    ASSERT_TRUE(writer.open().ok());
    LogReader reader(directory_);
    const auto watch = reader.watch();
    ASSERT_TRUE(watch.ok());
    std::vector<std::string> seen;
    for (int i = 0; i < 500; ++i) {
        writer.append(i % 2 ? Stream::out : Stream::err, std::to_string(i) + "\n", at(100 + i));
        if (i % 37 == 0)
            for (auto& text : all(reader)) seen.push_back(text);
    }
    pollfd ready = {*watch, POLLIN, 0};
    EXPECT_EQ(::poll(&ready, 1, 0), 1);
    reader.acknowledge();
    EXPECT_EQ(::poll(&ready, 1, 0), 0);
    for (auto& text : all(reader)) seen.push_back(text);
    ASSERT_EQ(seen.size(), 500u);
    for (int i = 0; i < 500; ++i) EXPECT_EQ(seen[static_cast<std::size_t>(i)], std::to_string(i));
}

TEST_F(Logs, seek_by_tail_time_and_position)
{
    LogWriter writer(directory_, 1000, 100);
    ASSERT_TRUE(writer.open().ok());
    for (int i = 0; i < 100; ++i) writer.append(Stream::out, std::to_string(i) + "\n", at(100 + i));
    LogReader tail(directory_);
    ASSERT_TRUE(tail.seek_tail(30).ok());
    auto texts = all(tail);
    ASSERT_EQ(texts.size(), 30u);
    EXPECT_EQ(texts.front(), "70");
    ASSERT_TRUE(tail.seek_tail(0).ok());
    EXPECT_TRUE(all(tail).empty());
    ASSERT_TRUE(tail.seek_tail(1000).ok());
    EXPECT_EQ(all(tail).size(), 100u);

    LogReader since(directory_);
    since.seek_since(195LL * 1000000000);
    EXPECT_EQ(all(since).front(), "95");

    LogReader first(directory_);
    ASSERT_TRUE(first.read(33).ok());
    LogReader second(directory_);
    second.seek(first.position());
    EXPECT_EQ(all(second).front(), "33");
}

TEST_F(Logs, a_reader_of_nothing_finds_nothing)
{
    LogReader reader(directory_ + "/absent");
    EXPECT_TRUE(all(reader).empty());
    EXPECT_FALSE(reader.watch().ok());
    LogLine line;
    EXPECT_FALSE(parse_log_line("2026-11-20 hello", line));
    EXPECT_EQ(log_file_number("00000012.log"), 12u);
    EXPECT_EQ(log_file_number("x.log"), 0u);
}

}  // namespace
}  // namespace boxship::runtime
