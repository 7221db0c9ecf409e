// ImportCertificate, DescribeCertificate, GetCertificate, ListCertificates, DeleteCertificate.
#include <algorithm>
#include <set>

#include "base/arn.h"
#include "base/bytes.h"
#include "services/acm/common.h"
#include "services/acm/pem.h"
#include "services/acm/tags.h"

namespace boxship::services::acm {
namespace {

struct CertificateRow {
    CertificatePtr certificate;
    std::vector<std::string> users;
    Time now;
    api::CertificateStatus status() const { return certificate->not_after <= now ? api::CertificateStatus::expired : api::CertificateStatus::issued; }
};
struct CertificateRows {
    std::vector<CertificateRow> certificates;
    std::string next_token;
};

std::string seal_key(const Call& call, const model::Certificate& row, std::string_view key)
{
    return call.installation.seal(key, "certificate " + to_text(row.id));
}

Result<std::string> import_certificate(Txn& txn, const Call& call, const api::ImportCertificateRequest& request)
{
    model::Certificate row{.id = call.ids.next<CertificateId>(), .scope = call.scope, .created_at = call.now};
    if (request.certificate_arn.has()) {
        if (!request.tags.empty()) return ApiError{"InvalidTagException", "Tags cannot be specified when a certificate is imported again."};
        ASSIGN_OR_RETURN(const CertificatePtr standing, find_certificate(txn, call, request.certificate_arn));
        row = *standing;
    }
    ASSIGN_OR_RETURN(const auto tags, read_tags(request.tags));
    RETURN_IF_ERROR(check_tag_count(call, tags.size()));
    if (const auto most = call.quota(model::Quota::certificates); !request.certificate_arn.has() && txn.count_in<model::Certificate>(call.scope) >= most)
        return ApiError{"LimitExceededException", fmt::format("You have reached the maximum number of certificates: {}.", most)};
    const std::string key = request.private_key.str();
    const auto names_before = row.domain;
    RETURN_IF_ERROR(read_certificate(request.certificate.str(), key, request.certificate_chain.str(), call.now, row));
    if (!names_before.empty() && row.domain != names_before)
        return ApiError{"ValidationException", "The domain name of the certificate differs from that of the certificate it would replace."};
    row.sealed_key = seal_key(call, row, key);
    row.imported_at = call.now;
    if (!request.tags.empty()) row.tags = tags;
    std::string arn = model::certificate_arn(row);
    txn.put(std::move(row));
    return arn;
}

Result<Done> delete_certificate(Txn& txn, const Call& call, const api::DeleteCertificateRequest& request)
{
    ASSIGN_OR_RETURN(const CertificatePtr found, find_certificate(txn, call, request.certificate_arn));
    if (txn.any<state::ListenersByCertificate>(found->id))
        return ApiError{"ResourceInUseException", fmt::format("Certificate {} in account {} is in use.", request.certificate_arn, call.scope.account)};
    txn.erase<model::Certificate>(found->id);
    return Done{};
}

Result<CertificateRow> describe_certificate(Txn& txn, const Call& call, const api::DescribeCertificateRequest& request)
{
    ASSIGN_OR_RETURN(const CertificatePtr found, find_certificate(txn, call, request.certificate_arn));
    return CertificateRow{found, users_of(txn, found->id), call.now};
}

Result<CertificatePtr> get_certificate(Txn& txn, const Call& call, const api::GetCertificateRequest& request)
{
    return find_certificate(txn, call, request.certificate_arn);
}

bool passes(const api::ListCertificatesRequest& request, const CertificateRow& row)
{
    const auto& certificate = *row.certificate;
    const auto contains = [](const auto& list, const auto& value) { return list.empty() || std::ranges::find(list, value) != list.end(); };
    if (!contains(request.certificate_statuses, row.status())) return false;
    if (!contains(request.certificate_key_pair_origins, api::CertificateKeyPairOrigin::customer_provided)) return false;
    const auto& filters = *request.includes;
    // Without a filter, only RSA keys of 1024 and 2048 bits are listed, as on AWS.
    if (filters.key_types.empty() && certificate.key_algorithm != "RSA_1024" && certificate.key_algorithm != "RSA_2048") return false;
    if (!filters.key_types.empty() && !contains(filters.key_types, shape::parse_enum<api::KeyAlgorithm>(certificate.key_algorithm).value_or(api::KeyAlgorithm::unknown))) return false;
    for (const auto usage : filters.key_usage)
        if (std::ranges::find(certificate.key_usages, std::string(to_text(usage))) == certificate.key_usages.end()) return false;
    for (const auto usage : filters.extended_key_usage)
        if (std::ranges::find(certificate.extended_key_usages, std::string(to_text(usage)), &model::KeyValue::key) == certificate.extended_key_usages.end()) return false;
    return true;
}

Result<CertificateRows> list_certificates(Txn& txn, const Call& call, const api::ListCertificatesRequest& request)
{
    std::string after;
    if (!request.next_token.empty()) {
        const auto text = from_base64(request.next_token);
        if (!text || text->size() != 32) return ApiError{"InvalidArgsException", "The next token is not valid."};
        after = *text;
    }
    const std::size_t most = static_cast<std::size_t>(request.max_items.value_or(1000));
    CertificateRows rows;
    for (const auto& [id, certificate] : txn.rows<model::Certificate>()) {
        CertificateRow row{certificate, {}, call.now};
        if (certificate->scope != call.scope || to_text(id) <= after || !passes(request, row)) continue;
        if (rows.certificates.size() == most) {
            rows.next_token = to_base64(to_text(rows.certificates.back().certificate->id));
            break;
        }
        row.users = users_of(txn, id);
        rows.certificates.push_back(std::move(row));
    }
    return rows;
}

api::ImportCertificateResponse render_imported(const std::string& arn)
{
    api::ImportCertificateResponse response;
    response.certificate_arn = arn;
    return response;
}

api::DescribeCertificateResponse render_certificate(const CertificateRow& row)
{
    const auto& certificate = *row.certificate;
    api::DescribeCertificateResponse response;
    auto& out = response.certificate.emplace();
    out.certificate_arn = model::certificate_arn(certificate);
    if (!certificate.domain.empty()) out.domain_name = certificate.domain;
    out.subject_alternative_names.assign(certificate.names);
    out.serial = certificate.serial;
    out.subject = certificate.subject;
    out.issuer = certificate.issuer;
    out.created_at = certificate.created_at;
    out.imported_at = certificate.imported_at;
    out.status = row.status();
    out.not_before = certificate.not_before;
    out.not_after = certificate.not_after;
    out.key_algorithm = shape::parse_enum<api::KeyAlgorithm>(certificate.key_algorithm);
    out.signature_algorithm = certificate.signature_algorithm;
    out.in_use_by.assign(row.users);
    out.type = api::CertificateType::imported;
    out.key_usages.emplace();
    for (const auto& usage : certificate.key_usages) out.key_usages.emplace_back().name = shape::parse_enum<api::KeyUsageName>(usage);
    out.extended_key_usages.emplace();
    for (const auto& [name, oid] : certificate.extended_key_usages) {
        auto& usage = out.extended_key_usages.emplace_back();
        usage.name = shape::parse_enum<api::ExtendedKeyUsageName>(name);
        usage.oid = oid;
    }
    out.renewal_eligibility = api::RenewalEligibility::ineligible;
    out.options->certificate_transparency_logging_preference = api::CertificateTransparencyLoggingPreference::disabled;
    return response;
}

api::GetCertificateResponse render_text(const CertificatePtr& certificate)
{
    api::GetCertificateResponse response;
    response.certificate = certificate->certificate;
    if (!certificate->chain.empty()) response.certificate_chain = certificate->chain;
    return response;
}

api::ListCertificatesResponse render_list(const CertificateRows& rows)
{
    api::ListCertificatesResponse response;
    response.certificate_summary_list.emplace();
    for (const auto& row : rows.certificates) {
        const auto& certificate = *row.certificate;
        auto& out = response.certificate_summary_list.emplace_back();
        out.certificate_arn = model::certificate_arn(certificate);
        if (!certificate.domain.empty()) out.domain_name = certificate.domain;
        out.subject_alternative_name_summaries.assign(certificate.names);
        out.has_additional_subject_alternative_names = false;
        out.status = row.status();
        out.type = api::CertificateType::imported;
        out.key_algorithm = shape::parse_enum<api::KeyAlgorithm>(certificate.key_algorithm);
        out.key_usages.emplace();
        for (const auto& usage : certificate.key_usages) out.key_usages.emplace_back(shape::parse_enum<api::KeyUsageName>(usage).value_or(api::KeyUsageName::unknown));
        out.in_use = !row.users.empty();
        out.renewal_eligibility = api::RenewalEligibility::ineligible;
        out.not_before = certificate.not_before;
        out.not_after = certificate.not_after;
        out.created_at = certificate.created_at;
        out.imported_at = certificate.imported_at;
    }
    if (!rows.next_token.empty()) response.next_token = rows.next_token;
    return response;
}

}  // namespace

Result<CertificatePtr> find_certificate(const View& view, const Call& call, std::string_view text)
{
    const auto arn = Arn::parse(text);
    if (!arn || arn->service != "acm" || !arn->resource.starts_with("certificate/"))
        return ApiError{"InvalidArnException", fmt::format("{} is not a valid certificate ARN.", text)};
    std::string digits = arn->resource.substr(12);
    std::erase(digits, '-');
    const auto id = CertificateId::parse(digits);
    auto row = id ? view.get<model::Certificate>(*id) : nullptr;
    if (!row || row->scope != call.scope || model::certificate_arn(*row) != text)
        return ApiError{"ResourceNotFoundException", fmt::format("Could not find certificate {}.", text)};
    return row;
}

std::vector<std::string> users_of(const View& view, const CertificateId& id)
{
    std::set<std::string> arns;
    for (const auto& listener : view.all<state::ListenersByCertificate>(id))
        arns.insert(model::load_balancer_arn(*view.get<model::LoadBalancer>(listener->load_balancer)));
    return {arns.begin(), arns.end()};
}

void serve_certificates(Served& served)
{
    served.add<api::ops::ImportCertificate>(import_certificate, render_imported);
    served.add<api::ops::DescribeCertificate>(describe_certificate, render_certificate);
    served.add<api::ops::GetCertificate>(get_certificate, render_text);
    served.add<api::ops::ListCertificates>(list_certificates, render_list)
        .ignores({"SortBy", "SortOrder"})
        .refuses({"Includes.exportOption", "Includes.managedBy"});
    served.add<api::ops::DeleteCertificate>(delete_certificate, render_nothing<api::ops::DeleteCertificate::Response>);
}

}  // namespace boxship::services::acm
