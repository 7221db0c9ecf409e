// DescribeVpcEndpoints: there are none, as none can be made here. Terraform looks for those of GuardDuty before it waits for a subnet that is
// in use.
#include <fmt/format.h>

#include "ec2/ops.h"
#include "services/ec2/filters.h"
#include "services/ec2/serve.h"

namespace boxship::services::ec2 {
namespace {

Result<Done> describe_endpoints(Txn&, const Call&, const api::DescribeVpcEndpointsRequest& request)
{
    RETURN_IF_ERROR(check_filters(request.filters, {"ip-address-type", "service-name", "service-region", "vpc-endpoint-id", "vpc-endpoint-state",
                                                    "vpc-endpoint-type", "vpc-id"}));
    if (!request.vpc_endpoint_ids.empty())
        return ApiError{"InvalidVpcEndpointId.NotFound", fmt::format("The Vpc Endpoint Id '{}' does not exist", request.vpc_endpoint_ids.front())};
    return Done{};
}

api::DescribeVpcEndpointsResult render_endpoints(const Done&)
{
    api::DescribeVpcEndpointsResult response;
    response.vpc_endpoints.emplace();
    return response;
}

}  // namespace

void serve_vpc_endpoints(Served& served)
{
    served.add<api::ops::DescribeVpcEndpoints>(describe_endpoints, render_endpoints).ignores({"MaxResults", "NextToken"});
}

}  // namespace boxship::services::ec2
