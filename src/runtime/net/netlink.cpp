#include "runtime/net/netlink.h"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace boxship::runtime::net {
namespace {

constexpr std::size_t answer_size = 32 << 10;    // the kernel cuts a list's answers to at most this
constexpr int answer_seconds_max = 20;          // the kernel answers within its own call; this ends a wait for a lost answer

std::string batch_edge(std::uint16_t type, std::uint32_t sequence)
{
    struct {
        nlmsghdr header;
        nfgenmsg body;
    } edge{};
    edge.header = {.nlmsg_len = sizeof edge, .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST, .nlmsg_seq = sequence, .nlmsg_pid = 0};
    edge.body = {.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0, .res_id = htons(NFNL_SUBSYS_NFTABLES)};
    return {reinterpret_cast<const char*>(&edge), sizeof edge};
}

}  // namespace

Message::Message(std::string doing, std::uint16_t type, std::uint16_t flags) : doing_(std::move(doing))
{
    const nlmsghdr header{.nlmsg_len = 0, .nlmsg_type = type, .nlmsg_flags = std::uint16_t(NLM_F_REQUEST | NLM_F_ACK | flags),
                          .nlmsg_seq = 0, .nlmsg_pid = 0};
    append(&header, sizeof header);
}

void Message::append(const void* data, std::size_t size)
{
    bytes_.append(static_cast<const char*>(data), size);
    bytes_.resize(NLMSG_ALIGN(bytes_.size()), '\0');
}

Message& Message::attribute(std::uint16_t type, const void* data, std::size_t size)
{
    const nlattr header{.nla_len = std::uint16_t(sizeof(nlattr) + size), .nla_type = type};
    append(&header, sizeof header);
    append(data, size);
    return *this;
}

Message& Message::address(std::uint16_t type, Ipv4 value)
{
    const auto bytes = value.network_order();
    return attribute(type, bytes.data(), bytes.size());
}

std::size_t Message::nest(std::uint16_t type)
{
    const std::size_t start = bytes_.size();
    attribute(type, nullptr, 0);
    return start;
}

void Message::end_nest(std::size_t start)
{
    const auto length = std::uint16_t(bytes_.size() - start);
    std::memcpy(bytes_.data() + start, &length, sizeof length);
}

Message& Message::tolerate(int code)
{
    tolerated_.push_back(code);
    return *this;
}

std::uint32_t Attribute::number() const
{
    std::uint32_t value = 0;
    if (data.size() == sizeof value) std::memcpy(&value, data.data(), sizeof value);
    return value;
}

std::string Attribute::text() const
{
    const auto end = std::find(data.begin(), data.end(), 0);
    return {data.begin(), end};
}

Ipv4 Attribute::address() const
{
    return Ipv4{ntohl(number())};
}

std::vector<Attribute> attributes(std::span<const std::uint8_t> bytes)
{
    std::vector<Attribute> found;
    while (bytes.size() >= sizeof(nlattr)) {
        nlattr header;
        std::memcpy(&header, bytes.data(), sizeof header);
        if (header.nla_len < sizeof header || header.nla_len > bytes.size()) break;
        found.push_back({std::uint16_t(header.nla_type & NLA_TYPE_MASK), bytes.subspan(sizeof header, header.nla_len - sizeof header)});
        bytes = bytes.subspan(std::min<std::size_t>(NLA_ALIGN(header.nla_len), bytes.size()));
    }
    return found;
}

std::vector<Attribute> attributes(const nlmsghdr& message, std::size_t header_size)
{
    const auto* start = reinterpret_cast<const std::uint8_t*>(&message);
    const std::size_t skip = NLMSG_HDRLEN + NLMSG_ALIGN(header_size);
    if (message.nlmsg_len <= skip) return {};
    return attributes(std::span(start + skip, message.nlmsg_len - skip));
}

