// Every kind of row, in the order of their table numbers.
#pragma once

#include "model/ecs.h"
#include "model/elbv2.h"
#include "model/network.h"
#include "model/registry.h"
#include "model/service.h"

namespace boxship::state {

using namespace model;  // rows are named so often in this folder that the prefix would hide the words

template <class... Row>
struct Rows {};

using AllRows = Rows<Cluster, TaskDefinition, Family, Instance, Task, ClientToken, AccountSetting, Service, ServiceRevision,
                     ServiceDeployment, ServiceEvent, Alarm, Vpc, Subnet, SecurityGroup, Eni, RouteTable, InternetGateway, NatGateway,
                     ElasticAddress, Platform, Repository, Blob, BlobLink, Image, ImageTag, Upload, LoadBalancer, Listener, ListenerRule, TargetGroup, Target,
                     Certificate>;

}  // namespace boxship::state
