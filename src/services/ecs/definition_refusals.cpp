#include "services/ecs/definition.h"
#include "services/ecs/messages.h"

namespace boxship::services::ecs {
namespace {

// The first member that is there and that we do not do.
struct Refusal {
    const char* member = nullptr;
    void when(bool present, const char* name) { if (present && !member) member = name; }
};

const char* refused_member(const api::ContainerDefinition& container)
{
    Refusal refusal;
    refusal.when(!container.secrets.empty(), "secrets");
    refusal.when(!container.environment_files.empty(), "environmentFiles");
    refusal.when(container.firelens_configuration.has(), "firelensConfiguration");
    refusal.when(container.repository_credentials.has(), "repositoryCredentials");
    refusal.when(!container.resource_requirements.empty(), "resourceRequirements");
    refusal.when(!container.credential_specs.empty(), "credentialSpecs");
    refusal.when(!container.links.empty(), "links");
    for (const auto& option : container.docker_security_options)
        refusal.when(!option.view().starts_with("no-new-privileges"), "dockerSecurityOptions");
    for (const auto& port : container.port_mappings) refusal.when(!port.container_port_range.empty(), "containerPortRange");
    if (container.log_configuration) {
        const auto driver = container.log_configuration->log_driver.value_or(api::LogDriver::unknown);
        refusal.when(driver != api::LogDriver::awslogs && driver != api::LogDriver::json_file, "logConfiguration.logDriver");
        refusal.when(!container.log_configuration->secret_options.empty(), "logConfiguration.secretOptions");
    }
    return refusal.member;
}

const char* refused_member(const api::RegisterTaskDefinitionRequest& request)
{
    Refusal refusal;
    for (const auto& volume : request.volumes) {
        refusal.when(volume.efs_volume_configuration.has(), "efsVolumeConfiguration");
        refusal.when(volume.docker_volume_configuration.has(), "dockerVolumeConfiguration");
        refusal.when(volume.fsx_windows_file_server_volume_configuration.has(), "fsxWindowsFileServerVolumeConfiguration");
        refusal.when(volume.s3files_volume_configuration.has(), "s3filesVolumeConfiguration");
        refusal.when(volume.configured_at_launch.value_or(false), "configuredAtLaunch");
    }
    refusal.when(request.pid_mode.has(), "pidMode");
    refusal.when(request.ipc_mode.has(), "ipcMode");
    refusal.when(request.proxy_configuration.has(), "proxyConfiguration");
    refusal.when(!request.inference_accelerators.empty(), "inferenceAccelerators");
    refusal.when(request.enable_fault_injection.value_or(false), "enableFaultInjection");
    if (request.runtime_platform) {
        const auto family = request.runtime_platform->operating_system_family.value_or(api::OSFamily::linux_);
        refusal.when(family != api::OSFamily::linux_, "runtimePlatform.operatingSystemFamily");
    }
    for (const auto compatibility : request.requires_compatibilities)
        refusal.when(compatibility == api::Compatibility::managed_instances, "requiresCompatibilities MANAGED_INSTANCES");
    return refusal.member;
}

}  // namespace

Result<> refuse_unsupported(const api::RegisterTaskDefinitionRequest& request)
{
    if (const char* member = refused_member(request)) return client_error(say(messages::member_unsupported, member));
    for (const auto& container : request.container_definitions)
        if (const char* member = refused_member(container))
            return client_error(say(messages::container_member_unsupported, member, container.name));
    return {};
}

}  // namespace boxship::services::ecs
