// Why an image could not be had, in the words that end up in a container's `reason`.
#pragma once

#include <string>

#include "base/result.h"

namespace boxship::images {

enum class PullFailure { not_found, auth, digest_mismatch, network, unpack, no_space, unsupported, cancelled };

struct PullError {
    PullFailure kind = PullFailure::network;
    std::string message;  // a sentence: which image, which registry, what to do
    // The agent's name for it: an image that could not even be looked up, or one that could not be fetched.
    bool at_manifest = false;

    // "CannotPullContainerError: …"
    std::string reason() const
    {
        const bool lookup = at_manifest && (kind == PullFailure::network || kind == PullFailure::not_found);
        return (lookup ? "CannotPullImageManifestError: " : "CannotPullContainerError: ") + message;
    }
};

template <class T = void>
using PullResult = Outcome<T, PullError>;

}  // namespace boxship::images
