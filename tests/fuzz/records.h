// Requests of any operation, for the targets that read them.
#pragma once

#include <cstdlib>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "shape/check.h"
#include "shape/info.h"
#include "shape/services.h"
#include "shape/slots.h"
#include "shape/write.h"

namespace boxship::fuzz {

class Record {
public:
    explicit Record(const shape::RecordInfo& info) : info_(info), data_(static_cast<std::byte*>(std::calloc(1, info.size + 1))) {}
    ~Record()
    {
        shape::destroy_record(info_, data_);
        std::free(data_);
    }
    Record(const Record&) = delete;
    shape::RecordRef ref() const { return {info_, data_}; }

private:
    const shape::RecordInfo& info_;
    std::byte* data_;
};

// Takes the first line, "ecs RunTask", off the input. Any other line stands for some operation too.
inline const shape::OperationInfo& choose_operation(std::string_view& input)
{
    const std::size_t end = std::min(input.find('\n'), input.size());
    const std::string_view line = input.substr(0, end);
    input.remove_prefix(std::min(end + 1, input.size()));
    std::vector<const shape::OperationInfo*> all;
    for (const auto* service : shape::services()) {
        if (line.starts_with(service->name) && line.size() > service->name.size())
            if (const auto* named = service->find_operation(line.substr(service->name.size() + 1))) return *named;
        all.insert(all.end(), service->operations.begin(), service->operations.end());
    }
    std::size_t sum = 0;
    for (const char c : line) sum = sum * 31 + static_cast<unsigned char>(c);
    return *all[sum % all.size()];
}

// What follows the reading of a request.
inline void use(const shape::OperationInfo& operation, const Record& request, const std::vector<shape::UnknownEnum>& unknown)
{
    const auto violations = shape::check(request.ref(), unknown);
    if (!violations.empty()) (void)shape::to_error(*operation.service, violations);
    (void)shape::write_json(request.ref(), shape::Secrets::masked);
    (void)shape::write_query_xml(operation, request.ref(), "id");
    (void)shape::write_ec2_xml(operation, request.ref(), "id");
}

}  // namespace boxship::fuzz
