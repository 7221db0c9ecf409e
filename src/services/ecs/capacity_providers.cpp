// DescribeCapacityProviders: Fargate's two are always there.
#include <algorithm>

#include "base/arn.h"
#include "ecs/ops.h"
#include "services/ecs/capacity.h"
#include "services/ecs/messages.h"
#include "services/ecs/rows.h"
#include "services/ecs/serve.h"

namespace boxship::services::ecs {
namespace {

struct ProviderRows {
    model::Scope scope;
    std::vector<std::string> names;
    std::vector<FailureRow> failures;
};

std::string provider_arn(const model::Scope& scope, const std::string& name)
{
    return to_text(Arn{"ecs", scope.region, scope.account, "capacity-provider/" + name});
}

Result<ProviderRows> describe_capacity_providers(Txn&, const Call& call, const api::DescribeCapacityProvidersRequest& request)
{
    RETURN_IF_ERROR(read_page(request.next_token, request.max_results, 10));  // there is only one page
    ProviderRows rows{.scope = call.scope};
    if (request.capacity_providers.empty()) rows.names = {"FARGATE", "FARGATE_SPOT"};
    for (const auto& ref : request.capacity_providers) {
        const std::string name = ref.str().substr(ref.str().rfind('/') + 1);
        if (is_fargate_provider(name))
            rows.names.push_back(name);
        else
            rows.failures.push_back({ref.view().starts_with("arn:") ? ref.str() : provider_arn(call.scope, name), "MISSING", ""});
    }
    return rows;
}

api::DescribeCapacityProvidersResponse render_described(const ProviderRows& rows)
{
    api::DescribeCapacityProvidersResponse response;
    response.capacity_providers.emplace();
    for (const auto& name : rows.names) {
        auto& provider = response.capacity_providers.emplace_back();
        provider.capacity_provider_arn = provider_arn(rows.scope, name);
        provider.name = name;
        provider.status = api::CapacityProviderStatus::active;
        provider.type = shape::parse_enum<api::CapacityProviderType>(name);
        provider.tags.emplace();
    }
    write_failures(rows.failures, response.failures);
    return response;
}

}  // namespace

void serve_capacity_providers(Served& served)
{
    served.add<api::ops::DescribeCapacityProviders>(describe_capacity_providers, render_described).refuses({"cluster"});
}

}  // namespace boxship::services::ecs
