// The member lists of what messages contain. Internal to wire/acs.
#pragma once

#include "wire/acs/messages.h"
#include "wire/acs/visit.h"

namespace boxship::acs {

template <class V>
void members(V& v, Of<V, Credentials>& m)
{
    v("credentialsId", m.credentials_id);
    v("roleArn", m.role_arn);
    v("accessKeyId", m.access_key_id);
    v("secretAccessKey", m.secret_access_key);
    v("sessionToken", m.session_token);
    v("expiration", m.expiration);
}

template <class V>
void members(V& v, Of<V, PortMapping>& m)
{
    if (!V::writes || m.container_port_range.empty()) {
        v("containerPort", m.container_port);
        v("hostPort", m.host_port);
    }
    v.maybe("containerPortRange", m.container_port_range);
    v.maybe("protocol", m.protocol);
}

template <class V>
void members(V& v, Of<V, MountPoint>& m)
{
    v("sourceVolume", m.source_volume);
    v("containerPath", m.container_path);
    v("readOnly", m.read_only);
}

template <class V>
void members(V& v, Of<V, VolumeFrom>& m)
{
    v("sourceContainer", m.source_container);
    v("readOnly", m.read_only);
}

template <class V>
void members(V& v, Of<V, Dependency>& m)
{
    v("containerName", m.container_name);
    v("condition", m.condition);
}

template <class V>
void members(V& v, Of<V, Secret>& m)
{
    v("name", m.name);
    v("valueFrom", m.value_from);
    v.maybe("region", m.region);
    v("provider", m.provider);
    v.maybe("type", m.type);
    v.maybe("target", m.target);
    v.maybe("containerPath", m.container_path);
}

template <class V>
void members(V& v, Of<V, EnvironmentFile>& m)
{
    v("type", m.type);
    v("value", m.value);
}

template <class V>
void members(V& v, Of<V, ManagedAgent>& m)
{
    v("name", m.name);
    v.maybe("properties", m.properties);
}

template <class V>
void members(V& v, Of<V, Firelens>& m)
{
    v("type", m.type);
    v.maybe("options", m.options);
}

template <class V>
void members(V& v, Of<V, RestartPolicy>& m)
{
    v("enabled", m.enabled);
    v.maybe("ignoredExitCodes", m.ignored_exit_codes);
    v.maybe("restartAttemptPeriod", m.restart_attempt_period);
}

template <class V>
void members(V& v, Of<V, EcrAuth>& m)
{
    v("region", m.region);
    v("registryId", m.registry_id);
    v.maybe("endpointOverride", m.endpoint_override);
    v("useExecutionRole", m.use_execution_role);
}

template <class V>
void members(V& v, Of<V, AsmAuth>& m)
{
    v("region", m.region);
    v("credentialsParameter", m.credentials_parameter);
}

template <class V>
void members(V& v, Of<V, RegistryAuthentication>& m)
{
    v("type", m.type);
    v.maybe("ecrAuthData", m.ecr);
    v.maybe("asmAuthData", m.asm_);
}

template <class V>
void members(V& v, Of<V, DockerConfig>& m)
{
    v.maybe("version", m.version);
    v.maybe("config", m.config);
    v.maybe("hostConfig", m.host_config);
}

template <class V>
void members(V& v, Of<V, Container>& m)
{
    v("name", m.name);
    v("image", m.image);
    v("essential", m.essential);
    v("cpu", m.cpu);
    v("memory", m.memory);
    v.maybe("containerArn", m.container_arn);
    v.maybe("entryPoint", m.entry_point);
    v.maybe("command", m.command);
    v("environment", m.environment);
    v("portMappings", m.port_mappings);
    v("mountPoints", m.mount_points);
    v("volumesFrom", m.volumes_from);
    v.maybe("links", m.links);
    v.maybe("overrides", m.overrides);
    v.maybe("dependsOn", m.depends_on);
    v.maybe("startTimeout", m.start_timeout);
    v.maybe("stopTimeout", m.stop_timeout);
    v.maybe("healthCheckType", m.health_check_type);
    v.maybe("secrets", m.secrets);
    v.maybe("environmentFiles", m.environment_files);
    v.maybe("registryAuthentication", m.registry_authentication);
    v.maybe("logsAuthStrategy", m.logs_auth_strategy);
    v.maybe("managedAgents", m.managed_agents);
    v.maybe("firelensConfiguration", m.firelens);
    v.maybe("restartPolicy", m.restart_policy);
    v.maybe("credentialSpecs", m.credential_specs);
    v.maybe("dockerConfig", m.docker_config);
}

template <class V>
void members(V& v, Of<V, DockerVolume>& m)
{
    v("scope", m.scope);
    v("autoprovision", m.autoprovision);
    v.maybe("driver", m.driver);
    v.maybe("driverOpts", m.driver_options);
    v.maybe("labels", m.labels);
}

// {"sourcePath":"/etc"}, or {} for a volume without a place of its own.
struct HostVolume {
    std::string source_path;
};

template <class V>
void members(V& v, Of<V, HostVolume>& m)
{
    v.maybe("sourcePath", m.source_path);
}

template <class V>
void members(V& v, Of<V, Volume>& m)
{
    v("name", m.name);
    v.maybe("type", m.type);
    std::optional<HostVolume> host;
    if (m.host_source_path) host = HostVolume{*m.host_source_path};
    v.maybe("host", host);
    if constexpr (!V::writes) {
        m.host_source_path.reset();
        if (host) m.host_source_path = host->source_path;
    }
    v.maybe("dockerVolumeConfiguration", m.docker);
    v.maybe("efsVolumeConfiguration", m.efs);
}

struct Ipv6Address {
    bool primary = false;
    std::string address;
};

template <class V>
void members(V& v, Of<V, Ipv4Address>& m)
{
    v("primary", m.primary);
    v("privateAddress", m.address);
}

template <class V>
void members(V& v, Of<V, Ipv6Address>& m)
{
    v("primary", m.primary);
    v("address", m.address);
}

template <class V>
void members(V& v, Of<V, NetworkInterface>& m)
{
    v("attachmentArn", m.attachment_arn);
    v("ec2Id", m.ec2_id);
    v("macAddress", m.mac_address);
    v("index", m.index);
    v.maybe("interfaceAssociationProtocol", m.interface_association_protocol);
    v("ipv4Addresses", m.ipv4_addresses);
    std::vector<Ipv6Address> six;
    for (const Ipv4Address& address : m.ipv6_addresses) six.push_back(Ipv6Address{address.primary, address.address});
    v.maybe("ipv6Addresses", six);
    if constexpr (!V::writes) {
        m.ipv6_addresses.clear();
        for (const Ipv6Address& address : six) m.ipv6_addresses.push_back(Ipv4Address{address.primary, address.address});
    }
    v("subnetGatewayIpv4Address", m.subnet_gateway_ipv4);
    v.maybe("subnetGatewayIpv6Address", m.subnet_gateway_ipv6);
    v.maybe("domainNameServers", m.domain_name_servers);
    v.maybe("domainName", m.domain_names);
    v.maybe("privateDnsName", m.private_dns_name);
    v.maybe("name", m.name);
    v.maybe("vpcId", m.vpc_id);
    v.maybe("vpcCidr", m.vpc_cidr);
    v.maybe("router", m.router);
    v.maybe("securityGroups", m.security_groups);
}

template <class V>
void members(V& v, Of<V, Property>& m)
{
    v("name", m.name);
    v("value", m.value);
}

template <class V>
void members(V& v, Of<V, Attachment>& m)
{
    v("attachmentArn", m.attachment_arn);
    v("attachmentType", m.attachment_type);
    v("attachmentProperties", m.properties);
}

template <class V>
void members(V& v, Of<V, Association>& m)
{
    v("type", m.type);
    v("name", m.name);
    v("containers", m.containers);
    v.maybe("content", m.content);
}

template <class V>
void members(V& v, Of<V, Task>& m)
{
    v("arn", m.arn);
    v.maybe("taskClusterArn", m.cluster_arn);
    v("family", m.family);
    v("version", m.version);
    v("desiredStatus", m.desired_status);
    v.maybe("launchType", m.launch_type);
    v.maybe("networkMode", m.network_mode);
    v.maybe("pidMode", m.pid_mode);
    v.maybe("ipcMode", m.ipc_mode);
    v.maybe("cpu", m.cpu);
    v.maybe("memory", m.memory);
    v.maybe("overrides", m.overrides);
    v.maybe("serviceName", m.service_name);
    v.maybe("group", m.group);
    v.maybe("taskDefinitionAccountId", m.task_definition_account_id);
    v.maybe("zone", m.zone);
    v.maybe("roleCredentials", m.role_credentials);
    v.maybe("executionRoleCredentials", m.execution_role_credentials);
    v.maybe("elasticNetworkInterfaces", m.network_interfaces);
    v.maybe("proxyConfiguration", m.proxy_configuration);
    v.maybe("volumes", m.volumes);
    v.maybe("associations", m.associations);
    v.maybe("attachments", m.attachments);
    v.maybe("enableFaultInjection", m.enable_fault_injection);
    v("containers", m.containers);
}

}  // namespace boxship::acs
