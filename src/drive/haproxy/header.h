// The first lines of a configuration: what whoever reads it must know, without reading on. Comments to HAProxy.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace boxship::drive::haproxy {

struct Header {
    std::uint64_t generation = 0;
    std::string shape;                  // a hash of the configuration without its targets
    std::set<int> loopback_ports;       // where 127.0.0.1 is listened on
};
std::string header_text(const Header& header);
Header read_header(std::string_view configuration);

}  // namespace boxship::drive::haproxy
