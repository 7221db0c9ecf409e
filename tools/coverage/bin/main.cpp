// coverage_tool                  prints the page
// coverage_tool --check FILE     fails when FILE is not that page
// coverage_tool --write FILE
#include <cstdio>
#include <string_view>

#include "coverage/coverage.h"
#include "env/real/files.h"
#include "shape/services.h"

int main(int argc, char** argv)
{
    using namespace boxship;
    services::Served served;
    services::serve_ecs(served);
    services::serve_ecr(served);
    services::serve_ec2(served);
    services::serve_sts(served);
    services::serve_elbv2(served);
    services::serve_acm(served);
    const std::string page = coverage::page(shape::services(), served);
    const std::string_view mode = argc == 3 ? argv[1] : "";
    if (mode == "--write") {
        if (const auto written = env::write_file(argv[2], page); !written.ok()) {
            std::fprintf(stderr, "%s\n", written.error().message.c_str());
            return 1;
        }
        return 0;
    }
    if (mode == "--check") {
        const auto text = env::read_file(argv[2]);
        if (text.ok() && *text == page) return 0;
        std::fprintf(stderr, "%s is stale: run ./dev coverage\n", argv[2]);
        return 1;
    }
    if (argc != 1) {
        std::fprintf(stderr, "usage: coverage_tool [--check FILE | --write FILE]\n");
        return 2;
    }
    std::fputs(page.c_str(), stdout);
    return 0;
}
