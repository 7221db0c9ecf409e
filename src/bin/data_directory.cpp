#include "bin/data_directory.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include <fmt/format.h>

#include "env/real/files.h"

namespace boxship::bin {
namespace {

using shape::Json;

HostResult<Json> read_json(const std::string& path)
{
    ASSIGN_OR_RETURN(const std::string text, env::read_file(path));
    auto json = Json::parse(text);
    if (!json.ok()) return HostError{path + " is not what boxship wrote there: " + json.error()};
    return std::move(json).value();
}

Json credentials_json(const sigv4::Credentials& credentials)
{
    return Json::object({{"accessKeyId", credentials.access_key_id}, {"secretAccessKey", credentials.secret_access_key}});
}

sigv4::Credentials credentials_from(const Json& json)
{
    return {json.get_string("accessKeyId"), json.get_string("secretAccessKey"), {}};
}

sigv4::Credentials new_credentials(env::Random& random)
{
    // AWS's form: "AKIA" and 16 of A-Z2-7; the secret 40 characters.
    static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    std::string id = "AKIA";
    for (int i = 0; i < 16; ++i) id += digits[random.number(32)];
    return {id, crypto::random_hex(random, 20), {}};
}

HostResult<sigv4::Credentials> credentials_at(const std::string& path, env::Random& random)
{
    if (!env::file_exists(path))
        RETURN_IF_ERROR(env::write_file_durably(path, credentials_json(new_credentials(random)).dump_pretty() + "\n", 0600));
    ASSIGN_OR_RETURN(const Json json, read_json(path));
    return credentials_from(json);
}

// The calling user's own file, where the user behind sudo finds it too.
std::string user_file(const passwd& user) { return std::string(user.pw_dir) + "/.boxship/credentials.json"; }

}  // namespace

HostResult<PlatformIdentity> DataDirectory::initialise(const PlatformIdentity& wanted, env::Random& random)
{
    RETURN_IF_ERROR(env::make_directories(path_, 0700));
    for (const char* name : {"hosts", "run", "log", "blobs"}) RETURN_IF_ERROR(env::make_directories(file(name), 0700));
    if (!env::file_exists(file("platform.json"))) {
        // Five characters at most: it begins the names of links, which have room for fifteen.
        static constexpr char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
        std::string short_id = "bx";
        for (int i = 0; i < 3; ++i) short_id += digits[random.number(36)];
        const Json json = Json::object({{"shortId", short_id}, {"account", wanted.account}, {"region", wanted.region},
                                        {"vpcCidr", wanted.vpc_cidr}});
        RETURN_IF_ERROR(env::write_file_durably(file("platform.json"), json.dump_pretty() + "\n"));
    }
    RETURN_IF_ERROR(credentials_at(file("credentials.json"), random));
    if (!env::file_exists(file("server.key"))) {
        std::string key(32, '\0');
        random.fill(std::as_writable_bytes(std::span(key)));
        RETURN_IF_ERROR(env::write_file_durably(file("server.key"), key, 0600));
    }
    return identity();
}

HostResult<PlatformIdentity> DataDirectory::identity() const
{
    if (!env::file_exists(file("platform.json")))
        return HostError{"there is no platform in " + path_ + "; start one with: boxship up --detach"};
    ASSIGN_OR_RETURN(const Json json, read_json(file("platform.json")));
    return PlatformIdentity{json.get_string("shortId"), json.get_string("account"), json.get_string("region"),
                            json.get_string("vpcCidr")};
}

HostResult<sigv4::Credentials> DataDirectory::root_credentials() const
{
    ASSIGN_OR_RETURN(const Json json, read_json(file("credentials.json")));
    return credentials_from(json);
}

HostResult<crypto::Key> DataDirectory::server_key() const
{
    ASSIGN_OR_RETURN(const std::string bytes, env::read_file(file("server.key")));
    crypto::Key key;
    if (bytes.size() != key.size()) return HostError{file("server.key") + " must hold 32 bytes; restore it from a backup"};
    std::memcpy(key.data(), bytes.data(), key.size());
    return key;
}

HostResult<sigv4::Credentials> DataDirectory::host_credentials(const std::string& host, env::Random& random)
{
    return credentials_at(file("hosts/" + host + ".json"), random);
}

HostResult<std::vector<std::pair<std::string, sigv4::Credentials>>> DataDirectory::all_hosts() const
{
    std::vector<std::pair<std::string, sigv4::Credentials>> hosts;
    ASSIGN_OR_RETURN(const auto names, env::list_directory(file("hosts")));
    for (const auto& name : names) {
        if (!name.ends_with(".json")) continue;
        ASSIGN_OR_RETURN(const Json json, read_json(file("hosts/" + name)));
        hosts.emplace_back(name.substr(0, name.size() - 5), credentials_from(json));
    }
    return hosts;
}

HostResult<> DataDirectory::remember_up(const Json& options) const
{
    return env::write_file_durably(file("up.json"), options.dump_pretty() + "\n");
}

Json DataDirectory::last_up() const
{
    auto json = read_json(file("up.json"));
    return json.ok() ? std::move(json).value() : Json::object();
}

HostResult<Connection> DataDirectory::connection() const
{
    if (::access(file("credentials.json").c_str(), R_OK) == 0) {
        ASSIGN_OR_RETURN(const PlatformIdentity platform, identity());
        ASSIGN_OR_RETURN(const sigv4::Credentials root, root_credentials());
        return Connection{last_up().get_string("endpoint", "http://127.0.0.1:4566"), platform.region, root};
    }
    const passwd* user = ::getpwuid(::getuid());
    if (user && ::access(user_file(*user).c_str(), R_OK) == 0) {
        ASSIGN_OR_RETURN(const Json json, read_json(user_file(*user)));
        return Connection{json.get_string("endpoint"), json.get_string("region"), credentials_from(json)};
    }
    if (::access(path_.c_str(), F_OK) == 0 && ::getuid() != 0)
        return HostError{"no credentials for you: the platform in " + path_ + " belongs to another user; run this with sudo"};
    return HostError{"there is no platform in " + path_ + "; start one with: boxship up --detach"};
}

HostResult<> DataDirectory::share_with_sudo_user(const Connection& connection) const
{
    const char* name = std::getenv("SUDO_USER");
    const passwd* user = name && ::getuid() == 0 ? ::getpwnam(name) : nullptr;
    if (!user || user->pw_uid == 0) return {};
    const std::string path = user_file(*user);
    const std::string directory = path.substr(0, path.rfind('/'));
    struct stat info;
    // Root writes into a directory that somebody else owns: a link planted there must not lead elsewhere.
    if (::lstat(directory.c_str(), &info) == 0 && (!S_ISDIR(info.st_mode) || info.st_uid != user->pw_uid))
        return HostError{directory + " is not " + name + "'s own directory; remove it and run this again"};
    RETURN_IF_ERROR(env::make_directories(directory, 0700));
    if (::lchown(directory.c_str(), user->pw_uid, user->pw_gid) != 0) return host_error("chown " + directory, errno);
    Json json = credentials_json(connection.credentials);
    json.set("endpoint", connection.endpoint);
    json.set("region", connection.region);
    RETURN_IF_ERROR(env::remove_file(path + ".new"));
    RETURN_IF_ERROR(env::write_file_durably(path, json.dump_pretty() + "\n", 0600));
    if (::lchown(path.c_str(), user->pw_uid, user->pw_gid) != 0) return host_error("chown " + path, errno);
    return {};
}

}  // namespace boxship::bin
