#include "services/acm/pem.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <memory>

#include <fmt/format.h>

#include "base/bytes.h"

namespace boxship::services::acm {
namespace {

template <auto free_function>
struct Free {
    template <class T>
    void operator()(T* pointer) const { free_function(pointer); }
};
using Bio = std::unique_ptr<BIO, Free<BIO_free_all>>;
using X509Ptr = std::unique_ptr<X509, Free<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;

ApiError refused(std::string message) { return {"ValidationException", std::move(message)}; }

Bio read_only(const std::string& text) { return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

// Never asks anybody for a passphrase.
int no_passphrase(char*, int, int, void*) { return -1; }

std::vector<X509Ptr> read_all(const std::string& pem)
{
    std::vector<X509Ptr> certificates;
    const Bio bio = read_only(pem);
    while (X509Ptr next{PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr)}) certificates.push_back(std::move(next));
    ERR_clear_error();
    return certificates;
}

std::string text_of(BIO* bio)
{
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(bio, &bytes);
    return {bytes, static_cast<std::size_t>(size)};
}

std::string name_text(const X509_NAME* name)
{
    const Bio bio(BIO_new(BIO_s_mem()));
    X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB & ~XN_FLAG_SPC_EQ);
    return text_of(bio.get());
}

std::string common_name(const X509_NAME* name)
{
    const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    if (at < 0) return {};
    unsigned char* bytes = nullptr;
    const int size = ASN1_STRING_to_UTF8(&bytes, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    if (size < 0) return {};
    std::string text(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size));
    OPENSSL_free(bytes);
    return text;
}

Time time_of(const ASN1_TIME* time)
{
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
    return Time{static_cast<std::int64_t>(::timegm(&parts)) * 1000};
}

std::string serial_of(const X509* certificate)
{
    const ASN1_INTEGER* number = X509_get0_serialNumber(certificate);
    std::string text;
    for (int i = 0; i < number->length; ++i) text += fmt::format("{}{:02x}", i == 0 ? "" : ":", number->data[i]);
    return text;
}

std::string key_algorithm(const X509* certificate)
{
    EVP_PKEY* key = X509_get0_pubkey(certificate);
    const int bits = EVP_PKEY_get_bits(key);
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA) return fmt::format("RSA_{}", bits);
    if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC) return {};
    return bits == 256 ? "EC_prime256v1" : bits == 384 ? "EC_secp384r1" : bits == 521 ? "EC_secp521r1" : "";
}

// "ecdsa-with-SHA256" and "sha256WithRSAEncryption" are SHA256WITHECDSA and SHA256WITHRSA.
std::string signature_algorithm(const X509* certificate)
{
    int digest = 0, key = 0;
    if (OBJ_find_sigid_algs(X509_get_signature_nid(certificate), &digest, &key) != 1) return OBJ_nid2ln(X509_get_signature_nid(certificate));
    std::string text = OBJ_nid2sn(digest);
    text += key == NID_rsaEncryption ? "WITHRSA" : key == NID_X9_62_id_ecPublicKey ? "WITHECDSA" : "";
    return text;
}

std::vector<std::string> alternative_names(X509* certificate)
{
    std::vector<std::string> names;
    using Names = std::unique_ptr<GENERAL_NAMES, Free<GENERAL_NAMES_free>>;
    const Names found(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
    for (int i = 0; found && i < sk_GENERAL_NAME_num(found.get()); ++i) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(found.get(), i);
        if (name->type != GEN_DNS) continue;
        names.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)), static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
    }
    return names;
}

