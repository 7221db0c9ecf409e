#include "images/store.h"

#include <fcntl.h>
#include <sys/file.h>

#include <thread>

#include "env/real/real_env.h"
#include "images/fixup.h"
#include "images/records.h"
#include "images/test_registry.h"

namespace boxship::images {
namespace {

class AdvancedClock : public env::Clock {
public:
    Time now() override { return real_.now() + ahead; }
    Milliseconds uptime() override { return real_.uptime() + ahead; }
    Milliseconds ahead{0};

private:
    env::RealClock real_;
};

class Store : public InDirectory {
protected:
    void SetUp() override
    {
        InDirectory::SetUp();
        if (!IsSkipped()) reopen();
    }
    void TearDown() override
    {
        store_.reset();
        InDirectory::TearDown();
    }
    void reopen()
    {
        store_.reset();
        auto opened = LayerStore::open(directory_ + "/images", clock_);
        ASSERT_TRUE(opened.ok()) << opened.error().message;
        store_ = std::move(opened).value();
    }
    std::string add_layer(const std::string& tar)
    {
        auto draft = store_->begin_layer();
        EXPECT_TRUE(draft.ok());
        MemorySource source(tar);
        const auto unpacked = unpack(source, draft->path());
        EXPECT_TRUE(unpacked.ok());
        EXPECT_TRUE(store_->keep_layer(std::move(*draft), digest_of(tar), *unpacked).ok());
        return digest_of(tar);
    }
    // Layers, the lowest first. Returns the manifest's digest.
    std::string add_image(const std::vector<std::string>& tars, const std::string& name, const std::string& holder)
    {
        std::string ids;
        for (const std::string& tar : tars) ids += (ids.empty() ? "\"" : ",\"") + digest_of(tar) + "\"";
        const std::string config = fmt::format(R"({{"config":{{"Cmd":["{}"]}},"rootfs":{{"diff_ids":[{}]}}}})", name, ids);
        const std::string manifest = digest_of("manifest of " + name);
        EXPECT_TRUE(store_->keep_document(digest_of(config), config).ok());
        EXPECT_TRUE(store_->announce(manifest, digest_of(config), *parse_config(config), holder).ok());
        for (const std::string& tar : tars) {
            if (!store_->has_layer(digest_of(tar))) add_layer(tar);
        }
        const auto image = store_->complete(manifest);
        EXPECT_TRUE(image.ok()) << image.error().message;
        EXPECT_TRUE(store_->remember(name, {manifest, manifest}).ok());
        return manifest;
    }
    std::size_t directories() const { return env::list_directory(directory_ + "/images/l")->size(); }

