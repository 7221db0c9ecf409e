// The terminal of a container that wants one: the OCI runtime hands us its side through a socket.
#pragma once

#include <string>

#include "base/result.h"
#include "env/real/unique_fd.h"

namespace boxship::runtime {

HostResult<env::UniqueFd> listen_for_terminal(const std::string& directory);  // binds "console.sock" there
env::UniqueFd receive_terminal(int listening);                               // none: it sent no descriptor
void resize_terminal(int terminal, unsigned rows, unsigned columns);

}  // namespace boxship::runtime
