// One pull, private to pull*.cpp.
#pragma once

#include <mutex>
#include <string>

#include "images/flights.h"
#include "images/pull.h"

namespace boxship::images {

struct Puller::Shared {
    Shared(LayerStore& store, http::Client& client, PullerOptions options)
        : store(store), client(client), options(std::move(options)), slots(this->options.layers_at_once)
    {
    }

    LayerStore& store;
    http::Client& client;
    const PullerOptions options;
    Flights images;
    Flights layers;
    Slots slots;
};

class Puller::Job {
public:
    Job(Shared& shared, const PullRequest& request);
    PullResult<PulledImage> run();

private:
    struct Found {
        std::string digest;       // the manifest's
        Manifest manifest;
    };
    struct MissingLayer {
        Descriptor blob;
        std::string diff_id;
    };

    PullResult<PulledImage> run_fresh();
    PullResult<std::optional<PulledImage>> cached();
    PullResult<std::string> document(const std::string& digest);          // a manifest or index
    PullResult<Found> find_manifest(const std::string& resolved);
    PullResult<std::string> config_bytes(const Descriptor& descriptor);
    PullResult<> fetch_layers(const Found& found, const ImageConfig& config);
    PullResult<> fetch_layer(const MissingLayer& layer);
    PullResult<> unpack_layer(const MissingLayer& layer);
    std::string local_blob(const std::string& digest) const;              // path, or empty
    PullError host_failure(const HostError& error, std::string_view what) const;
    void passed(std::size_t bytes);
    void layer_done();

    Shared& shared_;
    LayerStore& store_;
    const PullRequest& request_;
    RegistryClient registry_;

    std::mutex mutex_;
    PullProgress progress_;
    std::uint64_t reported_ = 0;
};

}  // namespace boxship::images
