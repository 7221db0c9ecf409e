// One repository of one registry, for the length of one pull: authentication, redirects, retries. Blocks; may be used
// by several threads.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/time.h"
#include "images/challenge.h"
#include "images/manifest.h"
#include "images/pull_error.h"
#include "images/reference.h"
#include "wire/http/client.h"

namespace boxship::images {

struct Credentials {
    std::string username;
    std::string password;
};
// Asked at most once per pull, for the registry's host as the reference names it. Nothing: anonymous.
using CredentialsProvider = std::function<HostResult<std::optional<Credentials>>(const std::string& host)>;

struct Retries {
    int attempts = 5;
    Milliseconds first_pause{200};   // three times as long each time
};

class RegistryClient {
public:
    RegistryClient(http::Client& client, Reference reference, const OwnRegistry& own, CredentialsProvider credentials, Retries retries,
                   std::stop_token stop);

    struct Document {
        std::string digest;  // of the bytes
        std::string bytes;
    };
    // What the reference stands for now; nothing when the registry does not say so in a HEAD request.
    PullResult<std::optional<std::string>> resolve();
    PullResult<Document> manifest(const std::string& by);
    PullResult<std::string> blob(const Descriptor& descriptor, std::size_t bytes_max);
    // Every byte once, in order, also across broken connections. `sink` fails: so does this, with that error.
    PullResult<> stream(const Descriptor& descriptor, const http::Sink& sink);

    PullError error(PullFailure kind, std::string_view what) const;  // names image and registry

private:
    struct Answer {
        int status = 0;
        http::Headers headers;
        std::string body;
    };
    PullResult<Answer> ask(http::ClientRequest request);
    PullResult<Answer> ask_once(http::ClientRequest request, const http::Sink* sink, std::optional<HostError>& broken);
    PullResult<bool> authenticate(const Answer& refused, int generation, bool tried);
    PullResult<std::string> fetch_token(const Challenge& challenge);
    PullResult<std::optional<Credentials>> credentials();
    PullResult<> pause(int attempt, std::string_view retry_after);
    PullError refusal(const Answer& answer, std::string_view what) const;
    http::ClientRequest request(std::string method, std::string path) const;

    http::Client& client_;
    const Reference reference_;
    const std::string base_;        // "https://registry-1.docker.io"
    const bool is_own_;
    const CredentialsProvider provider_;
    const Retries retries_;
    const std::stop_token stop_;

    std::mutex mutex_;              // of what follows
    std::string authorization_;     // header value, or empty
    int generation_ = 0;            // of the authorization
    std::optional<std::optional<Credentials>> credentials_;
};

}  // namespace boxship::images
