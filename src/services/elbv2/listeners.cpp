// CreateListener, ModifyListener, DeleteListener, DescribeListeners.
#include "services/elbv2/listeners.h"

#include "model/ssl_policies.h"
#include "services/elbv2/serve.h"
#include "services/elbv2/sums.h"

namespace boxship::services::elbv2 {
namespace {

struct ListenerRows {
    std::vector<ListenerRow> listeners;
    GroupArns groups;
    std::string next_marker;
};

void add_listener(const View& view, const ListenerPtr& listener, ListenerRows& rows)
{
    note_groups(view, listener->actions, rows.groups);
    ListenerRow row{.listener = listener, .balancer = view.get<model::LoadBalancer>(listener->load_balancer), .certificate = {}};
    if (listener->certificate) row.certificate = certificate_arn_of(view, listener->certificate);
    rows.listeners.push_back(std::move(row));
}

Result<model::ListenerProtocol> read_protocol(api::ProtocolEnum protocol)
{
    if (protocol == api::ProtocolEnum::http) return model::ListenerProtocol::http;
    if (protocol == api::ProtocolEnum::https) return model::ListenerProtocol::https;
    return validation(fmt::format("Listener protocol '{}' must be one of 'HTTPS, HTTP'", to_text(protocol)));
}

// What CreateListener and ModifyListener have in common, over what stands there.
template <class Request>
Result<> apply(const View& view, const Call& call, const Request& request, model::Listener& listener)
{
    if (request.protocol) { ASSIGN_OR_RETURN(listener.protocol, read_protocol(*request.protocol)); }
    if (request.port) listener.port = *request.port;
    if (!request.mutual_authentication->mode.empty() && !(request.mutual_authentication->mode == "off"))
        return invalid_configuration(fmt::format("Mutual authentication mode '{}' is not supported by this server; 'off' is", request.mutual_authentication->mode));
    const bool https = listener.protocol == model::ListenerProtocol::https;
    if (!https) {
        if (!request.certificates.empty()) return validation("Certificates cannot be specified for HTTP listeners");
        if (!request.ssl_policy.empty()) return validation("An SSL policy cannot be specified for HTTP listeners");
        listener.certificate = {};
        listener.more_certificates.clear();
        listener.ssl_policy.clear();
    } else {
        if (request.certificates.size() > 1) return ApiError{"TooManyCertificatesException", "A listener has exactly one default certificate; add the others with AddListenerCertificates"};
        if (!request.certificates.empty()) {
            ASSIGN_OR_RETURN(listener.certificate, find_certificate(view, call, request.certificates.front().certificate_arn));
        }
        if (!listener.certificate) return validation("A certificate must be specified for HTTPS listeners");
        if (!request.ssl_policy.empty()) listener.ssl_policy = request.ssl_policy.str();
        if (listener.ssl_policy.empty()) listener.ssl_policy = model::default_ssl_policy;
        if (!model::find_ssl_policy(listener.ssl_policy))
            return ApiError{"SSLPolicyNotFoundException", fmt::format("SSL policy '{}' not found", listener.ssl_policy)};
    }
    if (request.default_actions.has()) { ASSIGN_OR_RETURN(listener.actions, read_actions(view, call, listener, request.default_actions)); }
    return {};
}

// Another listener of the same load balancer on the same port.
ListenerPtr beside(const View& view, const model::Listener& listener)
{
    for (auto& other : view.all<state::ListenerByPort>({listener.load_balancer, listener.port}))
        if (other->id != listener.id) return other;
    return nullptr;
}

ApiError duplicate(const View& view, const model::Listener& listener)
{
    return {"DuplicateListenerException",
            fmt::format("A listener already exists on this port for this load balancer '{}'", balancer_arn(view, listener.load_balancer))};
}

Result<ListenerRows> create_listener(Txn& txn, const Call& call, const api::CreateListenerInput& request)
{
    ASSIGN_OR_RETURN(const BalancerPtr balancer, find_balancer(txn, call, request.load_balancer_arn));
    if (!request.protocol) return validation("A listener protocol must be specified");
    if (!request.port) return validation("A listener port must be specified");
    model::Listener listener{.id = call.ids.next<ListenerId>(), .load_balancer = balancer->id, .default_rule = call.ids.next<RuleId>()};
    listener.created_at = call.now;
    RETURN_IF_ERROR(apply(txn, call, request, listener));
    ASSIGN_OR_RETURN(listener.tags, read_tags(call, request.tags));
    ListenerRows rows;
    if (const auto standing = beside(txn, listener)) {
        // The same once more is the same one, as with load balancers and target groups.
        const bool same = standing->protocol == listener.protocol && standing->certificate == listener.certificate &&
                          standing->ssl_policy == listener.ssl_policy && standing->actions == listener.actions;
        if (!same) return duplicate(txn, listener);
        add_listener(txn, standing, rows);
        return rows;
    }
    if (const auto most = call.quota(model::Quota::listeners_per_balancer); txn.count<state::ListenersByLoadBalancer>(balancer->id) >= most)
        return ApiError{"TooManyListenersException", fmt::format("A load balancer can have no more than {} listeners", most)};
    const ListenerId id = listener.id;
    txn.put(std::move(listener));
    RETURN_IF_ERROR(check_group_count(txn, call, balancer->id));
    add_listener(txn, txn.get<model::Listener>(id), rows);
    return rows;
}

Result<ListenerRows> modify_listener(Txn& txn, const Call& call, const api::ModifyListenerInput& request)
{
    ASSIGN_OR_RETURN(const ListenerPtr found, find_listener(txn, call, request.listener_arn));
    model::Listener listener = *found;
    RETURN_IF_ERROR(apply(txn, call, request, listener));
    if (beside(txn, listener)) return duplicate(txn, listener);
    txn.put(std::move(listener));
    if (request.default_actions.has()) RETURN_IF_ERROR(check_group_count(txn, call, found->load_balancer));
    ListenerRows rows;
    add_listener(txn, txn.get<model::Listener>(found->id), rows);
    return rows;
}

Result<Done> delete_listener(Txn& txn, const Call& call, const api::DeleteListenerInput& request)
{
    ASSIGN_OR_RETURN(const ListenerPtr listener, find_listener(txn, call, request.listener_arn));
    for (const auto& rule : txn.all<state::RulesByListener>(listener->id)) txn.erase<model::ListenerRule>(rule->id);
    txn.erase<model::Listener>(listener->id);
    return Done{};
}

Result<ListenerRows> describe_listeners(Txn& txn, const Call& call, const api::DescribeListenersInput& request)
{
    if (request.load_balancer_arn.has() == !request.listener_arns.empty())
        return validation("You must specify either listener ARNs or a load balancer ARN");
    ASSIGN_OR_RETURN(const Marker page, read_marker(request.marker, request.page_size));
    std::vector<ListenerPtr> found;
    for (const auto& arn : request.listener_arns) {
        ASSIGN_OR_RETURN(found.emplace_back(), find_listener(txn, call, arn));
    }
    if (request.load_balancer_arn.has()) {
        ASSIGN_OR_RETURN(const BalancerPtr balancer, find_balancer(txn, call, request.load_balancer_arn));
        found = txn.all<state::ListenersByLoadBalancer>(balancer->id);
    }
    ListenerRows rows;
    rows.next_marker = take_page(found, page, [](const ListenerPtr& row) { return to_text(row->id); });
    for (const auto& listener : found) add_listener(txn, listener, rows);
    return rows;
}

void write_listener(const ListenerRow& row, const GroupArns& groups, api::Listener& out)
{
    const auto& listener = *row.listener;
    const bool https = listener.protocol == model::ListenerProtocol::https;
    out.listener_arn = model::listener_arn(*row.balancer, listener.id);
    out.load_balancer_arn = model::load_balancer_arn(*row.balancer);
    out.port = listener.port;
    out.protocol = https ? api::ProtocolEnum::https : api::ProtocolEnum::http;
    if (https) {
        out.certificates.emplace_back().certificate_arn = row.certificate;
        out.ssl_policy = listener.ssl_policy;
        out.mutual_authentication->mode = "off";
    }
    write_actions(listener.actions, groups, out.default_actions);
}

template <class Response>
Response render_listeners(const ListenerRows& rows)
{
    Response response;
    response.listeners.emplace();
    for (const auto& row : rows.listeners) write_listener(row, rows.groups, response.listeners.emplace_back());
    if constexpr (requires { response.next_marker; })
        if (!rows.next_marker.empty()) response.next_marker = rows.next_marker;
    return response;
}

}  // namespace

std::string certificate_arn_of(const View& view, const CertificateId& id) { return model::certificate_arn(*view.get<model::Certificate>(id)); }

void serve_listeners(Served& served)
{
    // ALPN policies are those of TLS listeners, which are network load balancers'.
    served.add<api::ops::CreateListener>(create_listener, render_listeners<api::CreateListenerOutput>)
        .refuses({"AlpnPolicy", "MutualAuthentication.TrustStoreArn", "MutualAuthentication.IgnoreClientCertificateExpiry",
                  "MutualAuthentication.AdvertiseTrustStoreCaNames"});
    served.add<api::ops::ModifyListener>(modify_listener, render_listeners<api::ModifyListenerOutput>)
        .refuses({"AlpnPolicy", "MutualAuthentication.TrustStoreArn", "MutualAuthentication.IgnoreClientCertificateExpiry",
                  "MutualAuthentication.AdvertiseTrustStoreCaNames"});
    served.add<api::ops::DeleteListener>(delete_listener, render_nothing<api::DeleteListenerOutput>);
    served.add<api::ops::DescribeListeners>(describe_listeners, render_listeners<api::DescribeListenersOutput>);
}

}  // namespace boxship::services::elbv2
