// AddListenerCertificates, RemoveListenerCertificates, DescribeListenerCertificates: what SNI chooses from.
#include "services/elbv2/listeners.h"
#include "services/elbv2/serve.h"
#include "services/elbv2/sums.h"

namespace boxship::services::elbv2 {
namespace {

struct CertificateRow {
    std::string arn;
    bool is_default = false;
};
struct CertificateRows {
    std::vector<CertificateRow> certificates;
    std::string next_marker;
};

Result<model::Listener> https_listener(const View& view, const Call& call, std::string_view arn)
{
    ASSIGN_OR_RETURN(const ListenerPtr listener, find_listener(view, call, arn));
    if (listener->protocol != model::ListenerProtocol::https) return validation("Certificates cannot be specified for HTTP listeners");
    return *listener;
}

Result<CertificateRows> add_listener_certificates(Txn& txn, const Call& call, const api::AddListenerCertificatesInput& request)
{
    ASSIGN_OR_RETURN(model::Listener listener, https_listener(txn, call, request.listener_arn));
    CertificateRows rows;
    for (const auto& named : request.certificates) {
        if (named.is_default.value_or(false)) return validation("The default certificate is set by ModifyListener");
        ASSIGN_OR_RETURN(const CertificateId id, find_certificate(txn, call, named.certificate_arn));
        rows.certificates.push_back({named.certificate_arn.str(), false});
        auto& list = listener.more_certificates;
        if (id != listener.certificate && std::ranges::find(list, id) == list.end()) list.push_back(id);
    }
    const LoadBalancerId balancer = listener.load_balancer;
    txn.put(std::move(listener));
    RETURN_IF_ERROR(check_certificate_count(txn, call, balancer));
    return rows;
}

Result<Done> remove_listener_certificates(Txn& txn, const Call& call, const api::RemoveListenerCertificatesInput& request)
{
    ASSIGN_OR_RETURN(model::Listener listener, https_listener(txn, call, request.listener_arn));
    for (const auto& named : request.certificates) {
        const auto id = find_certificate(txn, call, named.certificate_arn);
        if (!id.ok()) continue;  // as on AWS: what is not there is removed
        if (*id == listener.certificate && std::ranges::find(listener.more_certificates, *id) == listener.more_certificates.end())
            return ApiError{"OperationNotPermittedException", "Default certificate cannot be removed"};
        std::erase(listener.more_certificates, *id);
    }
    txn.put(std::move(listener));
    return Done{};
}

Result<CertificateRows> describe_listener_certificates(Txn& txn, const Call& call, const api::DescribeListenerCertificatesInput& request)
{
    ASSIGN_OR_RETURN(const ListenerPtr listener, find_listener(txn, call, request.listener_arn));
    ASSIGN_OR_RETURN(const Marker page, read_marker(request.marker, request.page_size));
    CertificateRows rows;
    if (listener->certificate) rows.certificates.push_back({certificate_arn_of(txn, listener->certificate), true});
    for (const auto& id : listener->more_certificates) rows.certificates.push_back({certificate_arn_of(txn, id), false});
    std::ranges::sort(rows.certificates, {}, &CertificateRow::arn);
    rows.next_marker = take_page(rows.certificates, page, [](const CertificateRow& row) { return row.arn; });
    return rows;
}

template <class Response>
Response render_certificates(const CertificateRows& rows)
{
    Response response;
    response.certificates.emplace();
    for (const auto& row : rows.certificates) {
        auto& out = response.certificates.emplace_back();
        out.certificate_arn = row.arn;
        out.is_default = row.is_default;
    }
    if constexpr (requires { response.next_marker; })
        if (!rows.next_marker.empty()) response.next_marker = rows.next_marker;
    return response;
}

}  // namespace

void serve_listener_certificates(Served& served)
{
    served.add<api::ops::AddListenerCertificates>(add_listener_certificates, render_certificates<api::AddListenerCertificatesOutput>);
    served.add<api::ops::RemoveListenerCertificates>(remove_listener_certificates, render_nothing<api::RemoveListenerCertificatesOutput>)
        .ignores({"Certificates.IsDefault"});
    served.add<api::ops::DescribeListenerCertificates>(describe_listener_certificates, render_certificates<api::DescribeListenerCertificatesOutput>);
}

}  // namespace boxship::services::elbv2
