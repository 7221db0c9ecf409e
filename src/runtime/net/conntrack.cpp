#include "runtime/net/conntrack.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <optional>

#include "base/log.h"

namespace boxship::runtime::net {
namespace {

std::uint16_t type_of(int operation)
{
    return std::uint16_t(NFNL_SUBSYS_CTNETLINK << 8 | operation);
}

nfgenmsg header()
{
    return {.nfgen_family = AF_INET, .version = NFNETLINK_V0, .res_id = 0};
}

// Whether the tuple is UDP to `port`.
bool goes_to(std::span<const std::uint8_t> tuple, std::uint16_t port)
{
    for (const Attribute& part : attributes(tuple)) {
        if (part.type != CTA_TUPLE_PROTO) continue;
        bool udp = false;
        bool same_port = false;
        for (const Attribute& field : attributes(part.data)) {
            if (field.type == CTA_PROTO_NUM && field.data.size() == 1) udp = field.data[0] == IPPROTO_UDP;
            if (field.type == CTA_PROTO_DST_PORT && field.data.size() == 2) same_port = (field.data[0] << 8 | field.data[1]) == port;
        }
        return udp && same_port;
    }
    return false;
}

}  // namespace

HostResult<> forget_udp_flows(Netlink& filter, std::uint16_t port)
{
    std::vector<Message> removals;
    Message question("list remembered flows", type_of(IPCTNL_MSG_CT_GET), NLM_F_DUMP);
    question.body(header());
    const auto listed = filter.query(std::move(question), [&](const nlmsghdr& message) {
        if (message.nlmsg_type != type_of(IPCTNL_MSG_CT_NEW)) return;
        std::optional<Attribute> original, id;
        for (const Attribute& attribute : attributes(message, sizeof(nfgenmsg))) {
            if (attribute.type == CTA_TUPLE_ORIG) original = attribute;
            if (attribute.type == CTA_ID) id = attribute;
        }
        if (!original || !goes_to(original->data, port)) return;
        Message removal("forget a flow", type_of(IPCTNL_MSG_CT_DELETE));
        removal.body(header()).attribute(CTA_TUPLE_ORIG | NLA_F_NESTED, original->data.data(), original->data.size());
        if (id) removal.attribute(CTA_ID, id->data.data(), id->data.size());
        removals.push_back(std::move(removal.tolerate(ENOENT)));  // it may have ended by itself
    });
    if (!listed.ok() && (listed.error().code == EINVAL || listed.error().code == EOPNOTSUPP)) {
        static std::atomic<bool> said = false;
        if (!said.exchange(true)) log_warning("this kernel cannot forget UDP flows: a busy sender may miss a container's successor");
        return {};
    }
    if (!listed.ok()) return listed;
    // A few at a time: the answers must fit into the socket's buffer.
    for (std::size_t start = 0; start < removals.size(); start += 64)
        RETURN_IF_ERROR(filter.request(std::span(removals).subspan(start, std::min<std::size_t>(64, removals.size() - start))));
    return {};
}

}  // namespace boxship::runtime::net
