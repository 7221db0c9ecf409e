#include "shape/json_value.h"

#include <limits>

#include "shape/json_reader.h"

namespace boxship::shape {
namespace {

Json parsed(std::string_view text)
{
    auto json = Json::parse(text);
    EXPECT_TRUE(json.ok()) << text << ": " << (json.ok() ? "" : json.error());
    return json.ok() ? *json : Json();
}

std::string error_of(std::string_view text)
{
    auto json = Json::parse(text);
    EXPECT_FALSE(json.ok()) << text;
    return json.ok() ? "" : json.error();
}

TEST(Json, reads_and_writes_every_kind)
{
    const std::string text = R"({"a":1,"b":[true,false,null,-2.5],"c":{"d":"x\"\\\n\u0001é😀"},"e":[],"f":{}})";
    const Json json = parsed(text);
    EXPECT_EQ(json.dump(), text);
    EXPECT_EQ(json.get_int64("a"), 1);
    EXPECT_EQ(json["b"].as_array().size(), 4u);
    EXPECT_DOUBLE_EQ(json["b"].as_array()[3].as_double(), -2.5);
    EXPECT_EQ(json["c"].get_string("d"), "x\"\\\n\x01é😀");
    EXPECT_TRUE(json["nowhere"]["deeper"].is_null());
    EXPECT_EQ(json.get_string("a", "fallback"), "fallback");
    EXPECT_EQ(json, parsed(json.dump_pretty()));
}

TEST(Json, builds)
{
    Json json = Json::object({{"name", "web"}, {"count", 3}, {"on", true}, {"list", Json::array({1, "two"})}});
    json.set("count", 4);
    json.set("extra", Json::object()).set("inner", nullptr);
    EXPECT_EQ(json.dump(), R"({"name":"web","count":4,"on":true,"list":[1,"two"],"extra":{"inner":null}})");
    EXPECT_TRUE(json.erase("list"));
    EXPECT_FALSE(json.erase("list"));
    EXPECT_EQ(json.dump_pretty(), "{\n    \"name\": \"web\",\n    \"count\": 4,\n    \"on\": true,\n    \"extra\": {\n"
                                  "        \"inner\": null\n    }\n}");
}

TEST(Json, numbers)
{
    EXPECT_EQ(parsed("9223372036854775807").as_int64(), std::numeric_limits<std::int64_t>::max());
    EXPECT_FALSE(parsed("9223372036854775808").is_int64());
    EXPECT_EQ(parsed("1e3").as_int64(), 1000);
    EXPECT_EQ(Json(1e20).dump(), "100000000000000000000");
    EXPECT_EQ(Json(0.1).dump(), "0.1");
    EXPECT_EQ(error_of("01"), "unexpected character '1' at offset 1, expected no digit after a leading zero");
    EXPECT_EQ(error_of("1."), "unexpected end of input, expected a digit");
    EXPECT_EQ(error_of("1e999"), "number out of range: 1e999");
    EXPECT_NE(error_of("+1"), "");
    EXPECT_NE(error_of("NaN"), "");
}

TEST(Json, every_byte_at_every_place_of_a_word_is_escaped_as_alone)
{
    for (int c = 0; c < 128; ++c) {
        std::string alone;
        append_json_string(alone, std::string(1, static_cast<char>(c)));
        for (std::size_t at = 0; at < 9; ++at) {
            std::string text = "123456789";
            text[at] = static_cast<char>(c);
            std::string written;
            append_json_string(written, text);
            EXPECT_EQ(written, "\"" + text.substr(0, at) + alone.substr(1, alone.size() - 2) + text.substr(at + 1) + "\"") << c << " at " << at;
        }
    }
    std::string beyond;
    append_json_string(beyond, "\u00e4\u00f6\u00fc\u00df\u20ac");
    EXPECT_EQ(beyond, "\"\u00e4\u00f6\u00fc\u00df\u20ac\"");
}

TEST(Json, escapes)
{
    EXPECT_EQ(parsed(R"("\u00e9\ud83d\ude00\/\b\f")").as_string(), "é😀/\b\f");
    EXPECT_EQ(parsed(R"("a\u0000b")").as_string(), std::string("a\0b", 3));
    EXPECT_NE(error_of(R"("\ud83d")"), "");
    EXPECT_NE(error_of(R"("\ud83d\u0041")"), "");
    EXPECT_NE(error_of(R"("\ude00")"), "");
    EXPECT_NE(error_of(R"("\x41")"), "");
    EXPECT_NE(error_of("\"a\nb\""), "");
    EXPECT_EQ(error_of("\"\xff\""), "invalid UTF-8 in the string that ends at offset 2");
    EXPECT_NE(error_of("\"\xed\xa0\x80\""), "");  // a surrogate in UTF-8
    EXPECT_NE(error_of("\"\xc0\x80\""), "");      // overlong
}

TEST(Json, refuses_what_is_not_json)
{
    EXPECT_EQ(error_of(""), "unexpected end of input, expected a value");
    EXPECT_EQ(error_of("{\"a\":1"), "unexpected end of input, expected ',' or '}'");
    EXPECT_EQ(error_of("[1 2]"), "unexpected character '2' at offset 3, expected ',' or ']'");
    EXPECT_EQ(error_of("{} x"), "unexpected character 'x' at offset 3, expected the end of the text");
    for (const char* text : {"[1,]", "{\"a\":1,}", "{a:1}", "{\"a\" 1}", "[", "]", "tru", "nul", "{\"a\":}", "[,1]", "{,}"})
        EXPECT_NE(error_of(text), "") << text;
}

TEST(Json, bounds_depth)
{
    const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    EXPECT_EQ(parsed(nested(json_depth_max)).dump(), nested(json_depth_max));
    EXPECT_EQ(error_of(nested(json_depth_max + 1)), "nested deeper than 100 levels");
    EXPECT_EQ(error_of(std::string(100000, '[')), "nested deeper than 100 levels");
    EXPECT_EQ(parsed("[[[]],[[]],{\"a\":[]}]").dump(), "[[[]],[[]],{\"a\":[]}]");
}

TEST(Json, repeated_keys_keep_the_last)
{
    EXPECT_EQ(parsed(R"({"a":1,"b":2,"a":3})").dump(), R"({"a":3,"b":2})");
    EXPECT_EQ(parsed(R"({"b":1,"a":1,"b":[2],"c":0,"a":{},"b":3})").dump(), R"({"b":3,"a":{},"c":0})");
}

TEST(Json, an_object_of_many_keys_costs_no_more_than_its_size)
{
    // As many as a manifest can hold; with a search for each, this would take minutes.
    std::string text = "{";
    for (int i = 0; i < 400'000; ++i) text += fmt::format("\"{}\":1,", i);
    text += "\"0\":2}";
    const Json json = parsed(text);
    EXPECT_EQ(json.as_object().size(), 400'000u);
    EXPECT_EQ(json.get_int64("0"), 2);
}

}  // namespace
}  // namespace boxship::shape
