#include "control/service_events.h"

#include "decide/service/service.h"

namespace boxship::control {

void add_event(state::Txn& txn, model::Service& service, std::string message, Ids& ids, Time now)
{
    model::ServiceEvent event{.name = {service.id, service.events++}, .id = ids.next<Id<struct model::ServiceEventTag>>(), .created_at = now};
    event.message = std::move(message);
    if (event.name.number >= decide::events_kept) txn.erase<model::ServiceEvent>({service.id, event.name.number - decide::events_kept});
    txn.put(std::move(event));
}

}  // namespace boxship::control
