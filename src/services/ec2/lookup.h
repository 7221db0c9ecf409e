// EC2's rows by the ids that callers write: "subnet-0123456789abcdef0".
#pragma once

#include <memory>
#include <string_view>

#include "state/view.h"

namespace boxship::services::ec2 {

std::shared_ptr<const model::Vpc> find_vpc(const state::View& view, const model::Scope& scope, std::string_view name);
std::shared_ptr<const model::Subnet> find_subnet(const state::View& view, const model::Scope& scope, std::string_view name);
std::shared_ptr<const model::SecurityGroup> find_group(const state::View& view, const model::Scope& scope, std::string_view name);
std::shared_ptr<const model::Eni> find_eni(const state::View& view, const model::Scope& scope, std::string_view name);

}  // namespace boxship::services::ec2
