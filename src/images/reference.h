// Image references as Docker reads them: "nginx", "localhost:4566/app:v2", "ghcr.io/a/b@sha256:…".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace boxship::images {

struct Reference {
    std::string host;        // "docker.io", "localhost:4566"
    std::string repository;  // "library/nginx"
    std::string tag;         // "latest" when neither tag nor digest was named; empty when only a digest was
    std::string digest;      // "sha256:…", or empty. A digest decides; the tag beside it is decoration

    std::string by() const { return digest.empty() ? tag : digest; }  // what the registry is asked for
    bool operator==(const Reference&) const = default;
};

// The error is a sentence.
Outcome<Reference, std::string> parse_reference(std::string_view text);

std::string to_text(const Reference& reference);     // complete: "docker.io/library/nginx:latest"
bool is_digest(std::string_view text);               // sha256:<64 lower-case hexadecimal digits>
std::string digest_hex(std::string_view digest);     // of an is_digest() text, what follows the colon

// The platform's own registry, as the agent knows it.
struct OwnRegistry {
    std::string url;                   // "http://127.0.0.1:4566": where it answers; empty: there is none
    std::vector<std::string> hosts;    // "localhost:4566", and whatever --registry-host says
    std::string account;               // "000000000000"
    std::vector<std::string> regions;  // "us-east-1"
    std::string blobs_directory;       // "<data>/blobs" when it is on this host, else empty

    // One of `hosts`, or <account>.dkr.ecr.<region>.localhost[:port] or ….amazonaws.com of the own account and regions.
    bool answers_for(std::string_view host) const;
};

// Where the registry of `host` answers: "https://registry-1.docker.io". Loopback names are spoken to without TLS.
std::string registry_url(const std::string& host, const OwnRegistry& own);

}  // namespace boxship::images
