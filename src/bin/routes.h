// Which part of the control plane a request is for, by its path; and who may enter where.
#pragma once

#include "admin/admin.h"
#include "drive/agents/hub.h"
#include "front/authenticate.h"
#include "front/front.h"
#include "registry/registry.h"

namespace boxship::bin {

class Routes {
public:
    Routes(front::Front& front, front::Authenticator& authenticator, registry::Registry& registry, drive::AgentHub& hub,
           admin::Admin& admin)
        : front_(front), authenticator_(authenticator), registry_(registry), hub_(hub), admin_(admin)
    {
    }

    http::Async<http::Response> handle(http::Request& request, http::BodyReader& body);

private:
    http::Async<http::Response> agent_channel(http::Request& request);
    http::Async<http::Response> own_call(http::Request& request, http::BodyReader& body);

    front::Front& front_;
    front::Authenticator& authenticator_;
    registry::Registry& registry_;
    drive::AgentHub& hub_;
    admin::Admin& admin_;
};

}  // namespace boxship::bin
