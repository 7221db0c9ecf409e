#include <gtest/gtest.h>

#include "base/arn.h"
#include "base/bytes.h"
#include "base/id.h"
#include "base/ids_for_tests.h"
#include "base/numbers.h"
#include "base/result.h"
#include "base/similar.h"
#include "base/strings.h"
#include "base/time.h"

namespace boxship {
namespace {

TEST(Bytes, base64_round_trips_and_refuses_garbage)
{
    for (const std::string text : {"", "f", "fo", "foo", "foob"}) EXPECT_EQ(from_base64(to_base64(text)), text);
    EXPECT_EQ(to_base64("AWS:x"), "QVdTOng=");
    EXPECT_FALSE(from_base64("abc"));
    EXPECT_FALSE(from_base64("ab=c"));
    EXPECT_FALSE(from_base64("a b="));
}

TEST(Id, is_32_digits_of_text)
{
    const auto id = TaskId::parse("00112233445566778899aabbccddeeff");
    ASSERT_TRUE(id);
    EXPECT_EQ(to_text(*id), "00112233445566778899aabbccddeeff");
    EXPECT_EQ(to_short_text("subnet-", *id), "subnet-00112233445566778");
    EXPECT_FALSE(TaskId::parse("0011"));
    EXPECT_FALSE(TaskId::parse("zz112233445566778899aabbccddeeff"));
    EXPECT_FALSE(static_cast<bool>(TaskId{}));
}

TEST(Id, of_what_comes_by_the_million_stand_in_the_order_of_time)
{
    SameIds ids(7);
    TaskId before = ids.next<TaskId>(Time{1795181704123});
    EXPECT_EQ(to_text(before).substr(16, 12), "01a1f92af3bb");
    for (std::int64_t ms = 1795181704124; ms < 1795181704224; ++ms) {
        const auto after = ids.next<TaskId>(Time{ms});
        EXPECT_LT(before, after);
        EXPECT_NE(to_text(before).substr(0, 16), to_text(after).substr(0, 16));
        before = after;
    }
}

TEST(Time, formats)
{
    const Time time{1795181704123};
    EXPECT_EQ(to_iso8601(time), "2026-11-20T13:35:04.123Z");
    EXPECT_EQ(to_http_date(time), "Fri, 20 Nov 2026 13:35:04 GMT");
    EXPECT_EQ(parse_basic_iso8601(to_basic_iso8601(time)), Time{1795181704000});
    EXPECT_FALSE(parse_basic_iso8601("20261320T133504Z"));
    EXPECT_FALSE(parse_basic_iso8601("2026-11-20T13:35:04Z"));
}

TEST(Arn, splits_and_joins)
{
    const auto arn = Arn::parse("arn:aws:ecs:us-east-1:000000000000:task/default/ab:c");
    ASSERT_TRUE(arn);
    EXPECT_EQ(arn->resource, "task/default/ab:c");
    EXPECT_EQ(to_text(*arn), "arn:aws:ecs:us-east-1:000000000000:task/default/ab:c");
    EXPECT_FALSE(Arn::parse("arn:aws:ecs:us-east-1"));
    EXPECT_FALSE(Arn::parse("web:1"));
}

TEST(Strings, split_keeps_empty_parts)
{
    EXPECT_EQ(split("a,,b", ',').size(), 3u);
    EXPECT_EQ(trim("  x \r\n"), "x");
    EXPECT_TRUE(equals_ignoring_case("Content-Type", "content-type"));
}

TEST(Similar, counts_the_letters_that_differ)
{
    EXPECT_EQ(edits_between("status", "status"), 0u);
    EXPECT_EQ(edits_between("staus", "status"), 1u);
    EXPECT_EQ(edits_between("up", "ups"), 1u);
    EXPECT_EQ(edits_between("", "down"), 4u);
    EXPECT_EQ(edits_between("kitten", "sitting"), 3u);
}

Result<int> half(int n)
{
    if (n % 2) return ApiError{"ClientException", "odd"};
    return n / 2;
}
Result<std::string> quarter(int n)
{
    ASSIGN_OR_RETURN(const int h, half(n));
    ASSIGN_OR_RETURN(const int q, half(h));
    return std::to_string(q);
}

TEST(Result, carries_errors_outwards)
{
    EXPECT_EQ(*quarter(8), "2");
    EXPECT_EQ(quarter(6).error().message, "odd");
}

TEST(Numbers, are_the_whole_text_and_fit)
{
    EXPECT_EQ(parse_number<int>("-12"), -12);
    EXPECT_EQ(parse_number<std::uint8_t>("ff", 16), 255);
    EXPECT_EQ(parse_number<double>("0.5"), 0.5);
    for (const char* wrong : {"", "12 ", " 12", "+12", "1x", "300"}) EXPECT_EQ(parse_number<std::uint8_t>(wrong), std::nullopt) << wrong;
    EXPECT_EQ(parse_number<unsigned>("-1"), std::nullopt);
}

}  // namespace
}  // namespace boxship
