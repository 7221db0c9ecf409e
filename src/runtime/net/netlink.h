// Netlink, as little of it as we need: messages are built here, sent several at a time, and each is answered.
// A socket belongs to the network namespace of the thread that opened it and stays there, so a socket opened once in a
// router's namespace serves every thread without setns(2).
#pragma once

#include <linux/netlink.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "env/real/unique_fd.h"
#include "runtime/net/address.h"

namespace boxship::runtime::net {

class Message {
public:
    // `doing` names the step in errors: "add address 172.31.5.9/32". NLM_F_REQUEST and NLM_F_ACK are added.
    Message(std::string doing, std::uint16_t type, std::uint16_t flags = 0);

    template <class T>
    Message& body(const T& header)
    {
        append(&header, sizeof header);
        return *this;
    }
    Message& attribute(std::uint16_t type, const void* data, std::size_t size);
    Message& number(std::uint16_t type, std::uint32_t value) { return attribute(type, &value, sizeof value); }
    Message& text(std::uint16_t type, const std::string& value) { return attribute(type, value.c_str(), value.size() + 1); }
    Message& address(std::uint16_t type, Ipv4 value);
    std::size_t nest(std::uint16_t type);   // to be closed with end_nest(what it returned)
    void end_nest(std::size_t start);
    Message& tolerate(int code);            // this errno counts as success

private:
    friend class Netlink;
    void append(const void* data, std::size_t size);

    std::string doing_;
    std::string bytes_;
    std::vector<int> tolerated_;
};

// An attribute of a received message.
struct Attribute {
    std::uint16_t type;
    std::span<const std::uint8_t> data;

    std::uint32_t number() const;   // 0 unless four bytes
    std::string text() const;       // up to the terminating zero
    Ipv4 address() const;           // none unless four bytes
};
std::vector<Attribute> attributes(std::span<const std::uint8_t> bytes);
// The attributes that follow the family's header of `header_size` bytes.
std::vector<Attribute> attributes(const nlmsghdr& message, std::size_t header_size);

class Netlink {
public:
    using Visitor = std::function<void(const nlmsghdr&)>;

    static HostResult<std::unique_ptr<Netlink>> open(int protocol);  // in the calling thread's network namespace

    // Sends all, waits for all answers; all are tried, and the first error that is not tolerated is returned.
    HostResult<> request(std::span<Message> messages);
    HostResult<> request(Message message) { return request(std::span(&message, 1)); }
    // One nf_tables transaction: all or nothing.
    HostResult<> transaction(std::span<Message> messages);
    // One question; `visit` sees each answer.
    HostResult<> query(Message message, const Visitor& visit);

private:
    explicit Netlink(env::UniqueFd fd) : fd_(std::move(fd)) {}
    HostResult<> exchange(std::span<Message> messages, bool batch, const Visitor* visit);

    std::mutex mutex_;
    env::UniqueFd fd_;
    std::uint32_t sequence_ = 1;
};

}  // namespace boxship::runtime::net
