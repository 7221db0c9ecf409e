// What the control API needs of whoever owns the bytes (registry/ implements it). Calls return at once, from any thread;
// `done` comes later, on a thread of the data path's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ecr/access.h"
#include "ecr/images.h"

namespace boxship::ecr {

constexpr Milliseconds password_lifetime{std::chrono::hours(12)};

struct PutOrder {
    model::Scope scope;
    std::string repository;
    std::string manifest;      // the bytes
    std::string media_type;    // "" as the manifest says
    std::string digest;        // "" whatever it is
    std::string tag;           // "" none
    Time now;
};
struct PartOrder {
    model::Scope scope;
    std::string repository;
    UploadId upload;
    std::int64_t first_byte = 0;
    std::int64_t last_byte = 0;   // inclusive
    std::string bytes;
    Time now;
};
struct CompleteOrder {
    model::Scope scope;
    std::string repository;
    UploadId upload;
    std::vector<std::string> digests;  // of the layer, in one or several algorithms
    Time now;
};

class DataPath {
public:
    template <class T>
    using Done = std::function<void(Checked<T>)>;

    virtual ~DataPath() = default;

    virtual std::string issue_password(const Caller& caller, Time now) = 0;  // good for password_lifetime
    // "/v2/…?…" at the registry's address: one blob, without credentials, for an hour.
    virtual std::string link_to_blob(const model::Repository& repository, const std::string& digest, Time now) = 0;

    virtual void put_manifest(PutOrder order, Done<ImageRow> done) = 0;
    // The manifests' bytes in the order asked; "" for one whose bytes are damaged. `pull`: it counts as one.
    virtual void read_manifests(std::vector<ImageRow> images, bool pull, Done<std::vector<std::string>> done) = 0;
    virtual void upload_part(PartOrder order, Done<std::int64_t> done) = 0;        // the last byte that was received
    virtual void complete_upload(CompleteOrder order, Done<std::string> done) = 0; // the layer's digest
};

}  // namespace boxship::ecr
