#include "drive/haproxy/header.h"

#include <cstdlib>

#include <fmt/format.h>

#include "base/strings.h"

namespace boxship::drive::haproxy {

std::string header_text(const Header& header)
{
    std::string out = fmt::format("# Written by boxship, and again whenever a load balancer or a target changes.\n# generation {}\n# shape {}\n# loopback",
                                  header.generation, header.shape);
    for (const int port : header.loopback_ports) out += fmt::format(" {}", port);
    return out + "\n";
}

Header read_header(std::string_view configuration)
{
    Header header;
    for (const auto& line : split(configuration.substr(0, configuration.find("\nglobal")), '\n')) {
        const auto words = split(line, ' ');
        if (words.size() < 2) continue;
        if (words[1] == "generation" && words.size() == 3) header.generation = std::strtoull(words[2].c_str(), nullptr, 10);
        if (words[1] == "shape" && words.size() == 3) header.shape = words[2];
        if (words[1] == "loopback")
            for (std::size_t i = 2; i < words.size(); ++i) header.loopback_ports.insert(std::atoi(words[i].c_str()));
    }
    return header;
}

}  // namespace boxship::drive::haproxy
