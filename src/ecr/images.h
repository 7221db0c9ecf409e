// Images (manifests) and tags of a repository.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ecr/links.h"
#include "ecr/manifest.h"

namespace boxship::ecr {

using ImageRow = std::shared_ptr<const model::Image>;

// How ECR names an image in its sentences and failures: either part may be empty.
struct ImageName {
    std::string digest;
    std::string tag;
};
std::string to_text(const ImageName& name);  // {imageDigest:'sha256:…', imageTag:'null'}

// By tag, by digest, or by both, which must then agree.
Checked<ImageRow> find_image(const View& view, const model::Repository& repository, const ImageName& name);
// A reference of /v2/: with a colon a digest, else a tag.
Checked<ImageRow> find_reference(const View& view, const model::Repository& repository, const std::string& reference);

struct NewImage {
    std::string digest;
    std::int64_t manifest_size = 0;
    Manifest manifest;
    std::vector<std::string> tags;
    std::size_t images_max = 0;  // that the repository may have; 0: any number
    bool refuse_repeat = false;  // the control API: the same digest under the same tag again is an error
};
// The manifest's file is in its place. Everything that it names must be in this repository (a subject need not), each tag
// must be free to move; then image, blob, link and tags change together.
Checked<ImageRow> put_image(Txn& txn, const model::Repository& repository, const NewImage& image, Time now);

std::vector<std::string> tags_of(const View& view, const model::Repository& repository, const std::string& digest);

// Only the tag goes. The image it named.
Checked<ImageRow> delete_tag(Txn& txn, const model::Repository& repository, const std::string& tag);
// The image with all its tags; refused while an index of the repository names it.
Checked<ImageRow> delete_image(Txn& txn, const model::Repository& repository, const std::string& digest, Time now);

// Tags after `last` in byte order, at most `count`; `more` says whether others follow.
struct TagPage {
    std::vector<std::string> tags;
    bool more = false;
};
TagPage list_tags(const View& view, const model::Repository& repository, const std::string& last, std::size_t count);

// Images that name `digest` as their subject, in order of their digests.
std::vector<ImageRow> list_referrers(const View& view, const model::Repository& repository, const std::string& digest);

// The time of the last pull is kept to the hour.
constexpr Milliseconds pull_time_step{std::chrono::hours(1)};
inline bool pull_is_news(const model::Image& image, Time now) { return image.pulled_at + pull_time_step <= now; }
void note_pull(Txn& txn, const model::InRepository& image, Time now);

}  // namespace boxship::ecr
