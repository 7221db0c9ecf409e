#include "shape/light.h"

#include "ecs/types.h"
#include "shape/slots.h"

namespace boxship::shape {
namespace {

TEST(Light, strings_tell_absent_from_empty)
{
    Str absent;
    Str empty("");
    EXPECT_FALSE(absent.has());
    EXPECT_TRUE(empty.has());
    EXPECT_TRUE(absent == "" && empty == "");
    EXPECT_FALSE(absent == empty);
    EXPECT_EQ(absent.value_or("x"), "x");
    Str text = std::string("web");
    Str copy = text;
    const Str& itself = copy;
    copy = itself;
    text = std::string_view(text).substr(1);  // a view into itself
    EXPECT_EQ(text, "eb");
    EXPECT_EQ(copy.str(), "web");
    EXPECT_EQ(fmt::format("{:>5}|", copy), "  web|");
    Str moved = std::move(copy);
    EXPECT_EQ(moved, "web");
    moved.reset();
    EXPECT_FALSE(moved.has());
}

TEST(Light, texts_of_an_arena_read_like_others_and_older_ones_stay_their_own)
{
    Str older("before");
    {
        const TextArena arena;
        List<Str> texts;
        for (int i = 0; i < 2000; ++i) texts.emplace_back(std::string(100, static_cast<char>('a' + i % 26)));  // more than one block
        EXPECT_EQ(texts[27], std::string(100, 'b'));
        older = older.str() + " and after";
        EXPECT_EQ(older, "before and after");
        older.reset();
        Str copy(texts[1]);
        copy.swap(texts[2]);
        EXPECT_EQ(texts[2], std::string(100, 'b'));
    }
    older = "again";
    EXPECT_EQ(older, "again");
}

TEST(Light, lists_own_their_elements)
{
    List<ecs::Tag> tags;
    EXPECT_FALSE(tags.has());
    for (int i = 0; i < 100; ++i) {
        ecs::Tag tag;
        tag.key = fmt::format("key{}", i);
        tag.value = "v";
        tags.push_back(tag);
    }
    List<ecs::Tag> copy = tags;
    EXPECT_EQ(copy, tags);
    copy[99].value.reset();
    EXPECT_FALSE(copy == tags);
    copy.erase(0);
    EXPECT_EQ(copy.size(), 99u);
    EXPECT_EQ(copy.front().key, "key1");
    copy.clear();
    EXPECT_TRUE(copy.has() && copy.empty());
    copy = std::move(tags);
    EXPECT_EQ(copy.back().key, "key99");
    copy.reset();
    EXPECT_FALSE(copy.has());

    List<Str> names{"a", "b"};
    std::string all;
    for (const auto& name : names) all += name.view();
    EXPECT_EQ(all, "ab");
    names.assign(std::vector<std::string>{});
    EXPECT_TRUE(names.has() && names.empty());
    List<ecs::Compatibility> kinds{ecs::Compatibility::ec2, ecs::Compatibility::fargate};
    EXPECT_EQ(to_text(kinds[1]), "FARGATE");
}

TEST(Light, maps_are_sorted_and_unique)
{
    Map<Str> labels;
    EXPECT_FALSE(labels.has());
    EXPECT_TRUE(labels.emplace("b", "2"));
    EXPECT_TRUE(labels.emplace("a", "1"));
    EXPECT_FALSE(labels.emplace("b", "3"));
    labels["c"] = "4";
    labels["a"] = "5";
    std::string all;
    for (const auto& [key, value] : labels) all += fmt::format("{}={} ", key, value);
    EXPECT_EQ(all, "a=5 b=2 c=4 ");
    EXPECT_EQ(labels.find("nothing"), nullptr);
    const Map<Str> copy = labels;
    EXPECT_TRUE(labels.erase("b"));
    EXPECT_FALSE(labels.erase("b"));
    EXPECT_EQ(*copy.find("b"), "2");
    EXPECT_FALSE(copy == labels);
}

TEST(Light, boxes_are_made_on_writing)
{
    ecs::RunTaskRequest request;
    EXPECT_TRUE(std::as_const(request).network_configuration->awsvpc_configuration->subnets.empty());
    EXPECT_FALSE(request.network_configuration.has());
    request.network_configuration->awsvpc_configuration->subnets.push_back("subnet-1");
    request.count = 3;
    request.launch_type = ecs::LaunchType::fargate;
    const ecs::RunTaskRequest copy = request;
    request.network_configuration->awsvpc_configuration->subnets[0] = "subnet-2";
    EXPECT_EQ(copy.network_configuration->awsvpc_configuration->subnets[0], "subnet-1");
    EXPECT_EQ(copy.count, 3);
    EXPECT_TRUE(copy.launch_type == ecs::LaunchType::fargate);
    EXPECT_FALSE(equal(copy, request));
    request = copy;
    EXPECT_TRUE(equal(copy, request));
    ecs::RunTaskRequest moved = std::move(request);
    EXPECT_TRUE(equal(copy, moved));
}

TEST(Light, enums_and_texts)
{
    EXPECT_EQ(parse_enum<ecs::LaunchType>("EXTERNAL"), ecs::LaunchType::external);
    EXPECT_EQ(parse_enum<ecs::LaunchType>("external"), std::nullopt);
    EXPECT_EQ(to_text(ecs::LaunchType::unknown), "");
    EXPECT_EQ(to_text(ecs::NetworkMode::awsvpc), "awsvpc");
    EXPECT_EQ(to_text(ecs::OSFamily::windows_server_2019_core), "WINDOWS_SERVER_2019_CORE");
}

TEST(Light, paths)
{
    const Path tags{nullptr, "Tags"};
    const Path second{&tags, {}, 2};
    EXPECT_EQ(to_text(Path{&second, "Key"}), "tags.2.member.key");
    EXPECT_EQ(to_text(Path{}), "");
}

}  // namespace
}  // namespace boxship::shape
