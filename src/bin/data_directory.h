// What boxship keeps in its data directory, apart from the journal and the blobs: who it is and who may speak to it.
//
//     platform.json            short id, VPC range, region, account: decided at first start, never changed
//     credentials.json         root's access key (0600)
//     hosts/<name>.json        access key of one host's agent (0600)
//     server.key               32 bytes that seal tokens (0600)
//     up.json                  how the last `up` was asked for, for commands that talk to it and for `up` to resume
//     run/<child>.pid          processes of a running platform
//     log/<child>.log          what they say
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "shape/json_value.h"
#include "wire/crypto.h"
#include "wire/sigv4.h"

namespace boxship::bin {

struct PlatformIdentity {
    std::string short_id;   // "bx3f0": prefix of everything on the host
    std::string account = "000000000000";
    std::string region = "us-east-1";
    std::string vpc_cidr;   // "172.31.0.0/16"
    std::string run_directory() const { return "/run/boxship/" + short_id; }
};

struct Connection {         // what a command needs to talk to the platform
    std::string endpoint;   // "http://127.0.0.1:4566"
    std::string region;
    sigv4::Credentials credentials;
};

class DataDirectory {
public:
    explicit DataDirectory(std::string path) : path_(std::move(path)) {}

    const std::string& path() const { return path_; }
    std::string file(const std::string& name) const { return path_ + "/" + name; }

    // Makes what is missing (0700 for the directory, 0600 for secrets), durably; keeps what is there.
    HostResult<PlatformIdentity> initialise(const PlatformIdentity& wanted, env::Random& random);
    HostResult<PlatformIdentity> identity() const;                     // an error when nothing was initialised
    HostResult<sigv4::Credentials> root_credentials() const;
    HostResult<crypto::Key> server_key() const;

    // A host's own access key, made when there is none.
    HostResult<sigv4::Credentials> host_credentials(const std::string& host, env::Random& random);
    HostResult<std::vector<std::pair<std::string, sigv4::Credentials>>> all_hosts() const;

    HostResult<> remember_up(const shape::Json& options) const;
    shape::Json last_up() const;                                       // an object; empty when there was none

    // For commands: from this directory when it may be read, else from the calling user's own file.
    HostResult<Connection> connection() const;
    // Gives the user behind sudo a 0600 file of their own, so that commands work without root.
    HostResult<> share_with_sudo_user(const Connection& connection) const;

private:
    std::string path_;
};

}  // namespace boxship::bin
