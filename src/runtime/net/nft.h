// nf_tables: whole rule sets as text through libnftables (when something is made), single elements of sets and maps
// over netlink (when a task or a port comes and goes: 0.1 ms instead of several).
#pragma once

#include <string>
#include <vector>

#include "runtime/net/netlink.h"

namespace boxship::runtime::net {

// Runs nft commands in the calling thread's network namespace, all or nothing.
HostResult<> run_nft(const std::string& commands);
HostResult<std::string> read_nft(const std::string& command);   // what nft would print

struct Element {
    std::string key;    // as the kernel lays it out: see the parts below
    std::string value;  // empty in a set

    auto operator<=>(const Element&) const = default;
};
// Parts of keys and values, each padded to four bytes (a link name to sixteen).
std::string part_of(Ipv4 address);
std::string part_of_number(std::uint8_t number);            // inet_proto
std::string part_of_port(std::uint16_t port);               // inet_service
std::string part_of_link(const std::string& name);          // ifname

// Table inet `table`, set or map `set`. Adding what is there with the same value: fine.
Message add_element(const std::string& table, const std::string& set, const Element& element);
Message delete_element(const std::string& table, const std::string& set, const Element& element);
HostResult<std::vector<Element>> list_elements(Netlink& netlink, const std::string& table, const std::string& set);

// Adds or, where the key has another value, replaces.
HostResult<> put_element(Netlink& netlink, const std::string& table, const std::string& set, const Element& element);
HostResult<> drop_element(Netlink& netlink, const std::string& table, const std::string& set, const Element& element);  // absent: fine

}  // namespace boxship::runtime::net
