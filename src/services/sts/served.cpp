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

}  // namespace

void serve_sts(Served& served)
{
    served.add<api::ops::GetCallerIdentity>(get_caller_identity, render_caller).for_hosts().for_anyone();
}

}  // namespace boxship::services
