// Repositories: found, made, removed. All of this runs on the state's thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "ecr/refused.h"
#include "state/txn.h"

namespace boxship::ecr {

using state::Txn;
using state::View;
using RepositoryRow = std::shared_ptr<const model::Repository>;

Checked<RepositoryRow> find_repository(const View& view, const model::Scope& scope, std::string_view name);

// Id, scope and time are filled in; the rest as given. The name's form is the caller's to check.
Checked<RepositoryRow> create_repository(Txn& txn, const model::Scope& scope, model::Repository repository, Time now, Ids& ids);

// With `force` its images, tags, links and unfinished uploads go in the same transaction. The bytes go when nobody else
// names them (collect.h).
Checked<RepositoryRow> delete_repository(Txn& txn, const model::Scope& scope, std::string_view name, bool force, Time now);

// "… in the repository with name 'x' in the registry with id '000000000000'": how ECR names a place.
std::string place(const model::Repository& repository);

}  // namespace boxship::ecr
