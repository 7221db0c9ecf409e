#include "services/served.h"
#include "sts/ops.h"

namespace boxship::services {
namespace {

namespace api = ::boxship::sts;

struct Caller {
    std::string account, arn, id;
};

Result<Caller> get_caller_identity(Txn&, const Call& call, const api::GetCallerIdentityRequest&)
{
    return Caller{call.scope.account, call.principal.arn, call.principal.id};
}

api::GetCallerIdentityResponse render_caller(const Caller& caller)
{
    api::GetCallerIdentityResponse response;
    response.user_id = caller.id;
    response.account = caller.account;
    response.arn = caller.arn;
    return response;
}

// Whose key is this? There is one account.
Result<std::string> get_access_key_info(Txn&, const Call& call, const api::GetAccessKeyInfoRequest&) { return call.scope.account; }

api::GetAccessKeyInfoResponse render_key_info(const std::string& account)
{
    api::GetAccessKeyInfoResponse response;
    response.account = account;
    return response;
}

}  // namespace

void serve_sts(Served& served)
{
    served.add<api::ops::GetCallerIdentity>(get_caller_identity, render_caller).for_hosts().for_anyone();
    served.add<api::ops::GetAccessKeyInfo>(get_access_key_info, render_key_info).ignores({"AccessKeyId"});
}

}  // namespace boxship::services