    AdvancedClock clock_;
    std::unique_ptr<LayerStore> store_;
    const std::string low_ = TarWriter().directory("etc/").file("etc/low", "l").finish();
    const std::string high_ = TarWriter().directory("etc/").file("etc/high", "h").finish();
    const std::string other_ = TarWriter().file("other", "o").finish();
};

TEST_F(Store, keeps_images_across_a_restart)
{
    const std::string digest = add_image({low_, high_, low_}, "docker.io/library/app:latest", "task-1");
    reopen();
    const auto image = store_->find(digest);
    ASSERT_TRUE(image);
    ASSERT_EQ(image->layers.size(), 2u) << "a layer named twice counts where it is highest";
    EXPECT_EQ(*env::read_file(image->layers[0] + "/etc/low"), "l");
    EXPECT_EQ(*env::read_file(image->layers[1] + "/etc/high"), "h");
    EXPECT_EQ(image->config.command, std::vector<std::string>{"docker.io/library/app:latest"});
    EXPECT_EQ(image->bytes, 2u);
    ASSERT_TRUE(store_->named("docker.io/library/app:latest"));
    EXPECT_EQ(store_->named("docker.io/library/app:latest")->manifest, digest);
    EXPECT_FALSE(store_->named("docker.io/library/app:other"));
    EXPECT_FALSE(store_->find(digest_of("unknown")));
    EXPECT_FALSE(*store_->pin(digest_of("unknown"), "task-2"));
}

TEST_F(Store, an_image_without_layers_has_an_empty_directory)
{
    const auto image = store_->find(add_image({}, "scratch", "t"));
    ASSERT_TRUE(image);
    ASSERT_EQ(image->layers.size(), 1u);
    EXPECT_TRUE(env::list_directory(image->layers[0])->empty());
}

TEST_F(Store, crash_leftovers_are_swept)
{
    add_image({low_}, "app", "t");
    store_->wait_until_settled();
    ASSERT_TRUE(env::make_directories(directory_ + "/images/l/zz/half/done").ok());
    ASSERT_TRUE(env::write_file(directory_ + "/images/names/" + std::string(64, 'e') + ".77.new", "{").ok());
    ASSERT_TRUE(env::make_directories(directory_ + "/images/trash/x/y").ok());
    ASSERT_TRUE(env::write_file(directory_ + "/images/layers/" + std::string(64, 'e'), "{\"version\":1,\"na").ok());
    auto living = store_->begin_layer();  // what another process is unpacking right now
    ASSERT_TRUE(living.ok());
    const auto second = LayerStore::open(directory_ + "/images", clock_);
    ASSERT_TRUE(second.ok());
    EXPECT_EQ(directories(), 2u);
    EXPECT_TRUE(env::file_exists(living->path()));
    EXPECT_TRUE(env::list_directory(directory_ + "/images/trash")->empty());
    EXPECT_EQ(env::list_directory(directory_ + "/images/layers")->size(), 1u);
    EXPECT_EQ(env::list_directory(directory_ + "/images/names")->size(), 1u);
}

TEST_F(Store, a_draft_not_kept_disappears)
{
    {
        auto draft = store_->begin_layer();
        ASSERT_TRUE(env::write_file(draft->path() + "/file", "x").ok());
        EXPECT_EQ(directories(), 1u);
    }
    EXPECT_EQ(directories(), 0u);
}

TEST_F(Store, layers_of_an_earlier_boot_count_only_if_synced)
{
    const std::string digest = add_image({low_, high_}, "app", "t");
    store_->wait_until_settled();
    reopen();
    EXPECT_TRUE(store_->find(digest));
    const std::string path = directory_ + "/images/layers/" + digest_of(high_).substr(7);
    auto record = load_layer(path);
    ASSERT_TRUE(record);
    EXPECT_EQ(record->boot, "") << "synced";
    record->boot = "another boot";
    ASSERT_TRUE(env::write_file(path, to_text(*record)).ok());
    reopen();
    EXPECT_FALSE(store_->find(digest));
    EXPECT_FALSE(store_->has_layer(digest_of(high_)));
    EXPECT_TRUE(store_->has_layer(digest_of(low_)));
    EXPECT_EQ(directories(), 1u);
}

TEST_F(Store, collects_what_nobody_needs)
{
    const std::string app = add_image({low_, high_}, "app", "one");
    const std::string web = add_image({low_, other_}, "web", "two");
    EXPECT_EQ(store_->collect(Milliseconds(0))->images, 0) << "both are pinned";
    ASSERT_TRUE(store_->unpin("two").ok());
    EXPECT_EQ(store_->collect(std::chrono::hours(1))->images, 0) << "used a moment ago";
    clock_.ahead = std::chrono::hours(2);
    const auto collected = store_->collect(std::chrono::hours(1));
    ASSERT_TRUE(collected.ok()) << collected.error().message;
    EXPECT_EQ(collected->images, 1);
    EXPECT_EQ(collected->layers, 1) << "the lower layer is shared";
    EXPECT_FALSE(store_->find(web));
    EXPECT_FALSE(store_->named("web"));
    EXPECT_TRUE(store_->find(app));
    EXPECT_EQ(directories(), 2u);
    EXPECT_TRUE(env::list_directory(directory_ + "/images/trash")->empty());

    const std::vector<std::string> known{"i-9-x"};
    ASSERT_TRUE(*store_->pin(app, "i-9-x"));
    ASSERT_TRUE(*store_->pin(app, "i-9-gone"));
    ASSERT_TRUE(store_->keep_only_pins("i-9-", known).ok());
    ASSERT_TRUE(store_->unpin("one").ok());
    EXPECT_EQ(store_->collect(Milliseconds(0))->images, 0);
    const auto usage = store_->usage();
    ASSERT_EQ(usage->size(), 1u);
    EXPECT_TRUE(usage->front().pinned);
    EXPECT_EQ(usage->front().names, std::vector<std::string>{"app"});
    ASSERT_TRUE(store_->unpin("i-9-x").ok());
    EXPECT_EQ(store_->collect(Milliseconds(0))->layers, 2);
    EXPECT_EQ(directories(), 0u);
    EXPECT_TRUE(env::list_directory(directory_ + "/images/documents")->empty());
}

TEST_F(Store, damaged_documents_are_absent)
{
    const std::string digest = add_image({low_}, "app", "t");
    const auto documents = env::list_directory(directory_ + "/images/documents");
    ASSERT_TRUE(env::write_file(directory_ + "/images/documents/" + documents->front(), "{}").ok());
    EXPECT_FALSE(store_->document("sha256:" + documents->front()));
    EXPECT_FALSE(store_->find(digest));
}

TEST_F(Store, implied_directories_keep_what_lower_layers_say)
{
    const std::string base = TarWriter().directory("tmp/", 01777).directory("home/").add({.path = "home/me/", .type = '5', .mode = 0700, .uid = 7})
                                 .directory("plain/").directory("gone/", 0711).directory("wiped/", 0711).finish();
    const std::string top = TarWriter().file("tmp/x", "").file("home/me/deep/file", "").file("plain/x", "").file("new/x", "")
                                .file(".wh.gone", "").file("gone/x", "").finish();
    const std::string wipe = TarWriter().file(".wh.wiped", "").finish();
    const std::string again = TarWriter().file("wiped/x", "").finish();
    const auto image = store_->find(add_image({base, wipe, top, again}, "app", "t"));
    ASSERT_TRUE(image);
    ASSERT_EQ(image->layers.size(), 5u);
    const std::string& fixup = image->layers.front();
    EXPECT_EQ(look(fixup + "/tmp").st_mode & 07777, 01777u);
    EXPECT_EQ(look(fixup + "/tmp").st_mtim.tv_sec, 1'600'000'000);
    EXPECT_EQ(look(fixup + "/home").st_mode & 07777, 0755u);
    EXPECT_EQ(look(fixup + "/home/me").st_mode & 07777, 0700u);
    EXPECT_EQ(look(fixup + "/home/me").st_uid, 7u);
    EXPECT_FALSE(env::file_exists(fixup + "/home/me/deep"));
    for (const char* name : {"/plain", "/new", "/gone", "/wiped"}) EXPECT_FALSE(env::file_exists(fixup + name)) << name;
    const auto without = store_->find(add_image({low_, high_}, "clean", "t"));
    EXPECT_EQ(without->layers.size(), 2u);
}

}  // namespace
}  // namespace boxship::images
