// CHECK(condition): an invariant of ours. It stays on in release builds and ends the process, because a restart
// is cheap and the journal is right.
#pragma once

namespace boxship {
[[noreturn]] void check_failed(const char* condition, const char* file, int line);
}

#define CHECK(condition) \
    (static_cast<bool>(condition) ? static_cast<void>(0) : ::boxship::check_failed(#condition, __FILE__, __LINE__))
