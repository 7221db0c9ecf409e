// The parts of serve_ecs(): each adds the operations of its file.
#pragma once

#include "services/served.h"

namespace boxship::services::ecs {

void serve_clusters(Served& served);
void serve_register_task_definition(Served& served);
void serve_task_definitions(Served& served);
void serve_run_task(Served& served);
void serve_tasks(Served& served);
void serve_register_container_instance(Served& served);
void serve_container_instances(Served& served);
void serve_agent_reports(Served& served);
void serve_create_service(Served& served);
void serve_update_service(Served& served);
void serve_services(Served& served);
void serve_task_protection(Served& served);
void serve_service_deployments(Served& served);
void serve_capacity_providers(Served& served);
void serve_attributes(Served& served);
void serve_tags(Served& served);
void serve_account_settings(Served& served);

}  // namespace boxship::services::ecs
