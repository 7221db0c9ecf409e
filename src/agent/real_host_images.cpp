// Images: the platform's own registry is spoken to with the host's rights, all others anonymously.
#include "agent/real_host.h"
#include "base/bytes.h"
#include "base/log.h"

namespace boxship::agent {
namespace {

constexpr auto token_renewal = std::chrono::hours(1);    // before its end
constexpr Milliseconds token_patience{60'000};   // for a control plane that does not answer
constexpr Milliseconds token_pause_max{2'000};

ImageConfig config_of(const images::ImageConfig& from)
{
    ImageConfig config;
    config.entry_point = from.entrypoint;
    config.command = from.command;
    config.environment = from.environment;
    config.working_directory = from.working_directory;
    config.user = from.user;
    config.stop_signal = from.stop_signal;
    config.volumes = from.volumes;
    config.exposed_ports = from.exposed_ports;
    config.labels = from.labels;
    if (from.health_check) config.health_check = from.health_check->test;
    return config;
}

}  // namespace

struct RealHost::Ticket : PullTicket {
    void cancel() override { source.request_stop(); }
    std::stop_source source;
};

HostResult<std::optional<images::Credentials>> RealHost::registry_credentials(const PullPlan& plan, const std::string& host, std::stop_token stop)
{
    if (plan.registry_auth_type != "ecr" && !options_.own_registry.answers_for(host)) return std::optional<images::Credentials>();
    {
        const std::lock_guard lock(token_mutex_);
        const auto known = tokens_.find(plan.ecr_endpoint);
        if (known != tokens_.end() && clock_.now() < known->second.second) return std::optional(known->second.first);
    }
    auto answer = api_.ecr_token_blocking(plan.ecr_endpoint, plan.ecr_registry_id);
    // A control plane that is just being restarted fails no task.
    Milliseconds waited{0};
    for (Milliseconds pause{100}; !answer && answer.error().transient() && waited < token_patience && !stop.stop_requested();
         pause = std::min(pause * 2, token_pause_max)) {
        std::this_thread::sleep_for(pause);
        waited += pause;
        answer = api_.ecr_token_blocking(plan.ecr_endpoint, plan.ecr_registry_id);
    }
    if (!answer) return HostError{"GetAuthorizationToken: " + answer.error().text()};
    const shape::Json::Array& data = (*answer)["authorizationData"].as_array();
    const auto text = data.empty() ? std::nullopt : from_base64(data.front().get_string("authorizationToken"));
    const auto colon = text ? text->find(':') : std::string::npos;
    if (!text || colon == std::string::npos) return HostError{"GetAuthorizationToken: the answer holds no token"};
    images::Credentials credentials{text->substr(0, colon), text->substr(colon + 1)};
    const Time until = Time{static_cast<std::int64_t>(data.front().get_double("expiresAt") * 1000)} - token_renewal;
    const std::lock_guard lock(token_mutex_);
    tokens_[plan.ecr_endpoint] = {credentials, until};
    return std::optional(std::move(credentials));
}

HostOutcome<PulledImage> RealHost::pull_now(const PullPlan& plan, std::stop_token stop)
{
    const Time start = clock_.now();
    const auto begun = std::chrono::steady_clock::now();
    const auto reference = images::parse_reference(plan.reference);
    if (!reference) return Failure{"CannotPullContainerError", reference.error()};
    images::PullRequest request;
    request.reference = *reference;
    request.holder = holder(plan.task);
    request.credentials = [this, &plan, stop](const std::string& host) { return registry_credentials(plan, host, stop); };
    request.stop = stop;
    request.policy = options_.pull_policy;
    const auto pulled = puller_->pull(request);
    if (!pulled) {
        const std::string reason = pulled.error().reason();          // "Name: sentence"
        const auto colon = reason.find(": ");
        return Failure{reason.substr(0, colon), reason.substr(colon + 2)};
    }
    // The task ended while its image came: nobody will release it any more.
    if (stop.stop_requested()) {
        if (const auto unpinned = store_->unpin(holder(plan.task), pulled->image.digest); !unpinned)
            log_warning("release image {}: {}", pulled->digest, unpinned.error().message);
        return Failure{"CannotPullContainerError", "the task was stopped"};
    }
    PulledImage image;
    image.id = pulled->image.digest;
    image.digest = pulled->digest;
    image.config = config_of(pulled->image.config);
    image.layers = pulled->image.layers;
    image.phases.push_back({"pull", start, std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun).count()});
    return image;
}

std::shared_ptr<PullTicket> RealHost::pull(PullPlan plan, Done<HostOutcome<PulledImage>> done)
{
    auto ticket = std::make_shared<Ticket>();
    pulls_.post([this, plan = std::move(plan), done = std::move(done), ticket] { done(pull_now(plan, ticket->source.get_token())); });
    return ticket;
}

}  // namespace boxship::agent
