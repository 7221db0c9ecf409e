#include <fmt/format.h>

#include "base/bytes.h"
#include "shape/json_reader.h"
#include "shape/scalars.h"
#include "shape/slots.h"
#include "shape/write.h"

namespace boxship::shape {

namespace {

class JsonWriter {
public:
    JsonWriter(std::string& out, Secrets secrets) : out_(out), secrets_(secrets) {}

    void record(const RecordInfo& info, const void* data)
    {
        out_.push_back('{');
        bool first = true;
        for (const MemberInfo& member : info.members) {
            if (!is_present(member, data)) continue;
            out_ += std::exchange(first, false) ? "\"" : ",\"";
            out_ += member.name;
            out_ += "\":";
            if (member.sensitive && secrets_ == Secrets::masked) out_ += "\"***\"";
            else value(*member.type, get(member, data), member.time);
        }
        out_.push_back('}');
    }

private:
    void value(const TypeInfo& type, const void* data, TimeFormat format)
    {
        switch (type.kind) {
        case Kind::record: record(*type.record, data); break;
        case Kind::list: list(type, as<ListBase>(data), format); break;
        case Kind::map: map(type, as<ListBase>(data), format); break;
        case Kind::string: append_json_string(out_, as<Str>(data).view()); break;
        case Kind::document: out_ += as<Str>(data).empty() ? "null" : as<Str>(data).view(); break;
        case Kind::timestamp:
            if (format == TimeFormat::iso) append_json_string(out_, to_iso8601(as<Time>(data)));
            else out_ += to_epoch(as<Time>(data));
            break;
        case Kind::enumeration:
        case Kind::blob: quoted(type, data); break;
        case Kind::float32:
        case Kind::float64: {
            const double real = type.kind == Kind::float32 ? as<float>(data) : as<double>(data);
            if (real - real == 0) append_text(out_, type, data);
            else quoted(type, data);  // NaN and the infinities
            break;
        }
        default: append_text(out_, type, data);
        }
    }

    void quoted(const TypeInfo& type, const void* data)
    {
        out_.push_back('"');
        append_text(out_, type, data);
        out_.push_back('"');
    }

    void list(const TypeInfo& type, const ListBase& data, TimeFormat format)
    {
        const std::size_t stride = size_of(*type.element);
        out_.push_back('[');
        for (std::size_t i = 0; i < data.size(); ++i) {
            if (i != 0) out_.push_back(',');
            value(*type.element, data.at(i, stride), format);
        }
        out_.push_back(']');
    }

    void map(const TypeInfo& type, const ListBase& data, TimeFormat format)
    {
        const std::size_t stride = entry_size(*type.element);
        out_.push_back('{');
        for (std::size_t i = 0; i < data.size(); ++i) {
            if (i != 0) out_.push_back(',');
            const auto* entry = static_cast<const std::byte*>(data.at(i, stride));
            append_json_string(out_, as<Str>(entry).view());
            out_.push_back(':');
            value(*type.element, entry + entry_value_offset, format);
        }
        out_.push_back('}');
    }

    std::string& out_;
    Secrets secrets_;
};

}  // namespace

std::string write_json(ConstRecordRef record, Secrets secrets)
{
    // Grown once per thread instead of several times per answer.
    constexpr std::size_t kept_bytes_max = 256 << 10;
    thread_local std::string buffer;
    buffer.clear();
    JsonWriter(buffer, secrets).record(*record.info, record.data);
    if (buffer.size() > kept_bytes_max) return std::exchange(buffer, {});
    return buffer;
}

}  // namespace boxship::shape
