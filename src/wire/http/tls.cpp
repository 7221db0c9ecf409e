#include "wire/http/tls.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <cerrno>

namespace boxship::http {
namespace {

// OpenSSL's own socket BIO writes with write(2), which raises SIGPIPE; this one does not.
int bio_write(BIO* bio, const char* bytes, int count)
{
    const auto fd = static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
    BIO_clear_retry_flags(bio);
    const ssize_t wrote = ::send(fd, bytes, static_cast<std::size_t>(count), MSG_NOSIGNAL);
    if (wrote < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
    return static_cast<int>(wrote);
}

int bio_read(BIO* bio, char* bytes, int count)
{
    const auto fd = static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
    BIO_clear_retry_flags(bio);
    const ssize_t got = ::recv(fd, bytes, static_cast<std::size_t>(count), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
    if (got == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    return static_cast<int>(got);
}

long bio_control(BIO* bio, int command, long, void*)
{
    if (command == BIO_CTRL_FLUSH) return 1;
    if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
    return 0;
}

const BIO_METHOD* socket_method()
{
    static BIO_METHOD* method = [] {
        BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "boxship socket");
        BIO_meth_set_write(made, bio_write);
        BIO_meth_set_read(made, bio_read);
        BIO_meth_set_ctrl(made, bio_control);
        BIO_meth_set_create(made, [](BIO* bio) {
            BIO_set_init(bio, 1);
            return 1;
        });
        return made;
    }();
    return method;
}

SslPointer make(SSL_CTX* context, int fd)
{
    SslPointer ssl(SSL_new(context));
    CHECK(ssl != nullptr);
    BIO* bio = BIO_new(socket_method());
    CHECK(bio != nullptr);
    BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));
    SSL_set_bio(ssl.get(), bio, bio);
    return ssl;
}

std::shared_ptr<TlsContext> make_context(const SSL_METHOD* method, SSL_CTX*& raw)
{
    raw = SSL_CTX_new(method);
    CHECK(raw != nullptr);
    SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
    SSL_CTX_set_mode(raw, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION);
    return std::make_shared<TlsContext>(raw);
}

}  // namespace

void SslFree::operator()(SSL* ssl) const { SSL_free(ssl); }

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

HostResult<std::shared_ptr<TlsContext>> TlsContext::server(const std::string& certificate_file, const std::string& key_file)
{
    SSL_CTX* raw = nullptr;
    auto context = make_context(TLS_server_method(), raw);
    if (SSL_CTX_use_certificate_chain_file(raw, certificate_file.c_str()) != 1)
        return HostError{fmt::format("TLS certificate {}: {}", certificate_file, tls_error_text())};
    if (SSL_CTX_use_PrivateKey_file(raw, key_file.c_str(), SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(raw) != 1)
        return HostError{fmt::format("TLS key {}: {}", key_file, tls_error_text())};
    return context;
}

HostResult<std::shared_ptr<TlsContext>> TlsContext::client(const std::string& ca_file, bool verify)
{
    SSL_CTX* raw = nullptr;
    auto context = make_context(TLS_client_method(), raw);
    SSL_CTX_set_verify(raw, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    if (!verify) return context;
    const int loaded = ca_file.empty() ? SSL_CTX_set_default_verify_paths(raw) : SSL_CTX_load_verify_file(raw, ca_file.c_str());
    if (loaded != 1)
        return HostError{fmt::format("TLS trust store {}: {}", ca_file.empty() ? "of the system" : ca_file, tls_error_text())};
    return context;
}

SslPointer TlsContext::accept(int fd)
{
    SslPointer ssl = make(context_, fd);
    SSL_set_accept_state(ssl.get());
    return ssl;
}

SslPointer TlsContext::connect(int fd, const std::string& host)
{
    SslPointer ssl = make(context_, fd);
    SSL_set_connect_state(ssl.get());
    unsigned char address[16];
    const bool literal =
        ::inet_pton(AF_INET, host.c_str(), address) == 1 || ::inet_pton(AF_INET6, host.c_str(), address) == 1;
    if (literal) {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), host.c_str());
    } else {
        SSL_set_tlsext_host_name(ssl.get(), host.c_str());
        SSL_set1_host(ssl.get(), host.c_str());
    }
    return ssl;
}

std::string tls_error_text()
{
    const unsigned long code = ERR_get_error();
    ERR_clear_error();
    if (code == 0) return "the connection ended";
    const char* reason = ERR_reason_error_string(code);
    return reason ? reason : fmt::format("error {:x}", code);
}

}  // namespace boxship::http
