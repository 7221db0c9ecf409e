#include "images/pull.h"

#include <cerrno>

#include "base/log.h"
#include "env/real/files.h"
#include "images/pull_job.h"

namespace boxship::images {
namespace {

constexpr int nested_indexes_max = 3;

PullError at_manifest(PullError error)
{
    error.at_manifest = true;
    return error;
}

}  // namespace

Puller::Puller(LayerStore& store, http::Client& client, PullerOptions options)
    : shared_(std::make_unique<Shared>(store, client, std::move(options)))
{
}

Puller::~Puller() = default;

PullResult<PulledImage> Puller::pull(const PullRequest& request)
{
    return Job(*shared_, request).run();
}

Puller::Job::Job(Shared& shared, const PullRequest& request)
    : shared_(shared),
      store_(shared.store),
      request_(request),
      registry_(shared.client, request.reference, shared.options.own, request.credentials, shared.options.retries, request.stop)
{
}

PullError Puller::Job::host_failure(const HostError& error, std::string_view what) const
{
    const std::string text = what.empty() ? error.message : fmt::format("{}: {}", what, error.message);
    switch (error.code) {
    case ENOSPC:
    case EDQUOT: return registry_.error(PullFailure::no_space, text + ". Free some space below " + store_.directory() + ", or remove unused images.");
    case ECANCELED: return registry_.error(PullFailure::cancelled, text);
    }
    return registry_.error(PullFailure::unpack, text);
}

PullResult<PulledImage> Puller::Job::run()
{
    if (request_.policy == PullPolicy::cached_first) {
        ASSIGN_OR_RETURN(auto image, cached());
        if (image) return std::move(*image);
    }
    auto pulled = run_fresh();
    if (pulled.ok() || pulled.error().kind == PullFailure::cancelled) return pulled;
    const bool unreachable = pulled.error().kind == PullFailure::network;
    if (request_.policy != PullPolicy::cached_on_failure && !(request_.policy == PullPolicy::cached_when_unreachable && unreachable))
        return pulled;
    ASSIGN_OR_RETURN(auto image, cached());
    if (!image) return pulled;
    log_warning("{}; the image of an earlier pull serves instead", pulled.error().message);
    return std::move(*image);
}

PullResult<std::optional<PulledImage>> Puller::Job::cached()
{
    auto named = store_.named(to_text(request_.reference));
    if (!named && !request_.reference.digest.empty()) named = store_.named(request_.reference.digest);
    if (!named) return std::optional<PulledImage>();
    auto image = store_.pin(named->manifest, request_.holder);
    if (!image.ok()) return host_failure(image.error(), "pin");
    if (!*image) return std::optional<PulledImage>();
    return std::optional<PulledImage>(PulledImage{std::move(**image), named->resolved, true});
}

PullResult<std::string> Puller::Job::document(const std::string& digest)
{
    if (auto bytes = store_.document(digest)) return std::move(*bytes);
    ASSIGN_OR_RETURN(RegistryClient::Document document, registry_.manifest(digest));
    if (const auto kept = store_.keep_document(digest, document.bytes); !kept.ok()) return host_failure(kept.error(), "manifest");
    return std::move(document.bytes);
}

PullResult<Puller::Job::Found> Puller::Job::find_manifest(const std::string& resolved)
{
    std::string digest = resolved;
    for (int depth = 0; depth <= nested_indexes_max; ++depth) {
        ASSIGN_OR_RETURN(const std::string bytes, document(digest));
        auto parsed = parse_manifest(bytes);
        if (!parsed.ok()) return registry_.error(PullFailure::unsupported, parsed.error());
        if (Manifest* manifest = std::get_if<Manifest>(&*parsed)) return Found{digest, std::move(*manifest)};
        const auto chosen = choose(std::get<ImageIndex>(*parsed), host_platform());
        if (!chosen.ok()) return registry_.error(PullFailure::unsupported, chosen.error());
        digest = chosen->digest;
    }
    return registry_.error(PullFailure::unsupported, "its index names indexes without end");
}

std::string Puller::Job::local_blob(const std::string& digest) const
{
    const OwnRegistry& own = shared_.options.own;
    if (own.blobs_directory.empty() || !own.answers_for(request_.reference.host)) return {};
    std::string path = own.blobs_directory + "/sha256/" + digest_hex(digest);
    return env::file_exists(path) ? path : std::string();
}

PullResult<std::string> Puller::Job::config_bytes(const Descriptor& descriptor)
{
    if (auto bytes = store_.document(descriptor.digest)) return std::move(*bytes);
    if (descriptor.size > config_bytes_max) return registry_.error(PullFailure::unsupported, "its configuration is too large");
    ASSIGN_OR_RETURN(std::string bytes, registry_.blob(descriptor, config_bytes_max));
    if (const auto kept = store_.keep_document(descriptor.digest, bytes); !kept.ok()) return host_failure(kept.error(), "configuration");
    return bytes;
}

PullResult<PulledImage> Puller::Job::run_fresh()
{
    auto said = registry_.resolve();
    if (!said.ok()) return at_manifest(said.error());
    std::string resolved = said->value_or("");
    if (resolved.empty()) {  // the registry does not tell in a HEAD request, or has something to say
        auto document = registry_.manifest(request_.reference.by());
        if (!document.ok()) return at_manifest(document.error());
        if (const auto kept = store_.keep_document(document->digest, document->bytes); !kept.ok()) return host_failure(kept.error(), "manifest");
        resolved = document->digest;
    }
    auto found = find_manifest(resolved);
    if (!found.ok()) return at_manifest(found.error());
    ASSIGN_OR_RETURN(const std::string bytes, config_bytes(found->manifest.config));
    const auto config = parse_config(bytes);
    if (!config.ok()) return registry_.error(PullFailure::unsupported, config.error());
    if (!config->os.empty() && config->os != "linux") return registry_.error(PullFailure::unsupported, "it is an image for " + config->os);
    if (!config->architecture.empty() && config->architecture != host_platform().architecture)
        log_warning("{} is an image for {}, this host is {}: it runs only with emulation", to_text(request_.reference), config->architecture,
                    host_platform().architecture);
    if (config->diff_ids.size() != found->manifest.layers.size())
        return registry_.error(PullFailure::unsupported, "its configuration and its manifest name different numbers of layers");

    const auto announced = store_.announce(found->digest, found->manifest.config.digest, *config, request_.holder);
    if (!announced.ok()) return host_failure(announced.error(), "pin");
    if (const auto fetched = fetch_layers(*found, *config); !fetched.ok()) {
        if (const auto freed = store_.unpin(request_.holder, found->digest); !freed.ok()) log_warning("{}", freed.error().message);
        return fetched.error();
    }
    auto image = store_.find(found->digest);
    if (!image) return registry_.error(PullFailure::unpack, "the store lost it while it was put together");
    const NamedImage named{resolved, found->digest};
    for (const std::string& name : {to_text(request_.reference), resolved}) {
        if (const auto kept = store_.remember(name, named); !kept.ok()) log_warning("{}", kept.error().message);
    }
    return PulledImage{std::move(*image), resolved, false};
}

void Puller::Job::passed(std::size_t bytes)
{
    constexpr std::uint64_t step = 1 << 20;
    const std::lock_guard guard(mutex_);
    progress_.bytes_done += bytes;
    if (!request_.progress || progress_.bytes_done < reported_ + step) return;
    reported_ = progress_.bytes_done;
    request_.progress(progress_);
}

void Puller::Job::layer_done()
{
    const std::lock_guard guard(mutex_);
    ++progress_.layers_done;
    if (request_.progress) request_.progress(progress_);
}

}  // namespace boxship::images
