#include "base/check.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/result.h"

namespace boxship {

void check_failed(const char* condition, const char* file, int line)
{
    std::fprintf(stderr, "boxship: CHECK(%s) failed at %s:%d\n", condition, file, line);
    std::abort();
}

HostError host_error(std::string_view doing, int code)
{
    char text[128];
    return {std::string(doing) + ": " + strerror_r(code, text, sizeof text), code};
}

}  // namespace boxship
