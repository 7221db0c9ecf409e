// The part of a call that happens on the state's thread: may they, is it valid, do it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "services/served.h"
#include "shape/info.h"
#include "shape/read.h"
#include "state/store.h"

namespace boxship::front {

struct Ask {
    const services::ServedOperation* operation = nullptr;
    shape::Protocol protocol = shape::Protocol::json11;
    std::shared_ptr<const void> request;               // the record that operation->info names
    std::vector<shape::UnknownEnum> unknown;           // what the reader noted
    services::Principal principal;
    model::Scope scope;
    std::string request_id;
    std::string source;
    const services::Installation* installation = nullptr;
};

// `done` is called once everything that the verb saw and wrote is durable: on the state's thread, or for an operation on
// bytes on whatever thread its work ends. When the answer is an error the verb's transaction wrote nothing.
using Done = std::function<void(Result<services::ServedOperation::Render>)>;
void dispatch(state::Store& store, Ask ask, Done done);

// The table-driven check in the words of the service. The ECS service speaks for itself first: there the check counts
// only when the verb had no complaint of its own.
Result<> check_request(const shape::OperationInfo& operation, const void* request, const std::vector<shape::UnknownEnum>& unknown);

// A member that is listed as refused is set.
ApiError refusal(const shape::OperationInfo& operation, std::string_view member);
// Our own failure: 500, in the words of the protocol.
ApiError server_error(shape::Protocol protocol);

}  // namespace boxship::front
