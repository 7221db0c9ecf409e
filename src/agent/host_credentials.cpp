#include "agent/host_credentials.h"

#include <sys/stat.h>

#include <cerrno>

#include "base/log.h"
#include "env/real/files.h"
#include "shape/json_value.h"

namespace boxship::agent {

HostResult<sigv4::Credentials> HostCredentials::read() const
{
    ASSIGN_OR_RETURN(const std::string text, env::read_file(path_, 64 << 10));
    const auto json = shape::Json::parse(text);
    if (!json) return HostError{path_ + ": " + json.error()};
    sigv4::Credentials credentials{json->get_string("accessKeyId"), json->get_string("secretAccessKey"), json->get_string("sessionToken")};
    if (credentials.access_key_id.empty() || credentials.secret_access_key.empty())
        return HostError{path_ + " holds no accessKeyId and secretAccessKey"};
    return credentials;
}

HostResult<sigv4::Credentials> HostCredentials::current()
{
    struct stat info;
    const std::lock_guard lock(mutex_);
    if (::stat(path_.c_str(), &info) != 0) {
        if (last_.access_key_id.empty()) return host_error("open " + path_, errno);
        return last_;
    }
    if ((info.st_mode & 077) != 0) return HostError{path_ + " must be readable by its owner alone: chmod 600"};
    const std::uint64_t version = static_cast<std::uint64_t>(info.st_ino) ^ static_cast<std::uint64_t>(info.st_mtim.tv_nsec) << 24 ^
                                  static_cast<std::uint64_t>(info.st_mtim.tv_sec) << 16;
    if (version == version_) return last_;
    auto fresh = read();
    if (!fresh) {
        if (last_.access_key_id.empty()) return fresh;
        log_warning("{}; going on with the key read before", fresh.error().message);
        return last_;
    }
    last_ = *fresh;
    version_ = version;
    return last_;
}

}  // namespace boxship::agent