void read_usages(X509* certificate, model::Certificate& row)
{
    static constexpr std::pair<std::uint32_t, const char*> usages[] = {
        {KU_DIGITAL_SIGNATURE, "DIGITAL_SIGNATURE"}, {KU_NON_REPUDIATION, "NON_REPUDIATION"},   {KU_KEY_ENCIPHERMENT, "KEY_ENCIPHERMENT"},
        {KU_DATA_ENCIPHERMENT, "DATA_ENCIPHERMENT"}, {KU_KEY_AGREEMENT, "KEY_AGREEMENT"},       {KU_KEY_CERT_SIGN, "CERTIFICATE_SIGNING"},
        {KU_CRL_SIGN, "CRL_SIGNING"},                {KU_ENCIPHER_ONLY, "ENCIPHER_ONLY"},       {KU_DECIPHER_ONLY, "DECIPHER_ONLY"},
    };
    row.key_usages.clear();
    row.extended_key_usages.clear();
    if (const std::uint32_t bits = X509_get_key_usage(certificate); bits != UINT32_MAX)
        for (const auto& [bit, name] : usages)
            if (bits & bit) row.key_usages.emplace_back(name);
    if (const std::uint32_t bits = X509_get_extended_key_usage(certificate); bits != UINT32_MAX) {
        if (bits & XKU_SSL_SERVER) row.extended_key_usages.push_back({"TLS_WEB_SERVER_AUTHENTICATION", "1.3.6.1.5.5.7.3.1"});
        if (bits & XKU_SSL_CLIENT) row.extended_key_usages.push_back({"TLS_WEB_CLIENT_AUTHENTICATION", "1.3.6.1.5.5.7.3.2"});
    }
}

// Each certificate is issued by the next: the chain leads from the certificate upwards, in order.
Result<> check_chain(X509* certificate, const std::vector<X509Ptr>& chain)
{
    X509* below = certificate;
    for (const auto& issuer : chain) {
        if (X509_check_issued(issuer.get(), below) != X509_V_OK || X509_verify(below, X509_get0_pubkey(issuer.get())) != 1) {
            ERR_clear_error();
            return refused("Could not validate the certificate with the certificate chain.");
        }
        below = issuer.get();
    }
    return {};
}

}  // namespace

Result<> read_certificate(const std::string& certificate, const std::string& key, const std::string& chain, Time now, model::Certificate& row)
{
    const auto own = read_all(certificate);
    if (own.empty()) return refused("The certificate field contains no certificate. It must be PEM-encoded.");
    if (own.size() > 1) return refused("The certificate field contains more than one certificate. You can specify only one certificate in this field.");
    X509* x509 = own.front().get();
    const Bio key_bio = read_only(key);
    const KeyPtr private_key(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, no_passphrase, nullptr));
    ERR_clear_error();
    if (!private_key) return refused("The private key is not supported. It must be PEM-encoded and not protected by a passphrase.");
    if (X509_check_private_key(x509, private_key.get()) != 1) {
        ERR_clear_error();
        return refused("The certificate does not match the private key.");
    }
    row.key_algorithm = key_algorithm(x509);
    if (row.key_algorithm.empty()) return refused("The key algorithm of the certificate is not supported.");
    const auto above = chain.empty() ? std::vector<X509Ptr>() : read_all(chain);
    if (!chain.empty() && above.empty()) return refused("The certificate chain field contains no certificate. It must be PEM-encoded.");
    RETURN_IF_ERROR(check_chain(x509, above));
    row.not_before = time_of(X509_get0_notBefore(x509));
    row.not_after = time_of(X509_get0_notAfter(x509));
    if (row.not_before > now) return refused("The certificate is not valid yet.");
    if (row.not_after <= now) return refused("The certificate has expired.");
    row.certificate = certificate;
    row.chain = chain;
    row.names = alternative_names(x509);
    row.domain = common_name(X509_get_subject_name(x509));
    if (row.domain.empty() && !row.names.empty()) row.domain = row.names.front();
    if (row.names.empty() && !row.domain.empty()) row.names.push_back(row.domain);
    row.serial = serial_of(x509);
    row.subject = name_text(X509_get_subject_name(x509));
    row.issuer = common_name(X509_get_issuer_name(x509));
    row.signature_algorithm = signature_algorithm(x509);
    read_usages(x509, row);
    return {};
}

}  // namespace boxship::services::acm
