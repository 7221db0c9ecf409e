#include "shape/test_records.h"

#include <cstdlib>
#include <random>

#include "shape/scalars.h"
#include "shape/slots.h"

namespace boxship::shape {

AnyRecord::AnyRecord(const RecordInfo& info) : info_(info), data_(std::calloc(1, info.size + 1)) {}

AnyRecord::~AnyRecord()
{
    destroy_record(info_, data_);
    std::free(data_);
}

namespace {

class Filler {
public:
    Filler(std::uint64_t seed, int density) : random_(seed), density_(density) {}

    void record(const RecordInfo& info, void* data, int depth)
    {
        const std::size_t chosen = info.is_union ? below(info.members.size()) : 0;
        for (std::size_t i = 0; i < info.members.size(); ++i) {
            const MemberInfo& member = info.members[i];
            const bool wanted = info.is_union ? i == chosen : below(10) < static_cast<std::size_t>(density_);
            if (!wanted || (depth > 5 && !is_scalar(member.type->kind))) continue;
            value(*member.type, make(member, data), depth);
        }
    }

private:
    std::size_t below(std::size_t bound) { return random_() % bound; }

    void value(const TypeInfo& type, void* data, int depth)
    {
        static constexpr std::string_view texts[] = {"", "web", "a b&c=d%+", "<é😀>\"'", "line\nnext\ttab", "0"};
        switch (type.kind) {
        case Kind::string: as<Str>(data) = texts[below(std::size(texts))]; break;
        case Kind::blob: as<Str>(data) = std::string_view("\0\xff\x01z", below(5)); break;
        case Kind::document: as<Str>(data) = below(2) ? R"({"a":[1,null]})" : "\"x\""; break;
        case Kind::boolean: as<bool>(data) = below(2); break;
        case Kind::int32: as<std::int32_t>(data) = static_cast<std::int32_t>(random_()); break;
        case Kind::int64: as<std::int64_t>(data) = static_cast<std::int64_t>(random_()); break;
        case Kind::float32: as<float>(data) = static_cast<float>(below(1000)) / 8; break;
        case Kind::float64: as<double>(data) = static_cast<double>(random_()) / 1024; break;
        case Kind::timestamp: as<Time>(data) = Time{static_cast<std::int64_t>(random_() % 4'000'000'000'000)}; break;
        case Kind::enumeration: as<std::uint16_t>(data) = static_cast<std::uint16_t>(1 + below(type.values->values.size())); break;
        case Kind::record: record(*type.record, data, depth + 1); break;
        case Kind::list:
            for (std::size_t count = below(3); count > 0; --count) value(*type.element, as<ListBase>(data).append(size_of(*type.element)), depth + 1);
            break;
        case Kind::map:
            for (std::size_t i = 0, count = below(3); i < count; ++i) {
                auto* entry = static_cast<std::byte*>(as<ListBase>(data).append(entry_size(*type.element)));
                as<Str>(entry) = type.keys ? type.keys->values[i] : fmt::format("key {}", i);
                value(*type.element, entry + entry_value_offset, depth + 1);
            }
            as<ListBase>(data).sort_entries(entry_size(*type.element), *type.element);
            break;
        }
    }

    std::mt19937_64 random_;
    int density_;
};

class FormWriter {
public:
    explicit FormWriter(bool ec2) : ec2_(ec2) {}

    void record(const RecordInfo& info, const void* data, const std::string& prefix)
    {
        for (const MemberInfo& member : info.members) {
            if (is_present(member, data)) this->member(member, get(member, data), prefix + std::string(member.query_name));
        }
    }
    std::string take() { return std::move(out_); }

private:
    void member(const MemberInfo& member, const void* data, const std::string& name)
    {
        const TypeInfo& type = *member.type;
        if (type.kind != Kind::list && type.kind != Kind::map) return value(type, data, name);
        const auto& list = as<ListBase>(data);
        if (list.empty()) return field(name, "");
        for (std::size_t i = 0; i < list.size(); ++i) {
            if (type.kind == Kind::list) {
                const std::string middle = ec2_ || member.flat ? "" : fmt::format(".{}", member.item);
                value(*type.element, list.at(i, size_of(*type.element)), fmt::format("{}{}.{}", name, middle, i + 1));
            } else {
                const auto* entry = static_cast<const std::byte*>(list.at(i, entry_size(*type.element)));
                const std::string place = fmt::format("{}{}.{}.", name, member.flat ? "" : ".entry", i + 1);
                field(place + std::string(member.key), as<Str>(entry));
                value(*type.element, entry + entry_value_offset, place + std::string(member.value));
            }
        }
    }

