// The registry as a whole: passwords for docker login, and its description.
#include "base/bytes.h"
#include "ecr/data_path.h"
#include "services/ecr/common.h"

namespace boxship::services::ecr {
namespace {

struct Authorization {
    std::string password;
    Time expires_at;
    std::string endpoint;
};

Result<Authorization> get_authorization_token(Txn&, const Call& call, const api::GetAuthorizationTokenRequest&)
{
    ASSIGN_OR_RETURN(api::DataPath* const registry, data_path(call));
    // A principal of another kind does not come this far: the operation is for root and hosts.
    const bool host = call.principal.kind == Principal::Kind::host;
    const api::Caller caller{host ? api::Caller::Kind::host : api::Caller::Kind::root, call.principal.arn, call.principal.host};
    return Authorization{registry->issue_password(caller, call.now), call.now + api::password_lifetime,
                         std::string(scheme(call.installation.endpoint)) + call.installation.registry_host};
}

api::GetAuthorizationTokenResponse render_authorization(const Authorization& authorization)
{
    api::GetAuthorizationTokenResponse response;
    auto& data = response.authorization_data.emplace_back();
    data.authorization_token = to_base64("AWS:" + authorization.password);
    data.expires_at = authorization.expires_at;
    data.proxy_endpoint = authorization.endpoint;
    return response;
}

Result<std::string> describe_registry(Txn&, const Call& call, const api::DescribeRegistryRequest&) { return call.scope.account; }

api::DescribeRegistryResponse render_registry(const std::string& account)
{
    api::DescribeRegistryResponse response;
    response.registry_id = account;
    response.replication_configuration.emplace().rules.emplace();
    return response;
}

}  // namespace

void serve_registry(Served& served)
{
    using namespace api::ops;
    served.add<GetAuthorizationToken>(get_authorization_token, render_authorization).for_hosts().ignores({"registryIds"});
    served.add<DescribeRegistry>(describe_registry, render_registry);
}

}  // namespace boxship::services::ecr
