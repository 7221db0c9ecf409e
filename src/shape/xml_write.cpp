#include <fmt/format.h>

#include "shape/scalars.h"
#include "shape/slots.h"
#include "shape/write.h"

namespace boxship::shape {

void append_xml_text(std::string& out, std::string_view text)
{
    for (const char c : text) {
        switch (c) {
        case '&': out += "&amp;"; break;
        case '<': out += "&lt;"; break;
        case '>': out += "&gt;"; break;
        case '"': out += "&quot;"; break;
        case '\r': out += "&#xD;"; break;
        case '\n':
        case '\t': out.push_back(c); break;
        default:
            if (static_cast<unsigned char>(c) < 0x20) out += "\xEF\xBF\xBD";  // XML 1.0 has no way to write it
            else out.push_back(c);
        }
    }
}

namespace {

class XmlWriter {
public:
    explicit XmlWriter(bool ec2) : ec2_(ec2) {}

    void open(std::string_view tag, std::string_view attributes = {}) { fmt::format_to(std::back_inserter(out_), "<{}{}>", tag, attributes); }
    void close(std::string_view tag) { fmt::format_to(std::back_inserter(out_), "</{}>", tag); }
    void text(std::string_view tag, std::string_view value)
    {
        open(tag);
        append_xml_text(out_, value);
        close(tag);
    }

    void record(const RecordInfo& info, const void* data)
    {
        for (const MemberInfo& member : info.members) {
            if (!is_present(member, data)) continue;
            const void* value = get(member, data);
            if (member.type->kind == Kind::list) list(member, as<ListBase>(value));
            else if (member.type->kind == Kind::map) map(member, as<ListBase>(value));
            else tagged(member.xml_name, *member.type, value, member.time);
        }
    }

    std::string take() { return std::move(out_); }

private:
    void tagged(std::string_view tag, const TypeInfo& type, const void* value, TimeFormat format)
    {
        open(tag);
        if (type.kind == Kind::record) {
            record(*type.record, value);
        } else if (type.kind == Kind::timestamp && format == TimeFormat::epoch) {
            out_ += to_epoch(as<Time>(value));
        } else if (type.kind == Kind::list) {
            for (std::size_t i = 0; i < as<ListBase>(value).size(); ++i)
                tagged(ec2_ ? "item" : "member", *type.element, as<ListBase>(value).at(i, size_of(*type.element)), format);
        } else {
            std::string plain;
            append_text(plain, type, value);
            append_xml_text(out_, plain);
        }
        close(tag);
    }

    void list(const MemberInfo& member, const ListBase& elements)
    {
        const TypeInfo& type = *member.type->element;
        const std::size_t stride = size_of(type);
        if (!member.flat) open(member.xml_name);
        for (std::size_t i = 0; i < elements.size(); ++i)
            tagged(member.flat ? member.xml_name : member.item, type, elements.at(i, stride), member.time);
        if (!member.flat) close(member.xml_name);
    }

    void map(const MemberInfo& member, const ListBase& entries)
    {
        const TypeInfo& type = *member.type->element;
        const std::size_t stride = entry_size(type);
        if (!member.flat) open(member.xml_name);
        const std::string_view tag = member.flat ? member.xml_name : "entry";
        for (std::size_t i = 0; i < entries.size(); ++i) {
            const auto* entry = static_cast<const std::byte*>(entries.at(i, stride));
            open(tag);
            text(member.key, as<Str>(entry).view());
            tagged(member.value, type, entry + entry_value_offset, member.time);
            close(tag);
        }
        if (!member.flat) close(member.xml_name);
    }

    std::string out_;
    bool ec2_;
};

std::string xmlns(const OperationInfo& operation)
{
    return fmt::format(" xmlns=\"{}\"", operation.service->xml_namespace);
}

constexpr std::string_view xml_prolog = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

}  // namespace

std::string write_query_xml(const OperationInfo& operation, ConstRecordRef response, std::string_view request_id)
{
    const std::string outer = fmt::format("{}Response", operation.name);
    const std::string inner = fmt::format("{}Result", operation.name);
    XmlWriter xml(false);
    xml.open(outer, xmlns(operation));
    if (operation.has_output) {
        xml.open(inner);
        xml.record(*response.info, response.data);
        xml.close(inner);
    }
    xml.open("ResponseMetadata");
    xml.text("RequestId", request_id);
    xml.close("ResponseMetadata");
    xml.close(outer);
    return std::string(xml_prolog) + xml.take();
}

std::string write_ec2_xml(const OperationInfo& operation, ConstRecordRef response, std::string_view request_id)
{
    const std::string outer = fmt::format("{}Response", operation.name);
    XmlWriter xml(true);
    xml.open(outer, xmlns(operation));
    xml.text("requestId", request_id);
    xml.record(*response.info, response.data);
    xml.close(outer);
    return std::string(xml_prolog) + xml.take();
}

}  // namespace boxship::shape
