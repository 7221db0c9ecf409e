#include "services/ecr/common.h"

namespace boxship::services {

void serve_ecr(Served& served)
{
    ecr::serve_registry(served);
    ecr::serve_repositories(served);
    ecr::serve_settings(served);
    ecr::serve_policies(served);
    ecr::serve_tags(served);
    ecr::serve_images(served);
    ecr::serve_image_bytes(served);
    ecr::serve_layers(served);
}

}  // namespace boxship::services
