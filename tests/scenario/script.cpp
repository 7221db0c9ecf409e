#include "scenario/script.h"

#include <sstream>

#include "base/strings.h"
#include "decide/lifecycle.h"
#include "model/arns.h"
#include "model/elbv2_arns.h"

namespace boxship::tests {

using shape::Json;

namespace {

// The first word of a line, taken off its front.
std::string take_word(std::string& text)
{
    text = trim(text);
    const auto end = text.find(' ');
    std::string word = text.substr(0, end);
    text = end == std::string::npos ? "" : std::string(trim(text.substr(end)));
    return word;
}

// "a.b[2].c" or "list.#"; nullptr when there is nothing.
const Json* at_path(const Json& root, const std::string& path, Json& count)
{
    const Json* at = &root;
    std::string name;
    const auto enter = [&] {
        if (name.empty()) return true;
        if (name == "#") {
            count = Json(static_cast<std::int64_t>(at->as_array().size()));
            at = &count;
        } else {
            at = at->find(name);
        }
        name.clear();
        return at != nullptr;
    };
    for (std::size_t i = 0; i < path.size(); ++i) {
        if (path[i] == '.') {
            if (!enter()) return nullptr;
        } else if (path[i] == '[') {
            if (!enter()) return nullptr;
            const std::size_t index = std::stoul(path.substr(i + 1));
            if (!at->is_array() || index >= at->as_array().size()) return nullptr;
            at = &at->as_array()[index];
            i = path.find(']', i);
        } else {
            name += path[i];
        }
    }
    return enter() ? at : nullptr;
}

std::string unquote(const std::string& text)
{
    const auto json = Json::parse(text);
    return json.ok() && json->is_string() ? json->as_string() : text;
}

// name=value words, quoted values included; words without '=' have the value "".
std::map<std::string, std::string> take_options(std::string rest)
{
    std::map<std::string, std::string> options;
    while (!(rest = std::string(trim(rest))).empty()) {
        const auto name_end = rest.find_first_of("= ");
        const std::string name = rest.substr(0, name_end);
        if (name_end == std::string::npos || rest[name_end] == ' ') {
            options[name] = "";
            rest = name_end == std::string::npos ? "" : rest.substr(name_end);
            continue;
        }
        rest.erase(0, name_end + 1);
        std::size_t end = rest.find(' ');
        if (rest.starts_with('"')) end = rest.find('"', 1) + 1;
        options[name] = unquote(rest.substr(0, end));
        rest = end == std::string::npos ? "" : rest.substr(end);
    }
    return options;
}

}  // namespace

Script::Script()
{
    const auto view = world_.view();
    for (const auto& [id, subnet] : view.rows<model::Subnet>()) saved_[std::string("subnet_") + subnet->zone.back()] = to_short_text("subnet-", id);
    for (const auto& [id, group] : view.rows<model::SecurityGroup>()) saved_["group"] = to_short_text("sg-", id);
    for (const auto& [id, vpc] : view.rows<model::Vpc>()) saved_["vpc"] = to_short_text("vpc-", id);
}

std::string Script::fill_in(const std::string& text) const
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        std::size_t end = i + 1;
        while (text[i] == '$' && end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '_')) ++end;
        const auto found = saved_.find(text.substr(i + 1, end - i - 1));
        if (text[i] != '$' || found == saved_.end()) {
            out += text[i];
            continue;
        }
        out += found->second;
        i = end - 1;
    }
    return out;
}

std::string Script::run(const std::string& text)
{
    std::vector<std::pair<int, std::string>> steps;
    std::istringstream in(text);
    std::string line;
    for (int number = 1; std::getline(in, line); ++number) {
        if (line.empty() || line[0] == '#') continue;
        if (line[0] == ' ' && !steps.empty())
            steps.back().second += " " + std::string(trim(line));
        else
            steps.emplace_back(number, line);
    }
    for (const auto& [number, words] : steps) {
        std::string complaint = step(words);
        if (complaint.empty())
            for (const auto& sentence : world_.complaints()) complaint += sentence + "; ";
        if (!complaint.empty()) return "line " + std::to_string(number) + ": " + words + "\n    " + complaint;
    }
    return error_expected_ ? "" : "the last call failed: " + error_code_ + ": " + error_message_;
}

