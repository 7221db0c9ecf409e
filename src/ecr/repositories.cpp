#include "ecr/repositories.h"

#include <fmt/format.h>

#include "ecr/links.h"

namespace boxship::ecr {

std::string place(const model::Repository& repository)
{
    return fmt::format("the repository with name '{}' in the registry with id '{}'", repository.name, repository.scope.account);
}

Checked<RepositoryRow> find_repository(const View& view, const model::Scope& scope, std::string_view name)
{
    auto row = view.first<state::RepositoryByName>({scope, std::string(name)});
    if (row) return row;
    return Refused{Reason::repository_not_found,
                   fmt::format("The repository with name '{}' does not exist in the registry with id '{}'", name, scope.account), {}};
}

Checked<RepositoryRow> create_repository(Txn& txn, const model::Scope& scope, model::Repository repository, Time now, Ids& ids)
{
    if (txn.any<state::RepositoryByName>({scope, repository.name}))
        return Refused{Reason::repository_already_exists,
                       fmt::format("The repository with name '{}' already exists in the registry with id '{}'", repository.name,
                                   scope.account), {}};
    repository.id = ids.next<RepositoryId>();
    repository.scope = scope;
    repository.created_at = now;
    const auto id = repository.id;
    txn.put(std::move(repository));
    return txn.get<model::Repository>(id);
}

namespace {

// The keys of a repository's rows, in key order.
template <class Row>
std::vector<model::InRepository> keys_in(const View& view, const RepositoryId& repository)
{
    std::vector<model::InRepository> keys;
    const auto& rows = view.rows<Row>();
    for (auto at = rows.lower_bound({repository, ""}); at != rows.end() && at->first.repository == repository; ++at)
        keys.push_back(at->first);
    return keys;
}

}  // namespace

Checked<RepositoryRow> delete_repository(Txn& txn, const model::Scope& scope, std::string_view name, bool force, Time now)
{
    ASSIGN_OR_RETURN(const RepositoryRow repository, find_repository(txn, scope, name));
    const auto images = keys_in<model::Image>(txn, repository->id);
    if (!images.empty() && !force)
        return Refused{Reason::repository_not_empty,
                       fmt::format("The repository with name '{}' in registry with id '{}' cannot be deleted because it still "
                                   "contains images", repository->name, scope.account), {}};
    for (const auto& key : keys_in<model::ImageTag>(txn, repository->id)) txn.erase<model::ImageTag>(key);
    for (const auto& key : images) txn.erase<model::Image>(key);
    for (const auto& key : keys_in<model::BlobLink>(txn, repository->id)) unlink_blob(txn, key, now);
    std::vector<UploadId> uploads;
    for (const auto& [id, upload] : txn.rows<model::Upload>())
        if (upload->repository == repository->id) uploads.push_back(id);
    for (const auto& id : uploads) txn.erase<model::Upload>(id);
    txn.erase<model::Repository>(repository->id);
    return repository;
}

}  // namespace boxship::ecr
