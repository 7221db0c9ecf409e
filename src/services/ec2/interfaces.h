// Network interfaces with what is shown of them.
#pragma once

#include <memory>
#include <vector>

#include "ec2/types.h"
#include "state/view.h"

namespace boxship::services::ec2 {

namespace api = ::boxship::ec2;

struct InterfaceRow {
    std::shared_ptr<const model::Eni> eni;
    std::shared_ptr<const model::Subnet> subnet;
    std::vector<std::shared_ptr<const model::SecurityGroup>> groups;
    std::shared_ptr<const model::ElasticAddress> elastic;    // nullptr: none
};
InterfaceRow interface_row(const state::View& view, std::shared_ptr<const model::Eni> eni);
void write_interface(const InterfaceRow& row, api::NetworkInterface& out);

}  // namespace boxship::services::ec2