std::string Script::step(const std::string& line)
{
    std::string rest = fill_in(line);
    const std::string verb = take_word(rest);
    if (verb != "expect" && !error_expected_) return "the call before failed: " + error_code_ + ": " + error_message_;
    if (verb == "call") return call(rest);
    if (verb == "expect") return expect(rest);
    if (verb == "instances") return instances(rest);
    if (verb == "report") return report(rest);
    if (verb == "acknowledge") return acknowledge(rest);
    if (verb == "run") {
        const std::string service = take_word(rest);
        return report_all(service, "RUNNING " + rest, false);
    }
    if (verb == "told") return told(rest);
    if (verb == "alarm") return set_alarm(rest);
    if (verb == "fail") return report_all(rest, "STOPPED task-reason=\"CannotPullContainerError: there is no such image\"", false);
    if (verb == "end") return report_all(rest, "STOPPED", true);
    if (verb == "tasks") return count_tasks(rest);
    if (verb == "suspend" || verb == "resume") {
        suspend(verb == "suspend");
        return "";
    }
    if (verb == "connect" || verb == "disconnect") return connect(rest, verb == "connect");
    if (verb == "as") {
        const std::string kind = take_word(rest);
        world_.act_as(kind, rest);
        return "";
    }
    if (verb == "save") {
        const std::string name = take_word(rest);
        take_word(rest);
        Json count;
        const Json* value = at_path(answer_, rest, count);
        if (!value) return "there is no " + rest + " in " + answer_.dump();
        saved_[name] = value->is_string() ? value->as_string() : value->dump();
        return "";
    }
    if (verb == "advance") {
        const std::int64_t number = std::stoll(rest);
        const char unit = rest.back();
        world_.advance(std::chrono::seconds(number * (unit == 'h' ? 3600 : unit == 'm' ? 60 : 1)));
        return "";
    }
    if (verb == "health") return health(rest);
    if (verb == "quota") return set_quota(rest);
    if (verb == "vpc") return add_vpc(rest);
    if (verb == "restart") {
        world_.restart();
        return "";
    }
    return "unknown step";
}

std::string Script::call(const std::string& line)
{
    std::string rest = line;
    const std::string service = take_word(rest);
    const std::string operation = take_word(rest);
    const auto answer = world_.call(service, operation, rest.empty() ? "{}" : rest);
    error_expected_ = answer.ok();
    error_code_ = answer.ok() ? "" : answer.error().code;
    error_message_ = answer.ok() ? "" : answer.error().message;
    answer_ = Json();
    if (answer.ok()) answer_ = *Json::parse(*answer);
    return "";
}

std::string Script::expect(const std::string& line)
{
    std::string rest = line;
    const std::string path = take_word(rest);
    if (path == "error") {
        const std::string code = take_word(rest);
        if (error_code_ != code) return "the call " + (error_code_.empty() ? "succeeded: " + answer_.dump() : "failed with " + error_code_ + ": " + error_message_);
        if (!rest.empty() && error_message_.find(unquote(rest)) == std::string::npos) return "the message is: " + error_message_;
        error_expected_ = true;
        return "";
    }
    if (!error_expected_) return "the call failed: " + error_code_ + ": " + error_message_;
    const std::string relation = take_word(rest);
    Json count;
    const Json* value = at_path(answer_, path, count);
    if (relation == "absent") return value ? "it is " + value->dump() : "";
    if (!value) return "it is absent in " + answer_.dump();
    if (relation == "present") return "";
    if (relation == "~") return value->as_string().find(unquote(rest)) == std::string::npos ? "it is " + value->dump() : "";
    const auto wanted = Json::parse(rest);
    if (relation != "=" || !wanted.ok()) return "that expectation cannot be read";
    return *value == *wanted ? "" : "it is " + value->dump();
}

