#include "front/authenticate.h"

#include <fmt/format.h>

namespace boxship::front {

namespace {

using shape::Protocol;

struct Word {
    std::string_view code;
    int status;
};

ApiError say(Protocol protocol, Word json, Word query, Word ec2, std::string message)
{
    const Word& word = protocol == Protocol::query ? query : protocol == Protocol::ec2 ? ec2 : json;
    return {std::string(word.code), std::move(message), word.status};
}

constexpr Word bad_signature_json{"InvalidSignatureException", 400};
constexpr Word bad_signature_query{"SignatureDoesNotMatch", 403};
constexpr Word bad_signature_ec2{"AuthFailure", 401};

}  // namespace

ApiError to_error(const sigv4::SigV4Error& error, Protocol protocol)
{
    switch (error.kind) {
    case sigv4::ErrorKind::missing:
        return say(protocol, {"MissingAuthenticationTokenException", 403}, {"MissingAuthenticationToken", 403},
                   {"MissingAuthenticationToken", 403}, "Request is missing Authentication Token");
    case sigv4::ErrorKind::malformed:
        return say(protocol, {"IncompleteSignatureException", 400}, {"IncompleteSignature", 400}, {"IncompleteSignature", 400},
                   error.message);
    case sigv4::ErrorKind::unsupported:
        return say(protocol, bad_signature_json, bad_signature_query, bad_signature_ec2, error.message);
    case sigv4::ErrorKind::skewed:
    case sigv4::ErrorKind::expired:
        return say(protocol, bad_signature_json, {"RequestExpired", 400}, {"RequestExpired", 400}, error.message);
    case sigv4::ErrorKind::mismatch: break;
    }
    return say(protocol, bad_signature_json, bad_signature_query, bad_signature_ec2,
               "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
               "Key and signing method. Consult the service documentation for details.");
}

ApiError to_error(KeyProblem problem, Protocol protocol)
{
    if (problem == KeyProblem::expired_token)
        return say(protocol, {"ExpiredTokenException", 400}, {"ExpiredToken", 403}, {"ExpiredToken", 403},
                   "The security token included in the request is expired");
    return say(protocol, {"UnrecognizedClientException", 400}, {"InvalidClientTokenId", 403}, {"AuthFailure", 401},
               protocol == Protocol::ec2 ? "AWS was not able to validate the provided access credentials"
                                         : "The security token included in the request is invalid.");
}

Result<Signer> Authenticator::find_signer(const http::Request& request, Protocol protocol) const
{
    auto claim = sigv4::parse_authorization(request.method, request.target, request.headers);
    if (!claim.ok()) return to_error(claim.error(), protocol);
    auto identity = find_key_(*claim, request.remote_address, clock_.now());
    if (!identity.ok()) return to_error(identity.error(), protocol);
    return Signer{std::move(*claim), std::move(*identity)};
}

Result<> Authenticator::verify(const Signer& signer, const http::Request& request, std::string_view signing_name, Protocol protocol)
{
    const std::string hash = sigv4::signed_payload_hash(signer.claim, request.body);
    const auto verified = sigv4::verify(signer.claim, request.method, request.target, request.headers, hash,
                                        signer.identity.secret, clock_.now(), &keys_);
    if (!verified.ok()) return to_error(verified.error(), protocol);
    if (signing_name.empty() || signer.claim.service == signing_name) return {};
    return wrong_scope(fmt::format("Credential should be scoped to correct service: '{}'.", signing_name), protocol);
}

Result<services::Principal> Authenticator::authenticate(const http::Request& request, std::string_view signing_name)
{
    ASSIGN_OR_RETURN(Signer signer, find_signer(request, Protocol::json11));
    RETURN_IF_ERROR(verify(signer, request, signing_name, Protocol::json11));
    return std::move(signer.identity.principal);
}

ApiError wrong_scope(std::string sentence, Protocol protocol)
{
    return say(protocol, bad_signature_json, bad_signature_query, bad_signature_ec2, std::move(sentence));
}

ApiError access_denied(const services::Principal& principal, const shape::OperationInfo& operation, Protocol protocol)
{
    return say(protocol, {"AccessDeniedException", 400}, {"AccessDenied", 403}, {"UnauthorizedOperation", 403},
               fmt::format("User: {} is not authorized to perform: {}:{}", principal.arn, operation.service->name, operation.name));
}

}  // namespace boxship::front
