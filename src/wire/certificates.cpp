#include "wire/certificates.h"

#include <arpa/inet.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>

#include "wire/crypto.h"

namespace boxship::crypto {
namespace {

template <auto free_function>
struct Free {
    template <class T>
    void operator()(T* pointer) const { free_function(pointer); }
};
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using PrivateKey = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Bio = std::unique_ptr<BIO, Free<BIO_free_all>>;

std::string text_of(BIO* bio)
{
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(bio, &bytes);
    return {bytes, static_cast<std::size_t>(size)};
}

CertifiedKey to_pem(X509* certificate, EVP_PKEY* key)
{
    const Bio certificate_text(BIO_new(BIO_s_mem()));
    const Bio key_text(BIO_new(BIO_s_mem()));
    CHECK(PEM_write_bio_X509(certificate_text.get(), certificate) == 1);
    CHECK(PEM_write_bio_PrivateKey(key_text.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
    return {text_of(certificate_text.get()), text_of(key_text.get())};
}

HostResult<Certificate> read_certificate(std::string_view pem)
{
    const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    ERR_clear_error();
    if (!certificate) return HostError{"the text holds no PEM certificate"};
    return certificate;
}

// Everything but issuer, extensions and signature.
Certificate start(const std::string& common_name, EVP_PKEY* key, Time now, int days, env::Random& random)
{
    Certificate certificate(X509_new());
    CHECK(certificate != nullptr);
    X509_set_version(certificate.get(), X509_VERSION_3);
    std::array<unsigned char, 16> serial;
    random.fill({reinterpret_cast<std::byte*>(serial.data()), serial.size()});
    serial[0] = static_cast<unsigned char>((serial[0] & 0x7f) | 0x40);  // positive and of full length
    const std::unique_ptr<BIGNUM, Free<BN_free>> number(BN_bin2bn(serial.data(), serial.size(), nullptr));
    BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate.get()));
    // An hour back: the clocks of two machines differ.
    const std::time_t seconds = static_cast<std::time_t>(now.ms / 1000) - 3600;
    ASN1_TIME_set(X509_getm_notBefore(certificate.get()), seconds);
    ASN1_TIME_adj(X509_getm_notAfter(certificate.get()), seconds, days, 0);
    X509_NAME* name = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(common_name.data()),
                               static_cast<int>(std::min<std::size_t>(common_name.size(), 64)), -1, 0);
    X509_set_pubkey(certificate.get(), key);
    return certificate;
}

bool extend(X509* certificate, X509* issuer, int kind, const std::string& value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>> extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
    return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool is_address(const std::string& name)
{
    unsigned char bytes[16];
    return ::inet_pton(AF_INET, name.c_str(), bytes) == 1 || ::inet_pton(AF_INET6, name.c_str(), bytes) == 1;
}

bool is_dns_name(const std::string& name)
{
    return !name.empty() && name.size() < 254 &&
           name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.*_") == std::string::npos;
}

}  // namespace

CertifiedKey make_authority(const std::string& common_name, Time now, int days, env::Random& random)
{
    const PrivateKey key(EVP_EC_gen("P-256"));
    CHECK(key != nullptr);
    const Certificate certificate = start(common_name, key.get(), now, days, random);
    X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate.get()));
    CHECK(extend(certificate.get(), certificate.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0"));
    CHECK(extend(certificate.get(), certificate.get(), NID_key_usage, "critical,keyCertSign,cRLSign"));
    CHECK(extend(certificate.get(), certificate.get(), NID_subject_key_identifier, "hash"));
    CHECK(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0);
    return to_pem(certificate.get(), key.get());
}

HostResult<CertifiedKey> issue_certificate(const CertifiedKey& authority, const std::vector<std::string>& names, Time now, int days,
                                           env::Random& random)
{
    if (names.empty()) return HostError{"a certificate needs a name"};
    ASSIGN_OR_RETURN(const Certificate issuer, read_certificate(authority.certificate));
    const Bio bio(BIO_new_mem_buf(authority.key.data(), static_cast<int>(authority.key.size())));
    const PrivateKey issuer_key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
    ERR_clear_error();
    if (!issuer_key) return HostError{"the authority's key is not a PEM key"};

    std::string alternatives;
    for (const std::string& name : names) {
        if (!is_address(name) && !is_dns_name(name)) return HostError{fmt::format("\"{}\" is neither a DNS name nor an IP address", name)};
        if (!alternatives.empty()) alternatives += ",";
        alternatives += (is_address(name) ? "IP:" : "DNS:") + name;
    }
    const PrivateKey key(EVP_EC_gen("P-256"));
    CHECK(key != nullptr);
    const Certificate certificate = start(names.front(), key.get(), now, days, random);
    X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer.get()));
    const bool extended = extend(certificate.get(), issuer.get(), NID_basic_constraints, "critical,CA:FALSE") &&
                          extend(certificate.get(), issuer.get(), NID_key_usage, "critical,digitalSignature") &&
                          extend(certificate.get(), issuer.get(), NID_ext_key_usage, "serverAuth") &&
                          extend(certificate.get(), issuer.get(), NID_subject_alt_name, alternatives) &&
                          extend(certificate.get(), issuer.get(), NID_authority_key_identifier, "keyid");
    CHECK(extended);
    CHECK(X509_sign(certificate.get(), issuer_key.get(), EVP_sha256()) > 0);
    CertifiedKey issued = to_pem(certificate.get(), key.get());
    issued.certificate += authority.certificate;
    return issued;
}

HostResult<std::string> certificate_fingerprint(std::string_view pem)
{
    ASSIGN_OR_RETURN(const Certificate certificate, read_certificate(pem));
    unsigned char* bytes = nullptr;
    const int size = i2d_X509(certificate.get(), &bytes);
    CHECK(size > 0);
    std::string hex = sha256_hex({reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)});
    OPENSSL_free(bytes);
    return hex;
}

}  // namespace boxship::crypto
