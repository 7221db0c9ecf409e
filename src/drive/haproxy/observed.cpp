#include "drive/haproxy/observed.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/strings.h"

namespace boxship::drive::haproxy {
namespace {

// The fields of a line; a quoted one may hold commas.
std::vector<std::string_view> fields_of(std::string_view line)
{
    std::vector<std::string_view> fields;
    while (true) {
        if (line.starts_with('"')) {
            const auto end = std::min(line.find('"', 1), line.size());
            fields.push_back(line.substr(1, end - 1));
            line.remove_prefix(std::min(end + 1, line.size()));
            if (line.empty()) return fields;
            line.remove_prefix(1);
            continue;
        }
        const auto comma = line.find(',');
        fields.push_back(line.substr(0, comma));
        if (comma == line.npos) return fields;
        line.remove_prefix(comma + 1);
    }
}

std::int64_t number(std::string_view text)
{
    std::int64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

class Columns {
public:
    explicit Columns(std::string_view header)
    {
        std::size_t at = 0;
        for (const auto name : fields_of(header)) places_[std::string(name)] = at++;
    }
    std::string_view get(const std::vector<std::string_view>& fields, const char* name) const
    {
        const auto place = places_.find(name);
        return place == places_.end() || place->second >= fields.size() ? std::string_view() : fields[place->second];
    }

private:
    std::map<std::string, std::size_t> places_;
};

ServerSeen server_seen(const Columns& columns, const std::vector<std::string_view>& fields)
{
    ServerSeen server;
    const auto status = columns.get(fields, "status");
    server.name = columns.get(fields, "svname");
    server.address = columns.get(fields, "addr");
    server.maintenance = status.starts_with("MAINT");
    server.up = status.starts_with("UP") || status.starts_with("no check") || status.starts_with("DRAIN");
    server.rising = status.find('/') != status.npos;
    server.check_status = columns.get(fields, "check_status");
    if (server.check_status.starts_with("* ")) server.check_status.erase(0, 2);   // a check is under way
    server.check_code = static_cast<int>(number(columns.get(fields, "check_code")));
    server.sessions = number(columns.get(fields, "scur"));
    return server;
}

CountersSeen counters_seen(const Columns& columns, const std::vector<std::string_view>& fields)
{
    const auto get = [&](const char* name) { return number(columns.get(fields, name)); };
    CountersSeen seen;
    seen.requests = get("req_tot");
    seen.bytes_in = get("bin");
    seen.bytes_out = get("bout");
    seen.errors = get("econ") + get("eresp");
    seen.sessions = get("scur");
    static constexpr const char* classes[] = {"hrsp_other", "hrsp_1xx", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx"};
    for (int i = 0; i < 6; ++i) seen.responses[i] = get(classes[i]);
    seen.response_ms = get("ttime");
    seen.healthy = get("act");
    return seen;
}

}  // namespace

Seen read_stat(std::string_view csv)
{
    Seen seen;
    if (csv.starts_with("# ")) csv.remove_prefix(2);
    const auto end = csv.find('\n');
    const Columns columns(csv.substr(0, end));
    if (end == csv.npos) return seen;
    for (const auto& line : split(csv.substr(end + 1), '\n')) {
        if (line.empty()) continue;
        const auto fields = fields_of(line);
        const std::string proxy(columns.get(fields, "pxname"));
        switch (number(columns.get(fields, "type"))) {
        case 0:
            seen.frontends[proxy] = counters_seen(columns, fields);
            if (columns.get(fields, "status") != "STOP") seen.listening.push_back(proxy);
            break;
        case 1: seen.backends[proxy] = counters_seen(columns, fields); break;
        case 2: seen.servers[proxy].push_back(server_seen(columns, fields)); break;
        default: break;
        }
    }
    return seen;
}

model::TargetReason reason_of(const ServerSeen& server)
{
    if (server.check_status == "L7STS" || server.check_status == "L7RSP") return model::TargetReason::response_code_mismatch;
    if (server.check_status.ends_with("TOUT")) return model::TargetReason::timeout;
    return model::TargetReason::failed_health_checks;
}

std::string description_of(const ServerSeen& server)
{
    switch (reason_of(server)) {
    case model::TargetReason::response_code_mismatch:
        return server.check_code != 0 ? fmt::format("Health checks failed with these codes: [{}]", server.check_code) : "Health checks failed";
    case model::TargetReason::timeout: return "Request timed out";
    default: return "Health checks failed";
    }
}

}  // namespace boxship::drive::haproxy
