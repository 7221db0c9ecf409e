// One list of members per struct serves reading and writing. A list is a function
//
//     template <class V> void members(V& v, Of<V, PortMapping>& m) { v("hostPort", m.host_port); v.maybe("protocol", m.protocol); }
//
// `v(…)` always writes the member, `v.maybe(…)` leaves an empty one out. Internal to wire/acs.
#pragma once

#include <map>
#include <optional>
#include <type_traits>
#include <vector>

#include "base/time.h"
#include "shape/json_value.h"

namespace boxship::acs {

using shape::Json;

template <class V, class T>
using Of = std::conditional_t<V::writes, const T, T>;

class Writer {
public:
    static constexpr bool writes = true;

    template <class T>
    void operator()(std::string_view name, const T& member)
    {
        object_.set(name, value_of(member));
    }
    template <class T>
    void maybe(std::string_view name, const T& member)
    {
        if (!is_empty(member)) object_.set(name, value_of(member));
    }
    template <class T>
    static Json write(const T& record)
    {
        Writer writer;
        members(writer, record);
        return std::move(writer.object_);
    }

private:
    template <class T>
    static bool is_empty(const std::optional<T>& member) { return !member.has_value(); }
    static bool is_empty(const Json& member) { return member.is_null(); }
    static bool is_empty(const Time& member) { return !member; }
    template <class T>
        requires requires(const T& t) { t.empty(); }
    static bool is_empty(const T& member) { return member.empty(); }

    static Json value_of(const std::string& member) { return member; }
    static Json value_of(const Json& member) { return member; }
    static Json value_of(bool member) { return member; }
    static Json value_of(int member) { return member; }
    static Json value_of(std::int64_t member) { return member; }
    static Json value_of(double member) { return member; }
    static Json value_of(const Time& member) { return static_cast<double>(member.ms) / 1000; }
    template <class T>
    static Json value_of(const std::optional<T>& member) { return member ? value_of(*member) : Json(); }
    template <class T>
    static Json value_of(const std::vector<T>& list)
    {
        Json::Array array;
        array.reserve(list.size());
        for (const T& element : list) array.push_back(value_of(element));
        return array;
    }
    static Json value_of(const std::map<std::string, std::string>& map)
    {
        Json object = Json::object();
        for (const auto& [key, value] : map) object.edit_object().push_back({key, value});
        return object;
    }
    template <class T>
    static Json value_of(const T& record) { return write(record); }

    Json object_ = Json::object();
};

class Reader {
public:
    static constexpr bool writes = false;

    explicit Reader(const Json& json) : json_(json) {}

    template <class T>
    void operator()(std::string_view name, T& member) { take(json_[name], member); }
    template <class T>
    void maybe(std::string_view name, T& member) { take(json_[name], member); }
    const Json& json() const { return json_; }

    template <class T>
    static T read(const Json& json)
    {
        T record;
        Reader reader(json);
        members(reader, record);
        return record;
    }

private:
    // What no calendar knows reads as "not yet".
    static Time time_of_seconds(double seconds)
    {
        constexpr double seconds_max = 253402300800;  // the year 10000
        if (!(seconds > 0 && seconds < seconds_max)) return {};
        return {static_cast<std::int64_t>(seconds * 1000 + 0.5)};
    }
    // A text where an object stands: some senders put JSON in where its text belongs.
    static void take(const Json& json, std::string& member) { member = json.is_object() ? json.dump() : json.as_string(); }
    static void take(const Json& json, Json& member) { member = json; }
    static void take(const Json& json, bool& member)
    {
        if (json.is_bool()) member = json.as_bool();
    }
    static void take(const Json& json, int& member) { member = static_cast<int>(json.as_int64()); }
    static void take(const Json& json, std::int64_t& member) { member = json.as_int64(); }
    static void take(const Json& json, double& member) { member = json.as_double(); }
    static void take(const Json& json, Time& member) { member = time_of_seconds(json.as_double()); }
    template <class T>
    static void take(const Json& json, std::optional<T>& member)
    {
        member.reset();
        if (!json.is_null()) take(json, member.emplace());
    }
    template <class T>
    static void take(const Json& json, std::vector<T>& list)
    {
        list.clear();
        for (const Json& element : json.as_array()) take(element, list.emplace_back());
    }
    static void take(const Json& json, std::map<std::string, std::string>& map)
    {
        map.clear();
        for (const auto& [key, value] : json.as_object()) map[key] = value.as_string();
    }
    template <class T>
    static void take(const Json& json, T& record)
    {
        Reader reader(json);
        members(reader, record);
    }

    const Json& json_;
};

template <class Message>
std::string envelope(const Message& message)
{
    Json frame = Json::object();
    frame.set("type", Message::type);
    frame.set("message", Writer::write(message));
    return frame.dump();
}

// "type" and "message" of a text.
struct Envelope {
    std::string type;
    Json message;
};
Outcome<Envelope, std::string> open_envelope(std::string_view text);
std::string notice_text(const Json& message);  // of an error's body

template <class Message>
bool is(const Envelope& envelope) { return envelope.type == Message::type; }

}  // namespace boxship::acs
