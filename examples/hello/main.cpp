// A small web server that shows what an ECS task knows about itself.
//
//     PORT                            where to listen (80)
//     ECS_CONTAINER_METADATA_URI_V4   set by the ECS agent; without it the page says so
//
//     /         a page for people       /json     the same for programs
//     /health   "ok"                    SIGTERM   finishes what it has begun and ends
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "facts.h"
#include "server.h"

namespace {

std::string variable(const char* name)
{
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

}  // namespace

int main()
{
    const std::string text = variable("PORT");
    char* end = nullptr;
    const long port = text.empty() ? 80 : std::strtol(text.c_str(), &end, 10);
    if (port < 1 || port > 65535 || (end != nullptr && *end != '\0')) {
        std::fprintf(stderr, "hello: PORT must be a number from 1 to 65535, not '%s'\n", text.c_str());
        return 2;
    }

    // As process 1 of a container it must say itself that SIGTERM means the end.
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    const int stop_fd = ::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (stop_fd < 0) {
        std::perror("hello: signalfd");
        return 1;
    }

    hello::Facts facts(variable("ECS_CONTAINER_METADATA_URI_V4"));
    hello::Server server(facts);
    if (!server.listen(static_cast<std::uint16_t>(port))) return 1;
    std::printf("hello: listening on port %ld\n", port);
    std::fflush(stdout);
    server.run(stop_fd);
    std::printf("hello: stopped\n");
    ::close(stop_fd);
    return 0;
}
