// Carries TCP connections from listening sockets to somewhere else: from 169.254.170.2:4566 inside routers to the control
// plane, so that the SDKs in containers work while the API stays on loopback; from 127.0.0.1 to an instance's ports.
#pragma once

#include <memory>
#include <string>

#include "env/real/unique_fd.h"
#include "wire/http/io_threads.h"

namespace boxship::agent {

class Forward {
public:
    explicit Forward(http::Executor executor);   // where all connections live
    ~Forward();                                  // cuts them; not on the executor's own thread

    void adopt(env::UniqueFd listening_socket, const std::string& url, std::string tag);   // "http://127.0.0.1:4566"
    void release(const std::string& tag);        // listens no more; connections go on. Unknown: nothing happens

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace boxship::agent
