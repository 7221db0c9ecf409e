// The parts that need no container: ids, users, capabilities, devices, cgroup layouts, config.json.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "env/real/files.h"
#include "runtime/capabilities.h"
#include "runtime/devices.h"
#include "runtime/inside.h"
#include "runtime/oci_config.h"
#include "runtime/seccomp.h"
#include "runtime/users.h"
#include "shape/json_value.h"

namespace boxship::runtime {
namespace {

using shape::Json;

const char* const task_text = "0123456789abcdef0123456789abcdef";

TEST(ContainerIds, have_one_spelling)
{
    const auto id = ContainerId::parse(std::string(task_text) + "-12");
    ASSERT_TRUE(id.has_value());
    EXPECT_EQ(id->number, 12u);
    EXPECT_EQ(to_text(*id), std::string(task_text) + "-12");
    for (const char* bad : {"-", "-x", "-012", "-1x", "", "-+1"}) EXPECT_FALSE(ContainerId::parse(std::string(task_text) + bad)) << bad;
    EXPECT_FALSE(ContainerId::parse("../../etc"));
}

TEST(Users, are_found_by_name_and_number)
{
    const char* passwd = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n# comment\nbroken\n";
    const char* group = "root:x:0:\nstaff:x:50:app,other\nwheel:x:10:app\n";
    auto user = resolve_user(passwd, group, "app", {"root", "77"});
    ASSERT_TRUE(user.ok());
    EXPECT_EQ(user->uid, 1000u);
    EXPECT_EQ(user->gid, 1001u);
    EXPECT_EQ(user->home, "/home/app");
    EXPECT_EQ(user->groups, (std::vector<unsigned>{50, 10, 0, 77}));

    user = resolve_user(passwd, group, "1000:staff", {});
    ASSERT_TRUE(user.ok());
    EXPECT_EQ(user->gid, 50u);
    EXPECT_EQ(user->home, "/home/app");
    EXPECT_TRUE(user->groups.empty());

    user = resolve_user(passwd, group, "4242:4343", {});
    ASSERT_TRUE(user.ok());
    EXPECT_EQ(user->uid, 4242u);
    EXPECT_EQ(user->gid, 4343u);
    EXPECT_EQ(user->home, "/");

    user = resolve_user(passwd, group, "", {});
    ASSERT_TRUE(user.ok());
    EXPECT_EQ(user->home, "/root");

    EXPECT_EQ(resolve_user(passwd, group, "nobody", {}).error().message, "unable to find user nobody: no matching entries in passwd file");
    EXPECT_EQ(resolve_user("", "", "0:nogroup", {}).error().message, "unable to find group nogroup: no matching entries in group file");
    EXPECT_FALSE(resolve_user(passwd, group, "4294967296", {}).ok());
}

TEST(Capabilities, start_from_docker_s_fourteen)
{
    const auto none = choose_capabilities(false, {}, {});
    ASSERT_TRUE(none.ok());
    EXPECT_EQ(*none, default_capabilities());
    const auto changed = choose_capabilities(false, {"sys_ptrace", "CAP_NET_ADMIN"}, {"MKNOD", "NET_ADMIN"});
    ASSERT_TRUE(changed.ok());
    EXPECT_THAT(*changed, ::testing::Contains("CAP_SYS_PTRACE"));
    EXPECT_THAT(*changed, ::testing::Not(::testing::Contains("CAP_MKNOD")));
    EXPECT_THAT(*changed, ::testing::Not(::testing::Contains("CAP_NET_ADMIN")));
    const auto only = choose_capabilities(false, {"KILL"}, {"ALL"});
    ASSERT_TRUE(only.ok());
    EXPECT_EQ(*only, std::vector<std::string>{"CAP_KILL"});
    EXPECT_EQ(choose_capabilities(true, {}, {})->size(), all_capabilities().size());
    EXPECT_FALSE(choose_capabilities(false, {"SYS_MAGIC"}, {}).ok());
}

TEST(Seccomp, admits_what_capabilities_stand_for)
{
    const std::string& plain = seccomp_json(default_capabilities());
    const auto parsed = Json::parse(plain);
    ASSERT_TRUE(parsed.ok()) << parsed.error();
    EXPECT_EQ(parsed->get_string("defaultAction"), "SCMP_ACT_ERRNO");
    EXPECT_NE(plain.find("\"openat\""), std::string::npos);
    EXPECT_NE(plain.find("\"chroot\""), std::string::npos);  // SYS_CHROOT is among the fourteen
    EXPECT_EQ(plain.find("\"mount\""), std::string::npos);
    EXPECT_EQ(plain.find("\"bpf\""), std::string::npos);
    const std::string& admin = seccomp_json(all_capabilities());
    EXPECT_NE(admin.find("\"mount\""), std::string::npos);
    EXPECT_EQ(admin.find("errnoRet\":38"), std::string::npos);
    EXPECT_EQ(&plain, &seccomp_json(default_capabilities()));  // rendered once
}

TEST(Cgroups, layouts_are_told_apart)
{
    const std::string head = "30 20 0:26 / /sys/fs/cgroup/";
    const std::string v1 = head + "cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n" + head + "mem\\040ory rw,relatime shared:9 - cgroup cgroup rw,memory\n" +
                           head + "systemd rw - cgroup cgroup rw,xattr,name=systemd\n";
    auto layout = read_cgroup_layout(v1);
    EXPECT_EQ(layout.mode, CgroupMode::v1);
    ASSERT_NE(layout.with("cpuacct"), nullptr);
    EXPECT_EQ(layout.with("cpuacct"), layout.with("cpu"));
    EXPECT_EQ(layout.with("memory")->mount, "/sys/fs/cgroup/mem ory");
    EXPECT_EQ(layout.with("pids"), nullptr);
    layout = read_cgroup_layout(v1 + head + "unified rw - cgroup2 cgroup2 rw\n");
    EXPECT_EQ(layout.mode, CgroupMode::hybrid);
    layout = read_cgroup_layout("30 20 0:26 / /nowhere rw - cgroup2 cgroup2 rw\n" + head + "systemd rw - cgroup cgroup rw,name=systemd\n");
    EXPECT_EQ(layout.mode, CgroupMode::v2);
    EXPECT_EQ(read_cgroup_layout("").mode, CgroupMode::none);
}

TEST(Cgroups, limits_of_a_task_under_v2)
{
    char name[] = "/tmp/boxship-v2-XXXXXX";
    const std::string root = ::mkdtemp(name);
    CgroupLayout layout{CgroupMode::v2, {{root, {"cpu", "memory", "pids"}, true}}};
    const Cgroups cgroups(layout, "bxt", false);
    ASSERT_TRUE(cgroups.prepare_platform().ok());
    const TaskId task = *TaskId::parse(task_text);
    ASSERT_TRUE(cgroups.prepare_task(task, {.cpus = 0.5, .cpu_shares = 1024, .memory_bytes = 1 << 20}).ok());
    const std::string directory = root + "/boxship-bxt/" + task_text;
    EXPECT_EQ(*env::read_file(directory + "/cpu.max"), "50000 100000");
    EXPECT_EQ(*env::read_file(directory + "/cpu.weight"), "39");
    EXPECT_EQ(*env::read_file(directory + "/memory.max"), "1048576");
    EXPECT_EQ(*env::read_file(root + "/boxship-bxt/cgroup.subtree_control"), "+pids");
    const ContainerId id{task, 1};
    EXPECT_EQ(cgroups.path(id), std::string("/boxship-bxt/") + task_text + "/" + task_text + "-1");
    EXPECT_TRUE(cgroups.join_files(id).empty());
    EXPECT_EQ(cgroups.kill_directory(id), directory + "/" + task_text + "-1");
    ASSERT_TRUE(env::make_directories(directory + "/" + task_text + "-1").ok());
    for (const auto& [file, text] : std::map<std::string, std::string>{{"cpu.stat", "usage_usec 12\nuser_usec 1\n"}, {"memory.current", "5000\n"},
             {"memory.stat", "anon 1\ninactive_file 2000\n"}, {"memory.max", "max\n"}, {"pids.current", "3\n"}, {"io.stat", "8:0 rbytes=10 wbytes=20 rios=1\n"}})
        ASSERT_TRUE(env::write_file(directory + "/" + task_text + "-1/" + file, text).ok());
    const auto stats = cgroups.stats(id);
    ASSERT_TRUE(stats.ok());
    EXPECT_EQ(stats->cpu_ns, 12000u);
    EXPECT_EQ(stats->memory_bytes, 3000u);
    EXPECT_EQ(stats->memory_limit_bytes, 0u);
    EXPECT_EQ(stats->block_write_bytes, 20u);
    EXPECT_TRUE(env::remove_tree(root).ok());
}

TEST(Devices, allow_docker_s_list_and_what_is_mapped)
{
    ContainerSpec spec;
    auto devices = choose_devices(spec);
    ASSERT_TRUE(devices.ok());
    EXPECT_TRUE(devices->nodes.empty());
    EXPECT_EQ(devices->rules.size(), 11u);
    spec.devices = {{"/dev/null", "/dev/void", "rw"}};
    devices = choose_devices(spec);
    ASSERT_TRUE(devices.ok());
    ASSERT_EQ(devices->nodes.size(), 1u);
    EXPECT_EQ(devices->nodes[0].path, "/dev/void");
    EXPECT_EQ(devices->nodes[0].major, 1u);
    EXPECT_EQ(devices->rules.back().access, "rw");
    spec.devices = {{"/etc/hostname", "", ""}};
    EXPECT_FALSE(choose_devices(spec).ok());
}

TEST(Inside, links_do_not_lead_out)
{
    char name[] = "/tmp/boxship-inside-XXXXXX";
    const std::string root = ::mkdtemp(name);
    ASSERT_TRUE(env::make_directories(root + "/etc").ok());
    ASSERT_TRUE(env::make_directories(root + "/data").ok());
    ASSERT_EQ(::symlink("/etc/passwd", (root + "/etc/escape").c_str()), 0);
    ASSERT_EQ(::symlink("../../../../data", (root + "/link").c_str()), 0);
    const auto fd = env::open_file(root, O_PATH | O_DIRECTORY);
    ASSERT_TRUE(fd.ok());
    EXPECT_EQ(*read_inside(fd->get(), "/etc/escape"), "");  // the image has no such file, the host has
    ASSERT_TRUE(env::write_file(root + "/etc/passwd", "inside").ok());
    EXPECT_EQ(*read_inside(fd->get(), "/etc/escape"), "inside");
    EXPECT_FALSE(read_inside(fd->get(), "/etc").ok());
    ASSERT_TRUE(make_directory_inside(fd->get(), "/link/a/b", 0, 0).ok());
    EXPECT_TRUE(env::file_exists(root + "/data/a/b"));
    EXPECT_TRUE(env::remove_tree(root).ok());
}

TEST(Config, is_what_docker_would_say)
{
    ContainerSpec spec;
    spec.args = {"/bin/\"sh\""};
    spec.env = {"PATH=/x", "A=b\n"};
    spec.binds = {{"/etc", "/mnt/b/c", true}, {"/tmp", "/mnt", false}};
    spec.ulimits = {{"nproc", 5, 6}};
    ConfigInputs inputs;
    inputs.hostname = "h1";
    inputs.names_directory = "/n";
    inputs.capabilities = default_capabilities();
    inputs.user.uid = 7;
    auto text = render_config(spec, inputs);
    ASSERT_TRUE(text.ok());
    auto config = Json::parse(*text);
    ASSERT_TRUE(config.ok()) << config.error() << *text;
    const Json& process = (*config)["process"];
    EXPECT_EQ(process["args"].as_array().front().as_string(), "/bin/\"sh\"");
    EXPECT_EQ(process["env"].as_array().size(), 4u);
    EXPECT_EQ(process["user"].get_int64("uid"), 7);
    EXPECT_EQ(process["capabilities"]["bounding"].as_array().size(), 14u);
    EXPECT_EQ(process["rlimits"].as_array().size(), 2u);
    EXPECT_TRUE(config->has("linux") && (*config)["linux"].has("seccomp"));
    EXPECT_FALSE((*config)["linux"].has("resources"));
    std::vector<std::string> order;
    for (const Json& mount : (*config)["mounts"].as_array()) order.push_back(mount.get_string("destination"));
    const auto where = [&](const char* path) { return std::find(order.begin(), order.end(), path) - order.begin(); };
    EXPECT_LT(where("/mnt"), where("/mnt/b/c"));

    inputs.seccomp_bpf = "AAAA";
    inputs.cgroups_path = "/x";
    spec.memory_bytes = 1 << 20;
    config = Json::parse(*render_config(spec, inputs));
    ASSERT_TRUE(config.ok());
    EXPECT_FALSE((*config)["linux"].has("seccomp"));
    EXPECT_EQ((*config)["linux"]["resources"]["memory"].get_int64("limit"), 1 << 20);

    const ProcessUser user{.uid = 3, .gid = 4, .groups = {5}};
    const auto exec = render_exec_process(*text, {.args = {"ls"}, .env = {"A=c"}}, &user);
    ASSERT_TRUE(exec.ok());
    const auto parsed = Json::parse(*exec);
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ((*parsed)["user"].get_int64("gid"), 4);
    EXPECT_EQ((*parsed)["env"].as_array().back().as_string(), "A=c");
    EXPECT_EQ((*parsed)["env"].as_array().size(), 4u);

    spec.binds = {{"/nowhere/at/all", "/x", false}};
    EXPECT_EQ(render_config(spec, inputs).error().message, "bind source path does not exist: /nowhere/at/all");
    spec.args.clear();
    EXPECT_FALSE(render_config(spec, inputs).ok());
}

}  // namespace
}  // namespace boxship::runtime
