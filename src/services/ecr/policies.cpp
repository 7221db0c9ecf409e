// The policies of a repository: rights (kept until IAM reads them) and lifecycle.
#include <fmt/format.h>

#include "ecr/lifecycle.h"
#include "services/ecr/common.h"
#include "shape/json_value.h"

namespace boxship::services::ecr {
namespace {

constexpr std::size_t policy_size_max = 10'240;

struct Policy {
    api::RepositoryRow repository;
    std::string text;
};

template <class Response>
Response render_policy(const Policy& policy)
{
    Response response;
    response.registry_id = policy.repository->scope.account;
    response.repository_name = policy.repository->name;
    if constexpr (requires { response.policy_text; }) response.policy_text = policy.text;
    else response.lifecycle_policy_text = policy.text;
    return response;
}

bool is_policy(std::string_view text)
{
    const auto json = shape::Json::parse(text);
    if (!json.ok() || !json->is_object()) return false;
    const shape::Json& statement = (*json)["Statement"];
    const shape::Json::Array alone{statement};
    const auto& statements = statement.is_array() ? statement.as_array() : alone;
    for (const shape::Json& one : statements) {
        const std::string effect = one.get_string("Effect");
        if (!one.is_object() || (effect != "Allow" && effect != "Deny") || one.has("Resource")) return false;
        if (!one.has("Action") && !one.has("NotAction")) return false;
    }
    return !statements.empty();
}

Result<Policy> set_repository_policy(Txn& txn, const Call& call, const api::SetRepositoryPolicyRequest& request)
{
    ASSIGN_OR_RETURN(const auto found, find_repository(txn, call, request.registry_id, request.repository_name));
    if (request.policy_text.size() > policy_size_max || !is_policy(request.policy_text))
        return invalid_member("PolicyText", "Invalid repository policy provided");
    model::Repository repository = *found;
    repository.policy = request.policy_text.str();
    txn.put(std::move(repository));
    return Policy{found, request.policy_text.str()};
}

ApiError no_policy(const model::Repository& repository)
{
    return {"RepositoryPolicyNotFoundException", fmt::format("Repository policy does not exist for {}", api::place(repository))};
}

Result<Policy> get_repository_policy(Txn& txn, const Call& call, const api::GetRepositoryPolicyRequest& request)
{
    ASSIGN_OR_RETURN(const auto found, find_repository(txn, call, request.registry_id, request.repository_name));
    if (found->policy.empty()) return no_policy(*found);
    return Policy{found, found->policy};
}

Result<Policy> delete_repository_policy(Txn& txn, const Call& call, const api::DeleteRepositoryPolicyRequest& request)
{
    ASSIGN_OR_RETURN(const auto found, find_repository(txn, call, request.registry_id, request.repository_name));
    if (found->policy.empty()) return no_policy(*found);
    model::Repository repository = *found;
    repository.policy.clear();
    txn.put(std::move(repository));
    return Policy{found, found->policy};
}

Result<Policy> put_lifecycle_policy(Txn& txn, const Call& call, const api::PutLifecyclePolicyRequest& request)
{
    ASSIGN_OR_RETURN(const auto found, find_repository(txn, call, request.registry_id, request.repository_name));
    const auto parsed = api::parse_lifecycle_policy(request.lifecycle_policy_text);
    if (!parsed.ok())
        return invalid_member("LifecyclePolicyText", "Lifecycle policy validation failure: " + parsed.error());
    model::Repository repository = *found;
    repository.lifecycle_policy = request.lifecycle_policy_text.str();
    txn.put(std::move(repository));
    return Policy{found, request.lifecycle_policy_text.str()};
}

ApiError no_lifecycle(const model::Repository& repository)
{
    return {"LifecyclePolicyNotFoundException", fmt::format("Lifecycle policy does not exist for {}", api::place(repository))};
}

Result<Policy> get_lifecycle_policy(Txn& txn, const Call& call, const api::GetLifecyclePolicyRequest& request)
{
    ASSIGN_OR_RETURN(const auto found, find_repository(txn, call, request.registry_id, request.repository_name));
    if (found->lifecycle_policy.empty()) return no_lifecycle(*found);
    return Policy{found, found->lifecycle_policy};
}

Result<Policy> delete_lifecycle_policy(Txn& txn, const Call& call, const api::DeleteLifecyclePolicyRequest& request)
{
    ASSIGN_OR_RETURN(const auto found, find_repository(txn, call, request.registry_id, request.repository_name));
    if (found->lifecycle_policy.empty()) return no_lifecycle(*found);
    model::Repository repository = *found;
    repository.lifecycle_policy.clear();
    txn.put(std::move(repository));
    return Policy{found, found->lifecycle_policy};
}

}  // namespace

void serve_policies(Served& served)
{
    using namespace api::ops;
    served.add<SetRepositoryPolicy>(set_repository_policy, render_policy<api::SetRepositoryPolicyResponse>).ignores({"force"});
    served.add<GetRepositoryPolicy>(get_repository_policy, render_policy<api::GetRepositoryPolicyResponse>);
    served.add<DeleteRepositoryPolicy>(delete_repository_policy, render_policy<api::DeleteRepositoryPolicyResponse>);
    served.add<PutLifecyclePolicy>(put_lifecycle_policy, render_policy<api::PutLifecyclePolicyResponse>);
    served.add<GetLifecyclePolicy>(get_lifecycle_policy, render_policy<api::GetLifecyclePolicyResponse>);
    served.add<DeleteLifecyclePolicy>(delete_lifecycle_policy, render_policy<api::DeleteLifecyclePolicyResponse>);
}

}  // namespace boxship::services::ecr