// What an agent of ours advertises.
constexpr const char* attribute_names[] = {
    "com.amazonaws.ecs.capability.docker-remote-api.1.17", "com.amazonaws.ecs.capability.docker-remote-api.1.18",
    "com.amazonaws.ecs.capability.docker-remote-api.1.19", "com.amazonaws.ecs.capability.docker-remote-api.1.21",
    "com.amazonaws.ecs.capability.docker-remote-api.1.22", "com.amazonaws.ecs.capability.docker-remote-api.1.25",
    "com.amazonaws.ecs.capability.privileged-container",   "com.amazonaws.ecs.capability.logging-driver.awslogs",
    "com.amazonaws.ecs.capability.logging-driver.json-file", "com.amazonaws.ecs.capability.ecr-auth",
    "com.amazonaws.ecs.capability.task-iam-role",          "ecs.capability.execution-role-ecr-pull",
    "ecs.capability.execution-role-awslogs",               "ecs.capability.container-ordering",
    "ecs.capability.container-health-check",               "ecs.capability.container-restart-policy",
    "ecs.capability.task-cpu-mem-limit",                   "ecs.capability.task-eni",
    "boxship.eni-inline"};

std::string Script::instances(const std::string& line)
{
    std::string rest = line;
    const int number = std::stoi(take_word(rest));
    auto options = take_options(rest);
    const bool fargate = options.contains("fargate");
    const std::string cluster = fargate ? "_fargate" : options.contains("cluster") ? options["cluster"] : "default";
    for (int n = 0; n < number; ++n) {
        const std::string host = "h" + std::to_string(hosts_.size() + 1);
        Json attributes = Json::array();
        const auto add = [&](const std::string& name, const std::string& value) {
            Json entry = Json::object({{"name", name}});
            if (!value.empty()) entry.set("value", value);
            attributes.push_back(std::move(entry));
        };
        for (const char* name : attribute_names)
            if (options["without"] != name) add(name, "");
        add("ecs.cpu-architecture", "x86_64");
        if (options.contains("zone")) add("ecs.availability-zone", options["zone"]);
        if (options.contains("enis")) add("boxship.eni-max", options["enis"]);
        if (options.contains("address")) add("boxship.address", options["address"]);
        if (options.contains("external")) add("ecs.capability.external", "");
        if (fargate) add("boxship.fargate", "true");
        const auto number_resource = [&](const char* name, const std::string& value) {
            return Json::object({{"name", name}, {"type", "INTEGER"}, {"integerValue", std::stoll(value.empty() ? "4096" : value)}});
        };
        const Json ports = Json::object({{"name", "PORTS"}, {"type", "STRINGSET"}, {"stringSetValue", Json::array({"22"})}});
        const Json request = Json::object({{"cluster", cluster}, {"attributes", attributes},
                                           {"totalResources", Json::array({number_resource("CPU", options["cpu"]), number_resource("MEMORY", options["memory"]), ports})}});
        world_.act_as("host", host);
        const auto answer = world_.call("ecs", "RegisterContainerInstance", request.dump());
        world_.act_as("root", "");
        if (!answer.ok()) return answer.error().code + ": " + answer.error().message;
        const std::string arn = (*Json::parse(*answer))["containerInstance"].get_string("containerInstanceArn");
        hosts_[host] = *InstanceId::parse(arn.substr(arn.rfind('/') + 1));
        saved_[host] = arn;
        if (!options.contains("offline")) connect(host, true);
    }
    return "";
}

std::string Script::connect(const std::string& host, bool connected)
{
    const auto found = hosts_.find(host);
    if (found == hosts_.end()) return "there is no host " + host;
    world_.change([&](state::Txn& txn) {
        model::Instance instance = *txn.get<model::Instance>(found->second);
        instance.agent_connected = connected;
        txn.put(std::move(instance));
    });
    return "";
}

