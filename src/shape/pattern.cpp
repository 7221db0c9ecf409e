#define PCRE2_CODE_UNIT_WIDTH 8
#include "shape/pattern.h"

#include <map>
#include <memory>
#include <mutex>

#include <pcre2.h>

#include "base/check.h"

namespace boxship::shape {

namespace {

struct FreeCode {
    void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
using Code = std::unique_ptr<pcre2_code, FreeCode>;

// A hostile value must not make a pattern with nested repeats run for minutes.
constexpr std::uint32_t match_steps_max = 1'000'000;

Code compile(std::string_view pattern)
{
    int error = 0;
    PCRE2_SIZE offset = 0;
    return Code(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                              PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOLLAR_ENDONLY, &error, &offset, nullptr));
}

const pcre2_code& compiled(std::string_view pattern)
{
    static std::mutex mutex;
    static std::map<const char*, Code> cache;
    const std::lock_guard lock(mutex);
    Code& code = cache[pattern.data()];
    if (!code) code = compile(pattern);
    CHECK(code);
    return *code;
}

}  // namespace

bool compiles(std::string_view pattern)
{
    return compile(pattern) != nullptr;
}

bool matches(std::string_view pattern, std::string_view text)
{
    struct FreeMatch {
        void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
        void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
    };
    const pcre2_code& code = compiled(pattern);
    const std::unique_ptr<pcre2_match_data, FreeMatch> data(pcre2_match_data_create_from_pattern(&code, nullptr));
    const std::unique_ptr<pcre2_match_context, FreeMatch> context(pcre2_match_context_create(nullptr));
    CHECK(data && context);
    pcre2_set_match_limit(context.get(), match_steps_max);
    return pcre2_match(&code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0, 0, data.get(), context.get()) >= 0;
}

}  // namespace boxship::shape
