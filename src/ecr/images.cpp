#include "ecr/images.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "ecr/mutability.h"

namespace boxship::ecr {

std::string to_text(const ImageName& name)
{
    const auto quoted = [](const std::string& text) { return text.empty() ? "null" : text; };
    return fmt::format("{{imageDigest:'{}', imageTag:'{}'}}", quoted(name.digest), quoted(name.tag));
}

Checked<ImageRow> find_image(const View& view, const model::Repository& repository, const ImageName& name)
{
    std::string digest = name.digest;
    if (!name.tag.empty()) {
        const auto tag = view.get<model::ImageTag>({repository.id, name.tag});
        if (tag && (digest.empty() || digest == tag->digest)) digest = tag->digest;
        else digest.clear();
    }
    ImageRow image = digest.empty() ? nullptr : view.get<model::Image>({repository.id, digest});
    if (image) {
        // A manifest whose bytes are damaged is absent, until it is pushed again.
        const auto blob = view.get<model::Blob>(digest);
        if (blob && blob->state == model::BlobState::live) return image;
    }
    return Refused{Reason::image_not_found,
                   fmt::format("The image with imageId {} does not exist within the repository with name '{}' in the registry with "
                               "id '{}'", to_text(name), repository.name, repository.scope.account), {}};
}

Checked<ImageRow> find_reference(const View& view, const model::Repository& repository, const std::string& reference)
{
    const bool digest = reference.find(':') != std::string::npos;
    return find_image(view, repository, digest ? ImageName{reference, ""} : ImageName{"", reference});
}

namespace {

bool readable(const View& view, const model::Repository& repository, const std::string& digest)
{
    return find_blob(view, repository, digest).ok();
}

Checked<> check_tags(const View& view, const model::Repository& repository, const NewImage& image)
{
    bool news = image.tags.empty() && !view.get<model::Image>({repository.id, image.digest});
    for (const std::string& tag : image.tags) {
        const auto before = view.get<model::ImageTag>({repository.id, tag});
        if (!before || before->digest != image.digest) news = true;
        if (before && before->digest != image.digest && !tag_may_move(repository, tag))
            return Refused{Reason::tag_already_exists,
                           fmt::format("The image tag '{}' already exists in the '{}' repository and cannot be overwritten because "
                                       "the tag is immutable.", tag, repository.name), {tag}};
    }
    if (news || !image.refuse_repeat) return {};
    return Refused{Reason::image_already_exists,
                   fmt::format("Image with digest '{}' and tag '{}' already exists in {}", image.digest,
                               image.tags.empty() ? "null" : image.tags.front(), place(repository)), {}};
}

}  // namespace

Checked<ImageRow> put_image(Txn& txn, const model::Repository& repository, const NewImage& image, Time now)
{
    const Manifest& manifest = image.manifest;
    const model::InRepository id{repository.id, image.digest};
    const ImageRow before = txn.get<model::Image>(id);
    model::Image row{.id = id, .media_type = manifest.media_type, .manifest_size = image.manifest_size};
    row.pushed_at = before ? before->pushed_at : now;
    row.pulled_at = before ? before->pulled_at : Time();

    if (!before && image.images_max != 0 && txn.count<state::ImagesByRepository>(repository.id) >= image.images_max)
        return Refused{Reason::too_many_images,
                       fmt::format("The maximum number of images per repository ({}) has been reached in {}", image.images_max, place(repository)), {}};
    std::vector<std::string> missing;
    const auto need = [&](const Descriptor& blob) {
        const auto found = find_blob(txn, repository, blob.digest);
        if (found.ok()) {
            row.image_size += found->blob->size;
            return true;
        }
        if (!blob.elsewhere) missing.push_back(blob.digest);
        return false;
    };
    if (manifest.config) {
        row.config_media_type = manifest.config->media_type;
        if (need(*manifest.config)) row.config = manifest.config->digest;
    }
    for (const Descriptor& layer : manifest.layers)
        if (need(layer)) row.layers.push_back(layer.digest);
    if (!missing.empty())
        return Refused{Reason::layers_not_found,
                       fmt::format("Layers with digests '[{}]' required for pushing image into repository with name '{}' in the "
                                   "registry with id '{}' do not exist", fmt::join(missing, ", "), repository.name,
                                   repository.scope.account), missing};
    for (const Descriptor& child : manifest.children) {
        const ImageRow found = txn.get<model::Image>({repository.id, child.digest});
        if (found && readable(txn, repository, child.digest)) {
            row.children.push_back(child.digest);
            row.image_size = std::max(row.image_size, found->image_size);
        } else if (!child.elsewhere) {
            missing.push_back(child.digest);
        }
    }
    if (!missing.empty())
        return Refused{Reason::referenced_images_not_found,
                       fmt::format("Images with digests '[{}]' required for pushing image into repository with name '{}' in the "
                                   "registry with id '{}' do not exist", fmt::join(missing, ", "), repository.name,
                                   repository.scope.account), missing};
    RETURN_IF_ERROR(check_tags(txn, repository, image));

    row.subject = manifest.subject;
    row.artifact_type = manifest.artifact_type;
    add_blob(txn, repository, image.digest, image.manifest_size, now);
    txn.put(std::move(row));
    for (const std::string& tag : image.tags) {
        const auto standing = txn.get<model::ImageTag>({repository.id, tag});
        if (standing && standing->digest == image.digest) continue;
        txn.put(model::ImageTag{.id = {repository.id, tag}, .digest = image.digest, .since = now});
    }
    return txn.get<model::Image>(id);
}

std::vector<std::string> tags_of(const View& view, const model::Repository& repository, const std::string& digest)
{
    std::vector<std::string> tags;
    for (const auto& tag : view.all<state::TagsByDigest>({repository.id, digest})) tags.push_back(tag->id.name);
    return tags;
}

Checked<ImageRow> delete_tag(Txn& txn, const model::Repository& repository, const std::string& tag)
{
    const auto row = txn.get<model::ImageTag>({repository.id, tag});
    if (!row) return find_image(txn, repository, {"", tag});  // says what is missing
    txn.erase<model::ImageTag>(row->id);
    return txn.get<model::Image>({repository.id, row->digest});
}

Checked<ImageRow> delete_image(Txn& txn, const model::Repository& repository, const std::string& digest, Time now)
{
    const model::InRepository id{repository.id, digest};
    const ImageRow image = txn.get<model::Image>(id);
    if (!image) return find_image(txn, repository, {digest, ""});  // says what is missing
    if (const ImageRow index = txn.first<state::ImagesByChild>(id))
        return Refused{Reason::image_referenced_by_index,
                       fmt::format("Requested image referenced by manifest list: [{}]", index->id.name), {index->id.name}};
    for (const std::string& tag : tags_of(txn, repository, digest)) txn.erase<model::ImageTag>({repository.id, tag});
    txn.erase<model::Image>(id);
    // What only this image held, and nobody is promised any more, is for the next collection.
    std::vector<std::string> held = image->layers;
    held.push_back(digest);
    if (!image->config.empty()) held.push_back(image->config);
    for (const std::string& name : held) {
        const auto link = txn.get<model::BlobLink>({repository.id, name});
        if (!link || link->kept_until || txn.any<state::ImagesByBlob>(link->id)) continue;
        model::BlobLink released = *link;
        released.kept_until = now;
        txn.put(std::move(released));
    }
    return image;
}

TagPage list_tags(const View& view, const model::Repository& repository, const std::string& last, std::size_t count)
{
    TagPage page;
    const auto& rows = view.rows<model::ImageTag>();
    auto at = rows.upper_bound({repository.id, last});
    for (; at != rows.end() && at->first.repository == repository.id; ++at) {
        if (page.tags.size() == count) {
            page.more = true;
            break;
        }
        page.tags.push_back(at->first.name);
    }
    return page;
}

std::vector<ImageRow> list_referrers(const View& view, const model::Repository& repository, const std::string& digest)
{
    return view.all<state::ImagesBySubject>({repository.id, digest});
}

void note_pull(Txn& txn, const model::InRepository& image, Time now)
{
    const ImageRow before = txn.get<model::Image>(image);
    if (!before || !pull_is_news(*before, now)) return;
    model::Image row = *before;
    row.pulled_at = now;
    txn.put(std::move(row));
}

}  // namespace boxship::ecr
