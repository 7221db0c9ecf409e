// TLS contexts over OpenSSL. Internal to wire/http.
#pragma once

#include <openssl/types.h>

#include <memory>
#include <string>

#include "base/result.h"
#include "wire/http/stream.h"

namespace boxship::http {

class TlsContext {
public:
    static HostResult<std::shared_ptr<TlsContext>> server(const std::string& certificate_file, const std::string& key_file);
    // An empty `ca_file` is the system's store.
    static HostResult<std::shared_ptr<TlsContext>> client(const std::string& ca_file, bool verify);
    explicit TlsContext(SSL_CTX* context) : context_(context) {}
    ~TlsContext();
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;

    SslPointer accept(int fd);
    SslPointer connect(int fd, const std::string& host);  // expects a certificate for `host`, a name or an address

private:
    SSL_CTX* context_;
};

std::string tls_error_text();  // of this thread's OpenSSL error queue, which is emptied

}  // namespace boxship::http
