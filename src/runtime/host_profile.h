// What this host can do, found out once at start. What it lacks is refused with a reason where it is asked for.
#pragma once

#include <string>
#include <vector>

#include "runtime/cgroup.h"

namespace boxship::runtime {

struct HostFinding {
    std::string subject;  // "cgroup controllers", "OCI runtime", …
    std::string value;
    enum class Grade { good, limited, missing } grade = Grade::good;
    std::string advice;   // what is refused without it, and what to do about it
};

struct HostProfile {
    CgroupLayout cgroups;
    std::string oci_path;              // empty: none that works
    std::string oci_kind;              // crun or runc
    std::string oci_version;
    bool cgroups_ours = false;         // see cgroup.h
    bool hide_unified = false;         // crun must not see that the hybrid v2 hierarchy has controllers
    bool seccomp_precompiled = false;  // crun takes a compiled filter
    std::string kernel;                // "6.1.0-18-amd64"
    std::string boot_id;
    std::vector<HostFinding> findings;

    bool usable() const;               // no finding is `missing`
};

struct ProbeOptions {
    std::string monitor_program;               // boxship-monitor
    std::string scratch_directory;             // for a trial container; made and removed
    std::vector<std::string> oci_candidates = {"crun", "runc"};  // paths, or names looked up on PATH; the first that works
};

HostProfile probe_host(const ProbeOptions& options);

std::string to_table(const HostProfile& profile);  // for `boxship doctor host`

}  // namespace boxship::runtime
