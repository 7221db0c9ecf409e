// How the agent introduces itself.
#pragma once

namespace boxship::agent {

inline constexpr const char* agent_version = "0.1.0";
inline constexpr const char* agent_hash = "boxship";
inline constexpr const char* agent_name = "boxship-agent/0.1.0";
inline constexpr const char* runtime_version = "boxship-runtime-0.1.0";   // where others name their Docker

}  // namespace boxship::agent
