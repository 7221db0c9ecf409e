// The JavaScript SDK's way through: identity, zones, an error, a task to its end. Prints what it saw as JSON.
import { DescribeAvailabilityZonesCommand, DescribeSubnetsCommand, EC2Client } from "@aws-sdk/client-ec2";
import { CreateRepositoryCommand, DescribeRepositoriesCommand, ECRClient } from "@aws-sdk/client-ecr";
import {
    CreateClusterCommand, DescribeTasksCommand, ECSClient, ListTasksCommand, RegisterTaskDefinitionCommand, RunTaskCommand,
    waitUntilTasksStopped,
} from "@aws-sdk/client-ecs";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

const image = process.argv[2];
const options = { endpoint: process.env.AWS_ENDPOINT_URL, region: process.env.AWS_REGION };
const [ecs, ecr, ec2, sts] = [new ECSClient(options), new ECRClient(options), new EC2Client(options), new STSClient(options)];

const account = (await sts.send(new GetCallerIdentityCommand({}))).Account;
const zones = (await ec2.send(new DescribeAvailabilityZonesCommand({}))).AvailabilityZones.map((zone) => zone.ZoneName).sort();
const subnet = (await ec2.send(new DescribeSubnetsCommand({}))).Subnets[0].SubnetId;

await ecr.send(new CreateRepositoryCommand({ repositoryName: "test/javascript", tags: [{ Key: "k", Value: "v" }] }));
await ecr.send(new DescribeRepositoriesCommand({ repositoryNames: ["test/javascript"] }));

let error = "";
try {
    await ecs.send(new ListTasksCommand({ cluster: "no-such-cluster" }));
} catch (thrown) {
    error = thrown.name;
}

await ecs.send(new CreateClusterCommand({ clusterName: "javascript" }));
const { taskDefinition } = await ecs.send(new RegisterTaskDefinitionCommand({
    family: "javascript", requiresCompatibilities: ["FARGATE"], networkMode: "awsvpc", cpu: "256", memory: "512",
    containerDefinitions: [{ name: "c", image, command: ["sh", "-c", "exit 6"] }],
}));
const { tasks } = await ecs.send(new RunTaskCommand({
    cluster: "javascript", taskDefinition: taskDefinition.taskDefinitionArn, launchType: "FARGATE",
    networkConfiguration: { awsvpcConfiguration: { subnets: [subnet] } },
}));
const arn = tasks[0].taskArn;
await waitUntilTasksStopped({ client: ecs, maxWaitTime: 60, minDelay: 1, maxDelay: 1 }, { cluster: "javascript", tasks: [arn] });
const described = await ecs.send(new DescribeTasksCommand({ cluster: "javascript", tasks: [arn] }));
console.log(JSON.stringify({ account, zones, error, exitCode: described.tasks[0].containers[0].exitCode }));
