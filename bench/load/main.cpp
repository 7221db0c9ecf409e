// boxship-load: HTTP requests, signed beforehand where keys are given, each with a signature of its own.
//
//   requests --port P --connections N --count N --path P --body TEXT [--header "Name: value"]…
//            [--region R --service S]       sign; the keys are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY
//            [--same TEXT] [--revisions]    each answer must be this; or must name a revision that no other names
//   disk FILE SECONDS BYTES                 one writer's append and fdatasync
//   floor DIRECTORY                         floor.h
//
// "@N@" in path and body becomes the number of the request. Prints one JSON object.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "client.h"
#include "disk.h"
#include "floor.h"
#include "env/real/real_env.h"
#include "wire/crypto.h"
#include "wire/sigv4.h"

namespace boxship::bench {
namespace {

struct Options {
    std::map<std::string, std::string> values;
    std::vector<std::pair<std::string, std::string>> headers;

    const std::string& operator[](const char* name) { return values[name]; }
    int number(const char* name) { return std::atoi(values[name].c_str()); }
};

std::string numbered(std::string text, int number)
{
    for (auto at = text.find("@N@"); at != text.npos; at = text.find("@N@", at)) text.replace(at, 3, std::to_string(number));
    return text;
}

std::vector<Request> make_requests(Options& options, std::string& shared_body)
{
    const std::string host = "127.0.0.1:" + options["--port"];
    const std::string method = options["--method"].empty() ? "POST" : options["--method"];
    const bool sign = !options["--region"].empty();
    const bool body_varies = options["--body"].find("@N@") != std::string::npos;
    const sigv4::Scope scope{options["--region"], options["--service"]};
    const char* access = std::getenv("AWS_ACCESS_KEY_ID");
    const char* secret = std::getenv("AWS_SECRET_ACCESS_KEY");
    const sigv4::Credentials credentials{access ? access : "", secret ? secret : "", {}};
    sigv4::KeyCache keys;
    env::RealClock clock;
    const Time now = clock.now();
    if (!body_varies) shared_body = options["--body"];
    std::string hash = crypto::sha256_hex(shared_body);
    std::vector<Request> requests(static_cast<std::size_t>(options.number("--count")));
    for (int n = 0; n < static_cast<int>(requests.size()); ++n) {
        Request& request = requests[static_cast<std::size_t>(n)];
        if (body_varies) {
            request.body = numbered(options["--body"], n);
            if (sign) hash = crypto::sha256_hex(request.body);
        }
        const std::string path = numbered(options["--path"], n);
        http::Headers headers;
        headers.add("Host", host);
        for (const auto& [name, value] : options.headers) headers.add(name, value);
        if (sign) {
            headers.add("amz-sdk-invocation-id", std::to_string(now.ms) + "-" + std::to_string(n));
            sigv4::sign(headers, method, path, hash, credentials, scope, now, &keys);
        }
        request.head = method + " " + path + " HTTP/1.1\r\n";
        for (const auto& [name, value] : headers) request.head += name + ": " + value + "\r\n";
        const std::size_t length = body_varies ? request.body.size() : shared_body.size();
        request.head += "Content-Length: " + std::to_string(length) + "\r\n\r\n";
    }
    return requests;
}

// Each revision once.
class Revisions {
public:
    bool add(std::string_view body)
    {
        const auto at = body.find("\"revision\":");
        if (at == body.npos) return false;
        const auto revision = std::strtoul(body.data() + at + 11, nullptr, 10);
        if (revision == 0 || revision > 10'000'000) return false;
        if (seen_.size() <= revision) seen_.resize(revision + 1);
        return !std::exchange(seen_[revision], true);
    }

private:
    std::vector<char> seen_;
};

std::string escaped(const std::string& text)
{
    std::string out;
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += static_cast<unsigned char>(c) < 32 ? ' ' : c;
    }
    return out;
}

int run_requests(int argc, char** argv)
{
    Options options;
    for (int i = 2; i < argc; ++i) {
        const std::string name = argv[i];
        const bool is_switch = name == "--revisions";
        if (!is_switch && i + 1 == argc) return 2;
        const std::string value = is_switch ? "1" : argv[++i];
        if (name == "--header") options.headers.emplace_back(value.substr(0, value.find(':')), value.substr(value.find(':') + 2));
        else options.values[name] = value;
    }
    std::string shared_body;
    const auto requests = make_requests(options, shared_body);
    Revisions revisions;
    const std::string same = options["--same"];
    Check check = [](std::string_view) { return true; };
    if (!options["--revisions"].empty()) check = [&](std::string_view body) { return revisions.add(body); };
    else if (!same.empty()) check = [&](std::string_view body) { return body == same; };
    Outcome outcome = run(static_cast<std::uint16_t>(options.number("--port")), options.number("--connections"), requests, shared_body, check);
    std::sort(outcome.ms.begin(), outcome.ms.end());
    const auto at = [&](std::size_t percent) { return outcome.ms[std::min(outcome.ms.size() - 1, outcome.ms.size() * percent / 100)]; };
    std::printf("{\"requests\":%zu,\"seconds\":%.4f,\"perSecond\":%.1f,\"p50\":%.4f,\"p99\":%.4f,\"refused\":%llu,\"reconnects\":%llu,\"complaint\":\"%s\"}\n",
                outcome.ms.size(), outcome.seconds, static_cast<double>(outcome.ms.size()) / outcome.seconds, at(50), at(99),
                static_cast<unsigned long long>(outcome.refused), static_cast<unsigned long long>(outcome.reconnects), escaped(outcome.complaint).c_str());
    return 0;
}

int main(int argc, char** argv)
{
    if (argc > 2 && std::strcmp(argv[1], "requests") == 0) return run_requests(argc, argv);
    if (argc == 5 && std::strcmp(argv[1], "disk") == 0) {
        const DiskOutcome outcome = append_and_sync(argv[2], std::atof(argv[3]), std::atoi(argv[4]));
        std::printf("{\"perSecond\":%.1f,\"p50\":%.4f,\"p99\":%.4f}\n", outcome.per_second, outcome.p50_ms, outcome.p99_ms);
        return 0;
    }
    if (argc == 3 && std::strcmp(argv[1], "floor") == 0) return serve_floor(argv[2]);
    std::fprintf(stderr, "boxship-load: see the head of bench/load/main.cpp\n");
    return 2;
}

}  // namespace
}  // namespace boxship::bench

int main(int argc, char** argv)
{
    return boxship::bench::main(argc, argv);
}
