// Creating, deleting and describing repositories.
#include <fmt/format.h>

#include "ecr/names.h"
#include "services/ecr/settings.h"

namespace boxship::services::ecr {
namespace {

Result<RepositoryView> create_repository(Txn& txn, const Call& call, const api::CreateRepositoryRequest& request)
{
    if (!request.registry_id.empty() && request.registry_id != call.scope.account)
        return invalid("A repository can only be created in the registry of the caller's own account.");
    const std::string name = request.repository_name.str();
    if (!api::valid_repository_name(name))
        return invalid_member("repositoryName", "must satisfy regular expression "
                                                "'(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*'");
    if (request.encryption_configuration && request.encryption_configuration->encryption_type &&
        *request.encryption_configuration->encryption_type != api::EncryptionType::aes256)
        return invalid("Encryption with a KMS key is not supported by this registry.");
    model::Repository repository;
    repository.name = name;
    RETURN_IF_ERROR(set_mutability(repository, request.image_tag_mutability, request.image_tag_mutability_exclusion_filters));
    RETURN_IF_ERROR(add_tags(call, repository.tags, request.tags));
    repository.scan_on_push = request.image_scanning_configuration->scan_on_push.value_or(false);
    if (const auto most = call.quota(model::Quota::repositories); txn.count_in<model::Repository>(call.scope) >= most)
        return ApiError{"LimitExceededException", fmt::format("The maximum number of repositories per registry ({}) has been reached.", most)};
    auto created = api::create_repository(txn, call.scope, std::move(repository), call.now, call.ids);
    if (!created.ok()) return to_error(created.error());
    return view_of(std::move(created).value(), call);
}

Result<RepositoryView> delete_repository(Txn& txn, const Call& call, const api::DeleteRepositoryRequest& request)
{
    RETURN_IF_ERROR(check_registry(call, request.registry_id, request.repository_name));
    auto deleted = api::delete_repository(txn, call.scope, request.repository_name, request.force.value_or(false), call.now);
    if (!deleted.ok()) return to_error(deleted.error());
    return view_of(std::move(deleted).value(), call);
}

template <class Response>
Response render_one(const RepositoryView& view)
{
    Response response;
    render(view, response.repository.emplace());
    return response;
}

struct DescribedRepositories {
    std::vector<RepositoryView> repositories;
    std::string next;  // the last name of a page that has another behind it
};

Result<DescribedRepositories> describe_repositories(Txn& txn, const Call& call, const api::DescribeRepositoriesRequest& request)
{
    DescribedRepositories described;
    if (!request.repository_names.empty()) {
        if (!request.next_token.empty() || request.max_results)
            return invalid("nextToken and maxResults cannot be given together with repositoryNames");
        for (const auto& name : request.repository_names) {
            ASSIGN_OR_RETURN(auto row, find_repository(txn, call, request.registry_id, name));
            described.repositories.push_back(view_of(std::move(row), call));
        }
        return described;
    }
    if (!request.registry_id.empty() && request.registry_id != call.scope.account) return described;
    ASSIGN_OR_RETURN(const Page page, read_page(request.next_token, request.max_results));
    const auto& entries = txn.entries<state::RepositoryByName>();
    for (auto at = entries.lower_bound({{call.scope, page.after}, RepositoryId()}); at != entries.end() && at->first.scope == call.scope; ++at) {
        if (at->first.name == page.after) continue;
        if (described.repositories.size() == page.count) {
            described.next = described.repositories.back().row->name;
            break;
        }
        described.repositories.push_back(view_of(txn.get<model::Repository>(at->second), call));
    }
    return described;
}

api::DescribeRepositoriesResponse render_repositories(const DescribedRepositories& described)
{
    api::DescribeRepositoriesResponse response;
    response.repositories.emplace();
    for (const auto& view : described.repositories) render(view, response.repositories.emplace_back());
    if (!described.next.empty()) response.next_token = next_token(described.next);
    return response;
}

}  // namespace

void serve_repositories(Served& served)
{
    using namespace api::ops;
    // Scanning is not there yet: the setting is kept and shown.
    served.add<CreateRepository>(create_repository, render_one<api::CreateRepositoryResponse>).ignores({"imageScanningConfiguration.scanOnPush"});
    served.add<DeleteRepository>(delete_repository, render_one<api::DeleteRepositoryResponse>);
    served.add<DescribeRepositories>(describe_repositories, render_repositories);
}

}  // namespace boxship::services::ecr
