#include <algorithm>

#include "base/strings.h"
#include "env/real/files.h"
#include "runtime/cgroup.h"

namespace boxship::runtime {
namespace {

// mountinfo writes space, tab, newline and backslash as \ and three octal digits.
std::string unescape(std::string_view text)
{
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 3 < text.size()) {
            plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
            i += 3;
        } else {
            plain += text[i];
        }
    }
    return plain;
}

bool is_controller(const std::string& option)
{
    static const char* const known[] = {"cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "net_cls",
                                        "net_prio", "perf_event", "hugetlb", "rdma", "misc", "name=systemd"};
    return std::find(std::begin(known), std::end(known), option) != std::end(known);
}

}  // namespace

const CgroupHierarchy* CgroupLayout::with(std::string_view controller) const
{
    for (const auto& hierarchy : hierarchies)
        if (std::find(hierarchy.controllers.begin(), hierarchy.controllers.end(), controller) != hierarchy.controllers.end())
            return &hierarchy;
    return nullptr;
}

const CgroupHierarchy* CgroupLayout::unified() const
{
    for (const auto& hierarchy : hierarchies)
        if (hierarchy.v2) return &hierarchy;
    return nullptr;
}

CgroupLayout read_cgroup_layout(const std::string& mountinfo)
{
    CgroupLayout layout;
    bool v1 = false;
    for (const auto& line : split(mountinfo, '\n')) {
        // id parent device root mount options [fields…] - type source super-options
        const auto words = split(line, ' ');
        const auto dash = std::find(words.begin(), words.end(), "-");
        if (words.size() < 10 || words.end() - dash < 4) continue;
        CgroupHierarchy hierarchy{.mount = unescape(words[4]), .v2 = dash[1] == "cgroup2"};
        if (dash[1] == "cgroup") {
            for (auto& option : split(dash[3], ','))
                if (is_controller(option)) hierarchy.controllers.push_back(option);
            if (hierarchy.controllers.empty() || layout.with(hierarchy.controllers.front())) continue;  // or mounted twice
            v1 = v1 || hierarchy.controllers.front() != "name=systemd";
        } else if (hierarchy.v2) {
            if (layout.unified()) continue;
            const auto text = env::read_file(hierarchy.mount + "/cgroup.controllers");
            if (text)
                for (auto& name : split(trim(*text), ' '))
                    if (!name.empty()) hierarchy.controllers.push_back(name);
        } else {
            continue;
        }
        layout.hierarchies.push_back(std::move(hierarchy));
    }
    // A v1 hierarchy answers for its controllers before a v2 one beside it.
    std::stable_sort(layout.hierarchies.begin(), layout.hierarchies.end(), [](const auto& a, const auto& b) { return a.v2 < b.v2; });
    if (v1) layout.mode = layout.unified() ? CgroupMode::hybrid : CgroupMode::v1;
    else if (layout.unified()) layout.mode = CgroupMode::v2;
    return layout;
}

}  // namespace boxship::runtime
