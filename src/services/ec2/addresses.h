// Elastic IP addresses with what they are associated with.
#pragma once

#include <memory>
#include <string>

#include "services/served.h"
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

Result<AddressPtr> required_address(const state::View& view, const Call& call, std::string_view allocation);
ApiError already_associated(const model::ElasticAddress& address);
// It is associated with nothing any more.
void free_address(Txn& txn, const model::ElasticAddress& address);

std::string allocation_text(const ElasticAddressId& id);
std::string association_text(const model::ElasticAddress& address);

}  // namespace boxship::services::ec2
