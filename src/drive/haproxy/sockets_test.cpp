#include "drive/haproxy/sockets.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "env/real/files.h"

namespace boxship::drive::haproxy {
namespace {

using testing::ElementsAre;

TEST(Sockets, generations_are_known_by_their_sockets_oldest_first)
{
    const std::string directory = testing::TempDir() + "sockets-" + std::to_string(::getpid());
    for (const char* name : {"generation-10.sock", "generation-9.sock", "generation-.sock", "generation-1x.sock", "generation-11.sock.77.tmp", "haproxy.cfg"})
        ASSERT_TRUE(env::make_directories(directory).ok() && env::write_file(directory + "/" + name, "").ok());
    EXPECT_THAT(generations_in(directory), ElementsAre(9u, 10u));
    EXPECT_EQ(admin_socket(directory, 10), directory + "/generation-10.sock");
    std::filesystem::remove_all(directory);
    EXPECT_THAT(generations_in(directory), ElementsAre());
}

TEST(Sockets, one_whose_process_has_ended_says_so)
{
    const std::string directory = testing::TempDir() + "socket-" + std::to_string(::getpid());
    ASSERT_TRUE(env::make_directories(directory).ok());
    ASSERT_TRUE(env::write_file(admin_socket(directory, 1), "").ok());
    const auto answer = ask(admin_socket(directory, 1), "show info");
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().code, ECONNREFUSED);
    std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace boxship::drive::haproxy
