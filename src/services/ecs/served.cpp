#include "services/ecs/serve.h"

namespace boxship::services {

void serve_ecs(Served& served)
{
    ecs::serve_clusters(served);
    ecs::serve_register_task_definition(served);
    ecs::serve_task_definitions(served);
    ecs::serve_run_task(served);
    ecs::serve_tasks(served);
    ecs::serve_register_container_instance(served);
    ecs::serve_container_instances(served);
    ecs::serve_agent_reports(served);
    ecs::serve_create_service(served);
    ecs::serve_update_service(served);
    ecs::serve_services(served);
    ecs::serve_task_protection(served);
    ecs::serve_service_deployments(served);
    ecs::serve_capacity_providers(served);
    ecs::serve_attributes(served);
    ecs::serve_tags(served);
    ecs::serve_account_settings(served);
}

}  // namespace boxship::services
