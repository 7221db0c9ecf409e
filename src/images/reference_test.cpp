#include "images/reference.h"

#include "images/manifest.h"

namespace boxship::images {
namespace {

const std::string digest = "sha256:" + std::string(64, 'a');

std::string full(std::string_view text)
{
    const auto reference = parse_reference(text);
    return reference.ok() ? to_text(*reference) : "refused";
}

TEST(Reference, reads_as_docker_does)
{
    EXPECT_EQ(full("nginx"), "docker.io/library/nginx:latest");
    EXPECT_EQ(full("nginx:1.27"), "docker.io/library/nginx:1.27");
    EXPECT_EQ(full("index.docker.io/library/nginx"), "docker.io/library/nginx:latest");
    EXPECT_EQ(full("docker.io/nginx"), "docker.io/library/nginx:latest");
    EXPECT_EQ(full("me/app"), "docker.io/me/app:latest");
    EXPECT_EQ(full("localhost/app"), "localhost/app:latest");
    EXPECT_EQ(full("localhost:4566/team/app:v2"), "localhost:4566/team/app:v2");
    EXPECT_EQ(full("[::1]:5000/app"), "[::1]:5000/app:latest");
    EXPECT_EQ(full("MyHost/app"), "MyHost/app:latest");
    EXPECT_EQ(full("ghcr.io/a/b.c/d__e/f--g:T_1.x"), "ghcr.io/a/b.c/d__e/f--g:T_1.x");
    EXPECT_EQ(full("app@" + digest), "docker.io/library/app@" + digest);
    EXPECT_EQ(full("app:v1@" + digest), "docker.io/library/app:v1@" + digest);
    EXPECT_EQ(parse_reference("app:v1@" + digest)->by(), digest);
}

TEST(Reference, refuses_what_docker_refuses)
{
    for (const char* text : {"", ":tag", "App", "a//b", "a/", "/a", "a..b", "a___b", "a_-b", "-a", "a:", "a:.x", "a@sha256:12", "a b",
                             "ho st.x/a", "host:port/a", "host.x:/a", "[::1/a", "host.x/", "a@sha512:0"})
        EXPECT_EQ(full(text), "refused") << text;
    EXPECT_EQ(full(std::string(256, 'a')), "refused");
    EXPECT_EQ(full("a:" + std::string(129, 't')), "refused");
}

TEST(Reference, knows_the_own_registry)
{
    const OwnRegistry own{.url = "http://127.0.0.1:4566",
                          .hosts = {"localhost:4566", "registry.lab:4566"},
                          .account = "000000000000",
                          .regions = {"us-east-1", "eu-central-1"},
                          .blobs_directory = {}};
    EXPECT_TRUE(own.answers_for("localhost:4566"));
    EXPECT_TRUE(own.answers_for("registry.lab:4566"));
    EXPECT_TRUE(own.answers_for("000000000000.dkr.ecr.us-east-1.localhost:4566"));
    EXPECT_TRUE(own.answers_for("000000000000.dkr.ecr.eu-central-1.amazonaws.com"));
    EXPECT_FALSE(own.answers_for("111111111111.dkr.ecr.us-east-1.amazonaws.com"));
    EXPECT_FALSE(own.answers_for("000000000000.dkr.ecr.us-west-2.amazonaws.com"));
    EXPECT_FALSE(own.answers_for("000000000000.dkr.ecr.us-east-1.amazonaws.com.evil.example"));
    EXPECT_FALSE(own.answers_for("localhost:5000"));
    EXPECT_FALSE(OwnRegistry().answers_for("localhost:4566"));
    EXPECT_EQ(registry_url("000000000000.dkr.ecr.us-east-1.amazonaws.com", own), "http://127.0.0.1:4566");
    EXPECT_EQ(registry_url("docker.io", own), "https://registry-1.docker.io");
    EXPECT_EQ(registry_url("localhost:5000", own), "http://localhost:5000");
    EXPECT_EQ(registry_url("127.0.0.2:5000", own), "http://127.0.0.2:5000");
    EXPECT_EQ(registry_url("ghcr.io", own), "https://ghcr.io");
}

std::string descriptor(char fill, const std::string& more = {})
{
    return fmt::format(R"({{"mediaType":"m","digest":"sha256:{}","size":7{}}})", std::string(64, fill), more);
}

TEST(Manifest, index_offers_platforms)
{
    const std::string text = fmt::format(
        R"({{"schemaVersion":2,"manifests":[{},{},{},{},{}]}})", descriptor('0', R"(,"platform":{"os":"unknown","architecture":"unknown"})"),
        descriptor('1', R"(,"platform":{"os":"linux","architecture":"amd64"})"), descriptor('2', R"(,"platform":{"os":"linux","architecture":"arm64","variant":"v8"})"),
        descriptor('6', R"(,"platform":{"os":"linux","architecture":"arm","variant":"v6"})"), descriptor('7', R"(,"platform":{"os":"linux","architecture":"arm","variant":"v7"})"));
    const auto parsed = parse_manifest(text);
    ASSERT_TRUE(parsed.ok()) << parsed.error();
    const auto& index = std::get<ImageIndex>(*parsed);
    EXPECT_EQ(choose(index, {"linux", "amd64", ""})->digest, "sha256:" + std::string(64, '1'));
    EXPECT_EQ(choose(index, {"linux", "arm64", ""})->digest, "sha256:" + std::string(64, '2'));
    EXPECT_EQ(choose(index, {"linux", "arm", "v7"})->digest, "sha256:" + std::string(64, '7'));
    EXPECT_EQ(choose(index, {"linux", "arm", "v6"})->digest, "sha256:" + std::string(64, '6'));
    EXPECT_EQ(choose(index, {"linux", "riscv64", ""}).error(),
              "no image for linux/riscv64; there is linux/amd64, linux/arm64/v8, linux/arm/v6, linux/arm/v7");
    EXPECT_FALSE(choose(index, {"linux", "arm", "v5"}).ok());
    EXPECT_TRUE(choose(std::get<ImageIndex>(*parse_manifest(fmt::format(R"({{"manifests":[{}]}})", descriptor('3')))), host_platform()).ok());
}

TEST(Manifest, refuses_what_is_no_image)
{
    for (const std::string& text : {std::string("["), std::string("{}"), std::string(R"({"schemaVersion":1,"fsLayers":[]})"),
                                    std::string(R"({"config":{"digest":"md5:1","size":1},"layers":[]})"),
                                    fmt::format(R"({{"config":{},"layers":[{{"digest":"sha256:{}"}}]}})", descriptor('1'), std::string(64, '1')),
                                    std::string(manifest_bytes_max + 1, ' ')})
        EXPECT_FALSE(parse_manifest(text).ok()) << text.substr(0, 80);
    EXPECT_TRUE(parse_manifest(fmt::format(R"({{"config":{},"layers":[]}})", descriptor('1'))).ok());
}

TEST(Manifest, reads_the_configuration)
{
    const auto config = parse_config(fmt::format(R"({{"os":"linux","architecture":"amd64","config":{{
        "Env":["A=b"],"Entrypoint":["/run"],"Cmd":["-v"],"User":"1000:1000","WorkingDir":"/srv","StopSignal":"SIGQUIT",
        "Volumes":{{"/data":{{}}}},"ExposedPorts":{{"80/tcp":{{}},"53/udp":{{}}}},"Labels":{{"who":"me"}},
        "Healthcheck":{{"Test":["CMD-SHELL","true"],"Interval":5000000000,"Timeout":1500000000,"Retries":4}}}},
        "rootfs":{{"type":"layers","diff_ids":["{}"]}}}})", digest));
    ASSERT_TRUE(config.ok()) << config.error();
    EXPECT_EQ(config->environment, std::vector<std::string>{"A=b"});
    EXPECT_EQ(config->entrypoint, std::vector<std::string>{"/run"});
    EXPECT_EQ(config->command, std::vector<std::string>{"-v"});
    EXPECT_EQ(config->user, "1000:1000");
    EXPECT_EQ(config->working_directory, "/srv");
    EXPECT_EQ(config->stop_signal, "SIGQUIT");
    EXPECT_EQ(config->volumes, std::vector<std::string>{"/data"});
    EXPECT_EQ(config->exposed_ports, (std::vector<std::string>{"80/tcp", "53/udp"}));
    EXPECT_EQ(config->labels.at("who"), "me");
    ASSERT_TRUE(config->health_check);
    EXPECT_EQ(config->health_check->interval, Milliseconds(5000));
    EXPECT_EQ(config->health_check->timeout, Milliseconds(1500));
    EXPECT_EQ(config->health_check->retries, 4);
    EXPECT_EQ(config->diff_ids, std::vector<std::string>{digest});
    EXPECT_TRUE(parse_config(R"({"config":null,"rootfs":{"diff_ids":[]}})").ok());
    EXPECT_FALSE(parse_config(R"({"rootfs":{"diff_ids":["../../x"]}})").ok());
    EXPECT_FALSE(parse_config("{}").ok()) << "some artifact";
}

}  // namespace
}  // namespace boxship::images
