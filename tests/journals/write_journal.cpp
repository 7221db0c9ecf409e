// Writes the fixture of a release: write_journal tests/journals/<version>. See docs/journals.md.
#include <sys/stat.h>

#include <cstdio>
#include <fstream>
#include <set>
#include <sstream>

#include <fmt/format.h>

#include "base/check.h"
#include "blobs/digest.h"
#include "ecr/images.h"
#include "ecr/uploads.h"
#include "env/real/files.h"
#include "journals/fixture.h"
#include "scenario/script.h"
#include "state/rows.h"

namespace boxship::tests {
namespace {

using shape::Json;

const model::Scope scope{"000000000000", "us-east-1"};

std::string digest_of(std::string_view bytes) { return to_text(blobs::digest_of(blobs::Algorithm::sha256, bytes)); }

// What clients bring through the registry, without its files.
void push_images(World& world)
{
    world.change([&](state::Txn& txn) {
        const model::Repository repository = **ecr::find_repository(txn, scope, "team/web");
        for (const char* content : {"config", "layer"})
            ecr::add_blob(txn, repository, digest_of(content), static_cast<std::int64_t>(std::string_view(content).size()), world.now());
        for (const char* tag : {"v1", "dev-1"}) {
            const std::string manifest =
                fmt::format(R"({{"schemaVersion":2,"mediaType":"{}","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{}","size":6}},)"
                            R"("layers":[{{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"{}","size":5}}],"annotations":{{"tag":"{}"}}}})",
                            ecr::media::oci_manifest, digest_of("config"), digest_of("layer"), tag);
            const auto put = ecr::put_image(txn, repository, {.digest = digest_of(manifest), .manifest_size = static_cast<std::int64_t>(manifest.size()),
                                                              .manifest = *ecr::parse_manifest(manifest, ""), .tags = {tag}}, world.now());
            CHECK(put.ok());
        }
        const auto upload = ecr::start_upload(txn, repository, "sha256", world.now(), world.ids());
        CHECK(ecr::note_offset(txn, upload->id, nullptr, 4096, world.now()));
    });
}

class Questions {
public:
    explicit Questions(World& world) : world_(world) {}

    Json ask(const std::string& service, const std::string& operation, const Json& request)
    {
        const auto answer = world_.call(service, operation, request.dump());
        if (!answer.ok()) {
            std::fprintf(stderr, "%s %s %s: %s\n", service.c_str(), operation.c_str(), request.dump().c_str(), answer.error().message.c_str());
            std::exit(1);
        }
        Json parsed = *Json::parse(*answer);
        asked_.push_back(Json::object({{"service", service}, {"operation", operation}, {"request", request}, {"answer", parsed}}));
        return parsed;
    }
    std::string text() const { return asked_.dump_pretty() + "\n"; }

private:
    World& world_;
    Json asked_ = Json::array();
};

std::string describe(World& world)
{
    Questions questions(world);
    const Json clusters = questions.ask("ecs", "ListClusters", Json::object())["clusterArns"];
    questions.ask("ecs", "DescribeClusters", Json::object({{"clusters", clusters}, {"include", Json::array({"TAGS", "SETTINGS", "STATISTICS", "CONFIGURATIONS"})}}));
    for (const Json& cluster : clusters.as_array()) {
        for (const char* status : {"RUNNING", "STOPPED"}) {
            const Json tasks = questions.ask("ecs", "ListTasks", Json::object({{"cluster", cluster}, {"desiredStatus", status}}))["taskArns"];
            if (!tasks.as_array().empty())
                questions.ask("ecs", "DescribeTasks", Json::object({{"cluster", cluster}, {"tasks", tasks}, {"include", Json::array({"TAGS"})}}));
        }
        const Json instances = questions.ask("ecs", "ListContainerInstances", Json::object({{"cluster", cluster}}))["containerInstanceArns"];
        if (!instances.as_array().empty())
            questions.ask("ecs", "DescribeContainerInstances", Json::object({{"cluster", cluster}, {"containerInstances", instances}}));
    }
    for (const char* status : {"ACTIVE", "INACTIVE"}) {
        const Json definitions = questions.ask("ecs", "ListTaskDefinitions", Json::object({{"status", status}}))["taskDefinitionArns"];
        for (const Json& definition : definitions.as_array())
            questions.ask("ecs", "DescribeTaskDefinition", Json::object({{"taskDefinition", definition}, {"include", Json::array({"TAGS"})}}));
    }
    questions.ask("ecs", "ListTaskDefinitionFamilies", Json::object());
    questions.ask("ecs", "ListAccountSettings", Json::object());
    questions.ask("ecr", "DescribeRepositories", Json::object());
    for (const char* name : {"team/web", "empty"}) {
        const Json repository = Json::object({{"repositoryName", name}});
        questions.ask("ecr", "ListImages", repository);
        questions.ask("ecr", "DescribeImages", repository);
    }
    const Json web = Json::object({{"repositoryName", "team/web"}});
    questions.ask("ecr", "GetRepositoryPolicy", web);
    questions.ask("ecr", "GetLifecyclePolicy", web);
    questions.ask("ecr", "ListTagsForResource", Json::object({{"resourceArn", "arn:aws:ecr:us-east-1:000000000000:repository/team/web"}}));
    for (const char* operation : {"DescribeVpcs", "DescribeSubnets", "DescribeSecurityGroups", "DescribeNetworkInterfaces"})
        questions.ask("ec2", operation, Json::object());
    return questions.text();
}

// A kind of row that the story forgets would be a kind that no test reads from an old journal.
template <class... Row>
int count_empty(const state::View& view, state::Rows<Row...>)
{
    int empty = 0;
    const auto look = [&](std::size_t rows, std::uint8_t table) {
        if (rows != 0) return;
        std::fprintf(stderr, "the story leaves table %d empty\n", table);
        ++empty;
    };
    (look(view.rows<Row>().size(), Row::table), ...);
    return empty;
}

int run(const std::string& directory)
{
    std::ifstream in(std::string(JOURNALS_DIRECTORY) + "/story.scn");
    std::stringstream story;
    story << in.rdbuf();
    Script script;
    if (const std::string complaint = script.run(story.str()); !complaint.empty()) {
        std::fprintf(stderr, "story.scn, %s\n", complaint.c_str());
        return 1;
    }
    push_images(script.world());
    if (count_empty(script.world().view(), state::AllRows{}) != 0) return 1;
    auto data = std::make_shared<state::MemoryJournalData>(script.world().journal());
    const auto made = env::make_directories(directory);
    const auto written = made.ok() ? write_journal(*data, directory + "/journal.db") : made;
    if (!written.ok()) {
        std::fprintf(stderr, "%s\n", written.error().message.c_str());
        return 1;
    }
    ::chmod((directory + "/journal.db").c_str(), 0644);  // a fixture holds no secret
    World world(data, fixture_time);
    std::ofstream(directory + "/described.json") << describe(world);
    return 0;
}

}  // namespace
}  // namespace boxship::tests

int main(int count, char** arguments)
{
    if (count == 2) return boxship::tests::run(arguments[1]);
    std::fprintf(stderr, "usage: write_journal tests/journals/VERSION\n");
    return 2;
}
