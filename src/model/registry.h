// The records of the registry: who may see which bytes. The bytes themselves are files (blobs/), and no reference
// count is ever stored: counts are indexes that the state derives.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/common.h"

namespace boxship::model {

enum class TagMutability : std::uint8_t { mutable_, immutable, immutable_with_exclusion, mutable_with_exclusion };

struct Repository {
    static constexpr std::uint8_t table = 40;
    using Key = RepositoryId;
    Key key() const { return id; }

    RepositoryId id;
    Scope scope;
    std::string name;
    Time created_at;
    TagMutability mutability = TagMutability::mutable_;
    std::vector<std::string> exclusion_filters;      // wildcards
    bool scan_on_push = false;
    std::string encryption_type = "AES256";
    std::string kms_key;
    std::string policy;                              // JSON text; "" none
    std::string lifecycle_policy;                    // JSON text; "" none
    std::vector<KeyValue> tags;
    template <class A>
    void fields(A& a)
    {
        a(1, id); a(2, scope); a(3, name); a(4, created_at); a(5, mutability); a(6, exclusion_filters); a(7, scan_on_push);
        a(8, encryption_type); a(9, kms_key); a(10, policy); a(11, lifecycle_policy); a(12, tags);
    }
};

enum class BlobState : std::uint8_t { live, condemned, damaged };

struct Blob {
    static constexpr std::uint8_t table = 41;
    using Key = std::string;
    Key key() const { return digest; }

    std::string digest;                  // "sha256:…"
    std::int64_t size = 0;               // bytes
    Time created_at;
    BlobState state = BlobState::live;
    std::int64_t generation = 0;         // raised when condemned and when made live again
    Time condemned_at;
    Time verified_at;
    std::string other_digest;            // the same bytes in the other algorithm, when both were computed
    template <class A>
    void fields(A& a)
    {
        a(1, digest); a(2, size); a(3, created_at); a(4, state); a(5, generation); a(6, condemned_at); a(7, verified_at);
        a(8, other_digest);
    }
};

struct InRepository {  // "this digest (or tag) in this repository"
    RepositoryId repository;
    std::string name;
    auto operator<=>(const InRepository&) const = default;
    template <class A>
    void fields(A& a) { a(1, repository); a(2, name); }
};

struct BlobLink {
    static constexpr std::uint8_t table = 42;
    using Key = InRepository;
    Key key() const { return id; }

    InRepository id;                     // name = the blob's digest
    Time since;
    Time kept_until;                     // every "exists" is a promise until then; 0: no promise is open, an image holds it
    template <class A>
    void fields(A& a) { a(1, id); a(2, since); a(3, kept_until); }
};

struct Image {
    static constexpr std::uint8_t table = 43;
    using Key = InRepository;
    Key key() const { return id; }

    InRepository id;                     // name = the manifest's digest
    std::string media_type;
    std::int64_t manifest_size = 0;      // bytes
    std::int64_t image_size = 0;         // compressed: config and layers; an index: its largest child
    Time pushed_at;
    Time pulled_at;
    std::string config;                  // digest; "" for an index
    std::string config_media_type;
    std::vector<std::string> layers;     // digests that must stay, in order
    std::vector<std::string> children;   // manifests that an index names
    std::string subject;                 // digest
    std::string artifact_type;
    template <class A>
    void fields(A& a)
    {
        a(1, id); a(2, media_type); a(3, manifest_size); a(4, image_size); a(5, pushed_at); a(6, pulled_at); a(7, config);
        a(8, config_media_type); a(9, layers); a(10, children); a(11, subject); a(12, artifact_type);
    }
};

struct ImageTag {
    static constexpr std::uint8_t table = 44;
    using Key = InRepository;
    Key key() const { return id; }

    InRepository id;                     // name = the tag
    std::string digest;
    Time since;
    template <class A>
    void fields(A& a) { a(1, id); a(2, digest); a(3, since); }
};

struct Upload {
    static constexpr std::uint8_t table = 45;
    using Key = UploadId;
    Key key() const { return id; }

    UploadId id;
    RepositoryId repository;
    std::string algorithm = "sha256";
    std::int64_t offset = 0;             // bytes known to be on disk
    Time last_activity;
    bool ended = false;                  // kept as long as its address would begin it again
    template <class A>
    void fields(A& a) { a(1, id); a(2, repository); a(3, algorithm); a(4, offset); a(5, last_activity); a(6, ended); }
};

}  // namespace boxship::model
