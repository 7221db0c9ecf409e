// Brings an image from its registry into the store.
//
//     Puller puller(store, client, {.own = own_registry});
//     PullRequest request;
//     request.reference = *parse_reference("localhost:4566/app:v2");
//     request.holder = "task-0af3-web";                  // pinned for it; store.unpin(holder) when it is gone
//     request.credentials = [&](const std::string& host) { … };
//     const auto pulled = puller.pull(request);           // blocks; from any number of threads
//     if (!pulled.ok()) return report(pulled.error().reason());
//     run(pulled->image.layers, pulled->image.config);
//
// A tag is resolved anew for every pull (so that rights are asked each time), everything else is fetched once: by one
// of the threads, or processes, that want it. A layer is unpacked while it arrives; it counts only when the digests
// of both what arrived and what came out of it are right.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "images/pull_error.h"
#include "images/reference.h"
#include "images/registry_client.h"
#include "images/store.h"

namespace boxship::images {

enum class PullPolicy {
    cached_on_failure,  // pull; if that fails, what the name stood for last (ECS_IMAGE_PULL_BEHAVIOR default)
    cached_when_unreachable,  // the same, but only when no registry answered: an image that is gone is gone (Fargate)
    fresh,              // always
    cached_first,       // once, prefer-cached: no registry is asked if the image is there
};

struct PullProgress {
    int layers = 0;            // that were missing
    int layers_done = 0;
    std::uint64_t bytes = 0;   // compressed, of the missing layers
    std::uint64_t bytes_done = 0;
};

struct PullRequest {
    Reference reference;
    std::string holder;
    CredentialsProvider credentials;
    std::function<void(const PullProgress&)> progress;  // from several threads, one at a time; must be quick
    std::stop_token stop;
    PullPolicy policy = PullPolicy::cached_on_failure;
};

struct PulledImage {
    StoredImage image;
    std::string digest;          // what the reference stood for: ECS's imageDigest
    bool from_cache = false;     // no registry was asked, or it did not answer
};

struct PullerOptions {
    OwnRegistry own;
    int layers_at_once = 3;
    Retries retries;
    UnpackLimits limits;
};

class Puller {
public:
    // The store and the client outlive the puller.
    Puller(LayerStore& store, http::Client& client, PullerOptions options);
    ~Puller();
    Puller(const Puller&) = delete;
    Puller& operator=(const Puller&) = delete;

    // On success the image is pinned for request.holder.
    PullResult<PulledImage> pull(const PullRequest& request);

private:
    class Job;
    struct Shared;
    std::unique_ptr<Shared> shared_;
};

}  // namespace boxship::images
