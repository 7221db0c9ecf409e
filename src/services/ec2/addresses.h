// Elastic IP addresses with what they are associated with.
#pragma once

#include <memory>
#include <string>

#include "state/view.h"

namespace boxship::services::ec2 {

using AddressPtr = std::shared_ptr<const model::ElasticAddress>;

struct AddressRow {
    AddressPtr address;
    std::shared_ptr<const model::Eni> eni;     // nullptr: it is associated with nothing
};
// An association lasts as long as its interface, whoever takes that away.
AddressRow address_row(const state::View& view, AddressPtr address);
// The address that an interface has; nullptr: none.
AddressPtr address_of(const state::View& view, const model::Eni& eni);

std::string allocation_text(const ElasticAddressId& id);
std::string association_text(const model::ElasticAddress& address);

}  // namespace boxship::services::ec2
