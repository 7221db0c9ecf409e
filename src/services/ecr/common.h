// What the ECR operations share: looking up by registry and name, errors in ECR's words, pages, rendering.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ecr/ops.h"
#include "ecr/repositories.h"
#include "services/served.h"

namespace boxship::services::ecr {

namespace api = boxship::ecr;  // the model's records, and the registry's transactions

ApiError to_error(const api::Refused& refused);
ApiError invalid(std::string message);                                  // InvalidParameterException
ApiError invalid_member(std::string_view member, std::string_view rule);  // "Invalid parameter at 'x' failed to satisfy constraint: 'rule'"

// `registry_id` is the account; "" is the caller's own. Another account's registry is not here, and says so.
Result<api::RepositoryRow> find_repository(const state::View& view, const Call& call, std::string_view registry_id, std::string_view name);
Result<> check_registry(const Call& call, std::string_view registry_id, std::string_view name);

// The data path, or the error of an installation that runs no registry.
Result<api::DataPath*> data_path(const Call& call);

// nextToken is the key after which the next page starts, wrapped so that nobody reads it.
struct Page {
    std::string after;
    std::size_t count = 100;
};
Result<Page> read_page(const shape::Str& next_token, const shape::Opt<std::int32_t>& max_results);
std::string next_token(std::string_view after);

struct RepositoryView {  // a row with what rendering needs besides
    api::RepositoryRow row;
    std::string uri;
};
RepositoryView view_of(api::RepositoryRow row, const Call& call);
void render(const RepositoryView& view, api::Repository& out);

constexpr std::string_view scheme(std::string_view endpoint) { return endpoint.starts_with("https://") ? "https://" : "http://"; }

void serve_repositories(Served& served);
void serve_settings(Served& served);
void serve_policies(Served& served);
void serve_tags(Served& served);
void serve_images(Served& served);
void serve_image_bytes(Served& served);
void serve_layers(Served& served);
void serve_registry(Served& served);

}  // namespace boxship::services::ecr