    void value(const TypeInfo& type, const void* data, const std::string& name)
    {
        if (type.kind == Kind::record) return record(*type.record, data, name + '.');
        std::string text;
        append_text(text, type, data);
        field(name, text);
    }

    void field(std::string_view name, std::string_view value)
    {
        if (!out_.empty()) out_.push_back('&');
        out_ += name;
        out_.push_back('=');
        for (const char c : value) {
            if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')) out_.push_back(c);
            else fmt::format_to(std::back_inserter(out_), "%{:02X}", static_cast<unsigned char>(c));
        }
    }

    std::string out_;
    bool ec2_;
};

struct Element {
    std::string tag;
    std::string text;
    std::vector<Element> children;
};

class XmlParser {
public:
    explicit XmlParser(std::string_view text) : text_(text) {}
    bool parse(Element& root)
    {
        const std::size_t begin = text_.find("?>");
        at_ = begin == std::string_view::npos ? 0 : begin + 2;
        while (at_ < text_.size() && text_[at_] == '\n') ++at_;
        return element(root) && at_ == text_.size();
    }

private:
    bool element(Element& into)
    {
        if (at_ >= text_.size() || text_[at_] != '<') return false;
        const std::size_t end = text_.find('>', at_);
        if (end == std::string_view::npos) return false;
        into.tag = std::string(text_.substr(at_ + 1, std::min(text_.find(' ', at_), end) - at_ - 1));
        at_ = end + 1;
        const std::string close = "</" + into.tag + ">";
        while (at_ < text_.size()) {
            if (text_.substr(at_, close.size()) == close) {
                at_ += close.size();
                return true;
            }
            if (text_[at_] == '<') {
                if (!element(into.children.emplace_back())) return false;
            } else if (text_[at_] == '&') {
                const std::size_t semicolon = text_.find(';', at_);
                if (semicolon == std::string_view::npos) return false;
                const std::string_view name = text_.substr(at_ + 1, semicolon - at_ - 1);
                into.text += name == "amp" ? '&' : name == "lt" ? '<' : name == "gt" ? '>' : name == "quot" ? '"' : '\r';
                at_ = semicolon + 1;
            } else {
                into.text.push_back(text_[at_++]);
            }
        }
        return false;
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

void read_element(const MemberInfo& member, const TypeInfo& type, const Element& element, void* data, bool ec2);

void read_children(const RecordInfo& info, const Element& element, void* data, bool ec2)
{
    for (const Element& child : element.children) {
        for (const MemberInfo& member : info.members) {
            if (member.xml_name == child.tag) read_element(member, *member.type, child, make(member, data), ec2);
        }
    }
}

void read_element(const MemberInfo& member, const TypeInfo& type, const Element& element, void* data, bool ec2)
{
    if (type.kind == Kind::record) {
        read_children(*type.record, element, data, ec2);
    } else if (type.kind == Kind::list) {
        for (const Element& child : element.children) {
            if (child.tag != member.item) continue;
            read_element(member, *type.element, child, as<ListBase>(data).append(size_of(*type.element)), ec2);
        }
    } else if (type.kind == Kind::map) {
        for (const Element& child : element.children) {
            auto* entry = static_cast<std::byte*>(as<ListBase>(data).append(entry_size(*type.element)));
            as<Str>(entry) = child.children.at(0).text;
            read_element(member, *type.element, child.children.at(1), entry + entry_value_offset, ec2);
        }
        as<ListBase>(data).sort_entries(entry_size(*type.element), *type.element);
    } else {
        EXPECT_TRUE(read_text(type, element.text, data)) << element.tag << ": " << element.text;
    }
}

}  // namespace

void fill(RecordRef record, std::uint64_t seed, int density)
{
    Filler(seed, density).record(*record.info, record.data, 0);
}

std::string write_form(ConstRecordRef record, bool ec2)
{
    FormWriter writer(ec2);
    writer.record(*record.info, record.data, "");
    return writer.take();
}

bool read_xml(std::string_view xml, std::string_view element, RecordRef into, bool ec2)
{
    Element root;
    if (!XmlParser(xml).parse(root)) return false;
    const Element* from = &root;
    if (root.tag != element) {
        from = nullptr;
        for (const Element& child : root.children) from = child.tag == element ? &child : from;
    }
    if (from) read_children(*into.info, *from, into.data, ec2);
    return from != nullptr;
}

}  // namespace boxship::shape