HostResult<std::unique_ptr<Netlink>> Netlink::open(int protocol)
{
    env::UniqueFd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
    if (!fd) return host_error("open a netlink socket", errno);
    const timeval patience{.tv_sec = answer_seconds_max, .tv_usec = 0};
    if (setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0) return host_error("limit a netlink wait", errno);
    // A whole batch of answers is queued while the request is being handled, before we can read the first.
    const int room = 1 << 20;
    setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    return std::unique_ptr<Netlink>(new Netlink(std::move(fd)));
}

HostResult<> Netlink::request(std::span<Message> messages)
{
    return exchange(messages, false, nullptr);
}

HostResult<> Netlink::transaction(std::span<Message> messages)
{
    return exchange(messages, true, nullptr);
}

HostResult<> Netlink::query(Message message, const Visitor& visit)
{
    return exchange(std::span(&message, 1), false, &visit);
}

HostResult<> Netlink::exchange(std::span<Message> messages, bool batch, const Visitor* visit)
{
    if (messages.empty()) return {};
    std::lock_guard lock(mutex_);
    std::string request;
    if (batch) request += batch_edge(NFNL_MSG_BATCH_BEGIN, sequence_++);
    const std::uint32_t first = sequence_;
    for (Message& message : messages) {
        nlmsghdr header;
        std::memcpy(&header, message.bytes_.data(), sizeof header);
        header.nlmsg_len = std::uint32_t(message.bytes_.size());
        header.nlmsg_seq = sequence_++;
        std::memcpy(message.bytes_.data(), &header, sizeof header);
        request += message.bytes_;
    }
    if (batch) request += batch_edge(NFNL_MSG_BATCH_END, sequence_++);
    if (send(fd_.get(), request.data(), request.size(), 0) != ssize_t(request.size())) return host_error(messages[0].doing_, errno);

    // Answers to an earlier exchange that was given up carry older numbers and are passed over.
    const std::uint32_t oldest = batch ? first - 1 : first;
    std::vector<int> codes(messages.size(), -1);
    std::size_t waiting = messages.size();
    int batch_code = 0;
    alignas(nlmsghdr) std::uint8_t buffer[answer_size];
    while (waiting > 0) {
        const ssize_t size = recv(fd_.get(), buffer, sizeof buffer, MSG_TRUNC);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return host_error(messages[0].doing_ + ": netlink answer", errno);
        if (std::size_t(size) > sizeof buffer) return host_error(messages[0].doing_ + ": netlink answer", EMSGSIZE);
        int left = int(size);
        for (auto* header = reinterpret_cast<nlmsghdr*>(buffer); NLMSG_OK(header, unsigned(left)); header = NLMSG_NEXT(header, left)) {
            if (header->nlmsg_seq < oldest || header->nlmsg_seq >= sequence_) continue;
            const std::size_t index = header->nlmsg_seq - first;
            if (header->nlmsg_type == NLMSG_ERROR || header->nlmsg_type == NLMSG_DONE) {
                int code = 0;
                if (header->nlmsg_len >= NLMSG_LENGTH(sizeof code)) std::memcpy(&code, NLMSG_DATA(header), sizeof code);
                if (index < codes.size() && codes[index] < 0) {
                    codes[index] = code < 0 ? -code : 0;
                    --waiting;
                } else if (index >= codes.size() && code < 0) {
                    batch_code = -code;  // the transaction as a whole; the single answers may or may not follow
                    waiting = 0;
                }
            } else if (visit) {
                (*visit)(*header);
            }
        }
    }
    if (batch_code != 0) return host_error(messages[0].doing_, batch_code);
    for (std::size_t i = 0; i < codes.size(); ++i) {
        const auto& tolerated = messages[i].tolerated_;
        if (codes[i] > 0 && std::find(tolerated.begin(), tolerated.end(), codes[i]) == tolerated.end())
            return host_error(messages[i].doing_, codes[i]);
    }
    return {};
}

}  // namespace boxship::runtime::net
