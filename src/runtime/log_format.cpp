#include "runtime/log_format.h"

#include "base/numbers.h"

namespace boxship::runtime {

std::string log_file_name(std::uint32_t number)
{
    std::string digits = std::to_string(number);
    if (digits.size() < 8) digits.insert(0, 8 - digits.size(), '0');
    return digits + ".log";
}

std::uint32_t log_file_number(const std::string& name)
{
    if (name.size() < 12 || name.compare(name.size() - 4, 4, ".log") != 0) return 0;
    return parse_number<std::uint32_t>(std::string_view(name).substr(0, name.size() - 4)).value_or(0);
}

}  // namespace boxship::runtime
