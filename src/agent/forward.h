// Carries TCP connections from listening sockets (inside routers, at 169.254.170.2:4566 for containers) to the control
// plane's own address, so that the SDKs in containers work while the API stays on loopback.
#pragma once

#include <memory>
#include <string>

#include "env/real/unique_fd.h"
#include "wire/http/io_threads.h"

namespace boxship::agent {

class Forward {
public:
    // `url`: where to, "http://127.0.0.1:4566". All connections live on `executor`.
    Forward(http::Executor executor, const std::string& url);
    ~Forward();   // cuts them; not on the executor's own thread

    void adopt(env::UniqueFd listening_socket);

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace boxship::agent