std::string Script::health(const std::string& text)
{
    std::string rest = text;
    const std::string group = take_word(rest), id = take_word(rest), found = take_word(rest);
    auto options = take_options(rest);
    bool known = false;
    world_.change([&](state::Txn& txn) {
        for (const auto& [key, row] : std::map(txn.rows<model::Target>())) {
            if (model::target_group_arn(*txn.get<model::TargetGroup>(key.group)) != group) continue;
            if (id == "all" ? row->draining() : key.id != id) continue;
            if (options.contains("port") && options["port"] != std::to_string(key.port)) continue;
            known = true;
            model::Target target = *row;
            if (found == "drained") {
                target.drained = true;
            } else {
                target.state = found == "healthy" ? model::TargetState::healthy : model::TargetState::unhealthy;
                target.reason = found == "healthy" ? model::TargetReason::none : model::TargetReason::timeout;
            }
            txn.put(std::move(target));
        }
    });
    return known ? "" : "there is no such target";
}

std::string Script::add_vpc(const std::string& text)
{
    const auto range = Ipv4Range::parse(text);
    if (!range) return "that is not a range";
    const model::Scope scope{"000000000000", "us-east-1"};
    model::Vpc vpc{.id = world_.ids().next<VpcId>(), .scope = scope, .network = range->network, .prefix = range->prefix};
    model::Subnet subnet{.id = world_.ids().next<SubnetId>(), .scope = scope, .vpc = vpc.id, .network = range->network, .prefix = range->prefix};
    subnet.zone = "us-east-1a";
    model::SecurityGroup group{.id = world_.ids().next<SecurityGroupId>(), .scope = scope, .vpc = vpc.id, .name = "default"};
    saved_["other_subnet"] = to_short_text("subnet-", subnet.id);
    saved_["other_group"] = to_short_text("sg-", group.id);
    world_.change([&](state::Txn& txn) {
        txn.put(vpc);
        txn.put(subnet);
        txn.put(group);
    });
    return "";
}

std::shared_ptr<const model::Task> Script::task_of(const std::string& arn)
{
    const auto id = model::task_of_arn(arn);
    return id ? world_.view().get<model::Task>(*id) : nullptr;
}

std::string Script::acknowledge(const std::string& task_arn)
{
    const auto row = task_of(task_arn);
    if (!row) return "there is no task " + task_arn;
    world_.change([&](state::Txn& txn) {
        model::Task task = *row;
        if (decide::acknowledge(task)) txn.put(std::move(task));
    });
    return "";
}

// As the agent of the task's instance sends it, with one entry for each container (or for the one that is named).
std::string Script::report(const std::string& line)
{
    std::string rest = line;
    const std::string arn = take_word(rest);
    const std::string status = take_word(rest);
    auto options = take_options(rest);
    const auto task = task_of(arn);
    if (!task) return "there is no task " + arn;
    const auto instance = world_.view().get<model::Instance>(task->instance);
    Json containers = Json::array();
    for (const auto& container : task->containers) {
        if (options.contains("container") && options["container"] != container.name) continue;
        Json entry = Json::object({{"containerName", container.name.str()}, {"status", options.contains("container-status") ? options["container-status"] : status}});
        if (options.contains("exit")) entry.set("exitCode", std::stoll(options["exit"]));
        if (options.contains("reason")) entry.set("reason", options["reason"]);
        if (options.contains("runtime")) entry.set("runtimeId", options["runtime"]);
        if (options.contains("port"))
            entry.set("networkBindings", Json::array({Json::object({{"bindIP", "0.0.0.0"}, {"containerPort", 80}, {"hostPort", std::stoll(options["port"])}, {"protocol", "tcp"}})}));
        containers.push_back(std::move(entry));
    }
    Json request = Json::object({{"task", arn}, {"status", status}, {"containers", containers}});
    if (options.contains("task-reason")) request.set("reason", options["task-reason"]);
    world_.act_as("host", instance->host_principal);
    const auto answer = world_.call("ecs", "SubmitTaskStateChange", request.dump());
    world_.act_as("root", "");
    return answer.ok() ? "" : answer.error().code + ": " + answer.error().message;
}

}  // namespace boxship::tests
