// The access key with which an agent speaks for its host: a JSON file {"accessKeyId", "secretAccessKey", "sessionToken"?}
// of mode 0600. It may be replaced at any time (rotation): a changed file is read again.
#pragma once

#include <mutex>
#include <string>

#include "base/result.h"
#include "wire/sigv4.h"

namespace boxship::agent {

class HostCredentials {
public:
    explicit HostCredentials(std::string path) : path_(std::move(path)) {}

    // Errors: unreadable, not JSON, readable by others. After a failed re-reading the last good key is given.
    HostResult<sigv4::Credentials> current();

private:
    HostResult<sigv4::Credentials> read() const;

    const std::string path_;
    std::mutex mutex_;
    sigv4::Credentials last_;
    std::uint64_t version_ = 0;     // of the file: inode and time of change
};

}  // namespace boxship::agent
