#include "images/store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/log.h"
#include "base/strings.h"
#include "env/real/files.h"
#include "images/records.h"
#include "images/reference.h"
#include "wire/crypto.h"

namespace boxship::images {
namespace {

HostResult<> take_lock(int fd, int operation, const std::string& path)
{
    while (::flock(fd, operation) != 0) {
        if (errno != EINTR) return host_error("lock " + path, errno);
    }
    return {};
}

// Short names, in base 36, counted up. A name may come again only when nothing of that name is left.
std::string short_name(std::uint64_t number)
{
    std::string name;
    do {
        name.insert(name.begin(), "0123456789abcdefghijklmnopqrstuvwxyz"[number % 36]);
        number /= 36;
    } while (number > 0);
    return name;
}

}  // namespace

LayerStore::LayerStore(std::string directory, env::Clock& clock, std::string boot)
    : directory_(std::move(directory)), clock_(clock), boot_(std::move(boot))
{
}

LayerStore::~LayerStore()
{
    {
        const std::lock_guard guard(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    if (settler_.joinable()) settler_.join();
}

HostResult<std::unique_ptr<LayerStore>> LayerStore::open(std::string directory, env::Clock& clock)
{
    ASSIGN_OR_RETURN(const std::string boot, env::read_file("/proc/sys/kernel/random/boot_id"));
    std::unique_ptr<LayerStore> store(new LayerStore(std::move(directory), clock, std::string(trim(boot))));
    for (const char* folder : {"l", "layers", "documents", "images", "names", "pins", "trash", "locks", "empty"})
        RETURN_IF_ERROR(env::make_directories(store->directory_ + "/" + folder, 0700));
    // Containers that run as somebody else reach their files through these.
    for (const char* folder : {"", "l", "empty"}) {
        const std::string path = store->directory_ + "/" + folder;
        if (::chmod(path.c_str(), 0755) != 0) return host_error("set mode of " + path, errno);
    }
    ASSIGN_OR_RETURN(store->unsettled_, store->sweep());
    RETURN_IF_ERROR(store->empty_trash());
    store->settler_ = std::thread([store = store.get()] { store->settle_layers(); });
    return store;
}

std::string LayerStore::at(const char* folder, std::string_view name) const
{
    return fmt::format("{}/{}/{}", directory_, folder, name);
}

HostResult<env::UniqueFd> LayerStore::lock(int operation) const
{
    const std::string path = directory_ + "/lock";
    ASSIGN_OR_RETURN(env::UniqueFd fd, env::open_file(path, O_RDWR | O_CREAT, 0600));
    RETURN_IF_ERROR(take_lock(fd.get(), operation, path));
    return fd;
}

HostResult<> LayerStore::write_record(const std::string& path, std::string_view text) const
{
    // Shared, like every holder's who is here already: a sweep may take what half-written records it finds for rubbish.
    ASSIGN_OR_RETURN(const env::UniqueFd held, lock(LOCK_SH));
    const std::string beside = fmt::format("{}.{}.new", path, ::gettid());
    RETURN_IF_ERROR(env::write_file(beside, text, 0600));
    if (::rename(beside.c_str(), path.c_str()) != 0) return host_error("rename to " + path, errno);
    return {};
}

std::optional<std::string> LayerStore::document(const std::string& digest) const
{
    auto bytes = env::read_file(at("documents", digest_hex(digest)));
    if (!bytes.ok() || "sha256:" + crypto::sha256_hex(*bytes) != digest) return std::nullopt;
    return std::move(bytes).value();
}

HostResult<> LayerStore::keep_document(const std::string& digest, std::string_view bytes)
{
    return write_record(at("documents", digest_hex(digest)), bytes);
}

bool LayerStore::has_layer(const std::string& diff_id) const
{
    const auto record = load_layer(at("layers", digest_hex(diff_id)));
    return record && (record->boot.empty() || record->boot == boot_);
}

HostResult<env::UniqueFd> LayerStore::lock_layer(const std::string& diff_id)
{
    const std::string path = at("locks", digest_hex(diff_id).substr(0, 3));  // a file each for ever would pile up
    ASSIGN_OR_RETURN(env::UniqueFd fd, env::open_file(path, O_RDWR | O_CREAT, 0600));
    RETURN_IF_ERROR(take_lock(fd.get(), LOCK_EX, path));
    return fd;
}

HostResult<LayerStore::Draft> LayerStore::begin_layer()
{
    ASSIGN_OR_RETURN(const env::UniqueFd held, lock(LOCK_SH));
    ASSIGN_OR_RETURN(const auto names, env::list_directory(directory_ + "/l"));
    for (std::uint64_t number = names.size();; ++number) {
        const std::string name = short_name(number);
        const std::string path = at("l", name);
        if (::mkdir(path.c_str(), 0755) != 0) {
            if (errno == EEXIST) continue;
            return host_error("make directory " + path, errno);
        }
        ASSIGN_OR_RETURN(env::UniqueFd fd, env::open_file(path, O_RDONLY | O_DIRECTORY));
        if (::fchmod(fd.get(), 0755) != 0) return host_error("set mode of " + path, errno);
        RETURN_IF_ERROR(take_lock(fd.get(), LOCK_EX | LOCK_NB, path));
        return Draft(path, name, std::move(fd));
    }
}

LayerStore::Draft::~Draft()
{
    if (!lock_ || kept_) return;
    if (const auto removed = env::remove_tree(path_); !removed.ok()) log_warning("{}", removed.error().message);
}

HostResult<> LayerStore::keep_layer(Draft draft, const std::string& diff_id, const Unpacked& unpacked)
{
    const LayerRecord record{draft.name_, unpacked.bytes, unpacked.entries, boot_, unpacked.implied};
    RETURN_IF_ERROR(write_record(at("layers", digest_hex(diff_id)), to_text(record)));
    draft.kept_ = true;
    {
        const std::lock_guard guard(mutex_);
        unsettled_.push_back(diff_id);
    }
    changed_.notify_all();
    return {};
}

void LayerStore::wait_until_settled()
{
    std::unique_lock guard(mutex_);
    changed_.wait(guard, [this] { return (unsettled_.empty() && !settling_) || stopping_; });
}

void LayerStore::settle_layers()
{
    std::unique_lock guard(mutex_);
    while (!stopping_) {
        if (unsettled_.empty()) {
            changed_.wait(guard);
            continue;
        }
        const std::vector<std::string> diff_ids = std::exchange(unsettled_, {});
        settling_ = true;
        guard.unlock();
        // What stays unsynced serves until the machine stops and is pulled again after that.
        if (const auto settled = settle(diff_ids); !settled.ok()) log_warning("layers are not synced: {}", settled.error().message);
        guard.lock();
        settling_ = false;
        changed_.notify_all();
    }
}

HostResult<> LayerStore::settle(const std::vector<std::string>& diff_ids)
{
    ASSIGN_OR_RETURN(const env::UniqueFd fd, env::open_file(directory_, O_RDONLY | O_DIRECTORY));
    if (::syncfs(fd.get()) != 0) return host_error("sync " + directory_, errno);
    {
        ASSIGN_OR_RETURN(const env::UniqueFd held, lock(LOCK_SH));
        for (const std::string& diff_id : diff_ids) {
            const std::string path = at("layers", digest_hex(diff_id));
            auto record = load_layer(path);
            if (!record || record->boot != boot_) continue;  // collected meanwhile, or settled by another process
            record->boot.clear();
            RETURN_IF_ERROR(write_record(path, to_text(*record)));
        }
    }
    if (::syncfs(fd.get()) != 0) return host_error("sync " + directory_, errno);
    return {};
}

}  // namespace boxship::images
