#include "drive/haproxy/binds.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "drive/haproxy/header.h"
#include "env/real/pid_file.h"

namespace boxship::drive::haproxy {
namespace {

// Nobody's at the moment.
std::string free_address()
{
    const env::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&name), size), 0);
    EXPECT_EQ(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&name), &size), 0);
    return fmt::format("127.0.0.1:{}", ntohs(name.sin_port));
}

int connect_to(const std::string& address)
{
    const env::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    name.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.find(':') + 1))));
    return ::connect(fd.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) == 0 ? 0 : errno;
}

HostResult<> enter_nothing(const std::string& path, const std::function<HostResult<>()>&) { return HostError{"no namespace " + path}; }

TEST(Binds, addresses_become_descriptors_and_the_rest_stays)
{
    std::vector<Bind> asked;
    const auto text = with_descriptors("# generation 3\nfrontend a\n    bind 10.0.0.1:443 namespace ../../run/x\\x2d1/ns ssl crt-list /a/b alpn h2\n"
                                       "    bind 127.0.0.1:80\n    bind [::1]:80 v6only\n    timeout client 60s\n",
                                       [&](const Bind& bind) -> HostResult<int> {
                                           asked.push_back(bind);
                                           return static_cast<int>(asked.size()) + 6;
                                       });
    ASSERT_TRUE(text.ok());
    EXPECT_EQ(*text, "# generation 3\nfrontend a\n    bind fd@7 ssl crt-list /a/b alpn h2\n    bind fd@8\n    bind fd@9 v6only\n    timeout client 60s\n");
    const std::vector<Bind> expected = {{"10.0.0.1:443", "/var/run/netns/../../run/x-1/ns"}, {"127.0.0.1:80", ""}, {"[::1]:80", ""}};
    EXPECT_EQ(asked, expected);
    const auto failed = with_descriptors("    bind 1.2.3.4:5\n", [](const Bind&) -> HostResult<int> { return HostError{"taken"}; });
    ASSERT_FALSE(failed.ok());
    EXPECT_EQ(failed.error().message, "taken");
}

TEST(Binds, a_socket_is_found_again_in_its_process_and_refuses_when_it_is_shut)
{
    const Bind bind{free_address(), ""};
    auto socket = listen_on(bind, enter_nothing);
    ASSERT_TRUE(socket.ok()) << socket.error().message;
    EXPECT_EQ(connect_to(bind.address), 0) << "nobody accepts, and it waits";
    EXPECT_FALSE(listen_on(bind, enter_nothing).ok());
    EXPECT_FALSE(listen_on({"somewhere", ""}, enter_nothing).ok());
    EXPECT_FALSE(listen_on({bind.address, "/nowhere"}, enter_nothing).ok());

    const auto found = listening_sockets_of(::getpid(), env::open_pidfd(::getpid()));
    ASSERT_TRUE(found.ok()) << found.error().message;
    EXPECT_TRUE(std::ranges::any_of(*found, [&](const auto& one) { return listens_on(one, bind, enter_nothing); }));
    EXPECT_FALSE(listens_on(*socket, {bind.address, "/nowhere"}, enter_nothing));
    EXPECT_FALSE(listens_on(*socket, {"127.0.0.1:1", ""}, enter_nothing));

    // Those that still have it open, as `found` does here, are in nobody's way.
    ::shutdown(socket->get(), SHUT_RDWR);
    EXPECT_EQ(connect_to(bind.address), ECONNREFUSED);
    EXPECT_TRUE(listen_on(bind, enter_nothing).ok());
}

TEST(Header, what_was_written_is_read)
{
    const Header header{.generation = 12, .shape = "abc", .loopback_ports = {80, 8080}};
    const Header read = read_header(header_text(header) + "global\n    description generation\\x204\n");
    EXPECT_EQ(read.generation, 12u);
    EXPECT_EQ(read.shape, "abc");
    EXPECT_EQ(read.loopback_ports, header.loopback_ports);
    EXPECT_TRUE(read_header(header_text({.generation = 1, .shape = "x"})).loopback_ports.empty());
    EXPECT_EQ(read_header("").generation, 0u);
}

}  // namespace
}  // namespace boxship::drive::haproxy
