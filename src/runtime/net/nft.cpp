#include "runtime/net/nft.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <nftables/libnftables.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <mutex>

#include "base/strings.h"

namespace boxship::runtime::net {
namespace {

// libnftables keeps state of its parser in globals.
std::mutex parser_mutex;

HostResult<std::string> run(const std::string& commands)
{
    std::lock_guard lock(parser_mutex);
    const std::unique_ptr<nft_ctx, decltype(&nft_ctx_free)> context(nft_ctx_new(NFT_CTX_DEFAULT), nft_ctx_free);
    if (!context) return HostError{"start libnftables", ENOMEM};
    nft_ctx_buffer_output(context.get());
    nft_ctx_buffer_error(context.get());
    nft_ctx_output_set_flags(context.get(), NFT_CTX_OUTPUT_NUMERIC_PROTO | NFT_CTX_OUTPUT_STATELESS);
    errno = 0;
    if (nft_run_cmd_from_buffer(context.get(), commands.c_str()) != 0) {
        const int code = errno;
        return HostError{"nft: " + std::string(trim(nft_ctx_get_error_buffer(context.get()))), code};
    }
    return std::string(nft_ctx_get_output_buffer(context.get()));
}

std::uint16_t type_of(int operation)
{
    return std::uint16_t(NFNL_SUBSYS_NFTABLES << 8 | operation);
}

nfgenmsg header()
{
    return {.nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0, .res_id = 0};
}

void put_value(Message& message, std::uint16_t type, const std::string& bytes)
{
    const auto nest = message.nest(type | NLA_F_NESTED);
    message.attribute(NFTA_DATA_VALUE, bytes.data(), bytes.size());
    message.end_nest(nest);
}

Message element_message(std::string doing, int operation, std::uint16_t flags, const std::string& table, const std::string& set,
                        const Element& element)
{
    Message message(std::move(doing), type_of(operation), flags);
    message.body(header()).text(NFTA_SET_ELEM_LIST_TABLE, table).text(NFTA_SET_ELEM_LIST_SET, set);
    const auto list = message.nest(NFTA_SET_ELEM_LIST_ELEMENTS | NLA_F_NESTED);
    const auto item = message.nest(NFTA_LIST_ELEM | NLA_F_NESTED);
    put_value(message, NFTA_SET_ELEM_KEY, element.key);
    if (!element.value.empty()) put_value(message, NFTA_SET_ELEM_DATA, element.value);
    message.end_nest(item);
    message.end_nest(list);
    return message;
}

std::string value_of(const Attribute& attribute)
{
    for (const Attribute& inner : attributes(attribute.data))
        if (inner.type == NFTA_DATA_VALUE) return {inner.data.begin(), inner.data.end()};
    return {};
}

}  // namespace

HostResult<> run_nft(const std::string& commands)
{
    RETURN_IF_ERROR(run(commands));
    return {};
}

HostResult<std::string> read_nft(const std::string& command)
{
    return run(command);
}

std::string part_of(Ipv4 address)
{
    const auto bytes = address.network_order();
    return {bytes.begin(), bytes.end()};
}

std::string part_of_number(std::uint8_t number)
{
    return {char(number), 0, 0, 0};
}

std::string part_of_port(std::uint16_t port)
{
    return {char(port >> 8), char(port & 0xff), 0, 0};
}

std::string part_of_link(const std::string& name)
{
    std::string part = name;
    part.resize(16, '\0');
    return part;
}

Message add_element(const std::string& table, const std::string& set, const Element& element)
{
    return element_message("add to nft set " + set, NFT_MSG_NEWSETELEM, NLM_F_CREATE, table, set, element);
}

Message delete_element(const std::string& table, const std::string& set, const Element& element)
{
    return element_message("take from nft set " + set, NFT_MSG_DELSETELEM, 0, table, set, {element.key, {}});
}

HostResult<std::vector<Element>> list_elements(Netlink& netlink, const std::string& table, const std::string& set)
{
    std::vector<Element> found;
    Message question("list nft set " + set, type_of(NFT_MSG_GETSETELEM), NLM_F_DUMP);
    question.body(header()).text(NFTA_SET_ELEM_LIST_TABLE, table).text(NFTA_SET_ELEM_LIST_SET, set);
    RETURN_IF_ERROR(netlink.query(std::move(question), [&](const nlmsghdr& message) {
        if (message.nlmsg_type != type_of(NFT_MSG_NEWSETELEM)) return;
        for (const Attribute& list : attributes(message, sizeof(nfgenmsg))) {
            if (list.type != NFTA_SET_ELEM_LIST_ELEMENTS) continue;
            for (const Attribute& item : attributes(list.data)) {
                Element element;
                for (const Attribute& part : attributes(item.data)) {
                    if (part.type == NFTA_SET_ELEM_KEY) element.key = value_of(part);
                    if (part.type == NFTA_SET_ELEM_DATA) element.value = value_of(part);
                }
                found.push_back(std::move(element));
            }
        }
    }));
    return found;
}

HostResult<> put_element(Netlink& netlink, const std::string& table, const std::string& set, const Element& element)
{
    std::array add{add_element(table, set, element)};
    auto added = netlink.transaction(add);
    if (added.ok() || (added.error().code != EBUSY && added.error().code != EEXIST)) return added;
    std::array replace{delete_element(table, set, element), add_element(table, set, element)};
    return netlink.transaction(replace);
}

HostResult<> drop_element(Netlink& netlink, const std::string& table, const std::string& set, const Element& element)
{
    std::array messages{delete_element(table, set, element)};
    messages[0].tolerate(ENOENT);
    return netlink.transaction(messages);
}

}  // namespace boxship::runtime::net
