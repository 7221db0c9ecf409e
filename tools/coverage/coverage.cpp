#include "coverage.h"

#include <algorithm>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "base/strings.h"

namespace boxship::coverage {

namespace {

using services::ServedOperation;
using ServedByInfo = std::map<const shape::OperationInfo*, const ServedOperation*>;

std::size_t count(const shape::RecordInfo& record, std::vector<const shape::RecordInfo*>& above)
{
    if (std::find(above.begin(), above.end(), &record) != above.end()) return 0;
    above.push_back(&record);
    std::size_t members = 0;
    for (const shape::MemberInfo& member : record.members) {
        const shape::TypeInfo* type = member.type;
        while (type->element) type = type->element;
        members += 1 + (type->record ? count(*type->record, above) : 0);
    }
    above.pop_back();
    return members;
}

std::string code_list(const std::vector<std::string>& names)
{
    std::vector<std::string> quoted;
    for (const std::string& name : names) quoted.push_back("`" + name + "`");
    std::sort(quoted.begin(), quoted.end());
    return join(quoted, ", ");
}

std::string_view callers(const ServedOperation& operation)
{
    return operation.any_principal ? "anyone" : operation.hosts ? "root, hosts" : "root";
}

std::string section(const shape::ServiceInfo& service, const ServedByInfo& served)
{
    std::string text = fmt::format("\n## {} ({})\n\n", service.name, service.version);
    std::string rows;
    std::vector<std::string> missing;
    for (const shape::OperationInfo* info : service.operations) {
        const auto at = served.find(info);
        if (at == served.end()) {
            missing.emplace_back(info->name);
            continue;
        }
        const ServedOperation& operation = *at->second;
        rows += fmt::format("| {} | {} | {} | {} | {} |\n", info->name, callers(operation), count_members(*info->request),
                            code_list(operation.ignored), code_list(operation.refused));
    }
    if (!rows.empty())
        text += "| operation | may be called by | request members | accepted without effect | refused |\n|---|---|---|---|---|\n" + rows;
    if (!missing.empty())
        text += fmt::format("{}Known, not served (501 `NotImplemented`): {}.\n", rows.empty() ? "" : "\n", join(missing, ", "));
    return text;
}

}  // namespace

std::size_t count_members(const shape::RecordInfo& record)
{
    std::vector<const shape::RecordInfo*> above;
    return count(record, above);
}

std::string page(std::span<const shape::ServiceInfo* const> services, const services::Served& served)
{
    ServedByInfo by_info;
    for (const ServedOperation& operation : served.operations()) by_info.emplace(operation.info, &operation);

    std::string text =
        "# Coverage\n\n"
        "Written by `./dev coverage` from `models/` and the lists of served operations; a test fails when it is stale.\n"
        "A request member is honoured unless it is listed as accepted without effect or as refused.\n\n"
        "| service | operations in the model | served |\n|---|---|---|\n";
    std::string sections;
    for (const shape::ServiceInfo* service : services) {
        if (service->operations.empty()) continue;
        const auto known = std::count_if(service->operations.begin(), service->operations.end(),
                                         [&](const shape::OperationInfo* info) { return by_info.contains(info); });
        text += fmt::format("| {} | {} | {} |\n", service->name, service->operations.size(), known);
        sections += section(*service, by_info);
    }
    return text + sections;
}

}  // namespace boxship::coverage
