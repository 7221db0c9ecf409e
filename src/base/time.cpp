#include "base/time.h"

#include <fmt/format.h>

#include "base/numbers.h"

namespace boxship {
namespace {

struct Parts {
    std::chrono::year_month_day date;
    std::chrono::hh_mm_ss<Milliseconds> clock;
    std::chrono::weekday weekday;
};

Parts split(Time time)
{
    using namespace std::chrono;
    const sys_time<Milliseconds> point{Milliseconds(time.ms)};
    const sys_days day = floor<days>(point);
    return {year_month_day{day}, hh_mm_ss<Milliseconds>{point - day}, weekday{day}};
}

std::optional<int> number(std::string_view text)
{
    return text.starts_with('-') ? std::nullopt : parse_number<int>(text);
}

}  // namespace

std::string to_iso8601(Time time)
{
    const Parts p = split(time);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(p.date.year()),
                       static_cast<unsigned>(p.date.month()), static_cast<unsigned>(p.date.day()), p.clock.hours().count(),
                       p.clock.minutes().count(), p.clock.seconds().count(), p.clock.subseconds().count());
}

std::string to_basic_iso8601(Time time)
{
    const Parts p = split(time);
    return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", static_cast<int>(p.date.year()),
                       static_cast<unsigned>(p.date.month()), static_cast<unsigned>(p.date.day()), p.clock.hours().count(),
                       p.clock.minutes().count(), p.clock.seconds().count());
}

std::optional<Time> parse_basic_iso8601(std::string_view text)
{
    using namespace std::chrono;
    if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
    const auto y = number(text.substr(0, 4)), mo = number(text.substr(4, 2)), d = number(text.substr(6, 2));
    const auto h = number(text.substr(9, 2)), mi = number(text.substr(11, 2)), s = number(text.substr(13, 2));
    if (!y || !mo || !d || !h || !mi || !s || *h > 23 || *mi > 59 || *s > 60) return std::nullopt;
    const year_month_day date{year(*y), month(static_cast<unsigned>(*mo)), day(static_cast<unsigned>(*d))};
    if (!date.ok()) return std::nullopt;
    const auto point = sys_days{date} + hours(*h) + minutes(*mi) + seconds(*s);
    return Time{duration_cast<Milliseconds>(point.time_since_epoch()).count()};
}

std::string to_http_date(Time time)
{
    static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const Parts p = split(time);
    return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", days[p.weekday.c_encoding()],
                       static_cast<unsigned>(p.date.day()), months[static_cast<unsigned>(p.date.month()) - 1],
                       static_cast<int>(p.date.year()), p.clock.hours().count(), p.clock.minutes().count(),
                       p.clock.seconds().count());
}

}  // namespace boxship
