#include "runtime/trial.h"

#include <elf.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "base/strings.h"
#include "env/real/files.h"
#include "env/real/process.h"
#include "runtime/capabilities.h"
#include "runtime/seccomp.h"

namespace boxship::runtime {
namespace {

#if defined(__x86_64__)
constexpr unsigned char code[] = {0x31, 0xff, 0xb8, 0x3c, 0x00, 0x00, 0x00, 0x0f, 0x05};  // exit(0)
constexpr Elf64_Half machine = EM_X86_64;
#else
constexpr unsigned char code[] = {0x00, 0x00, 0x80, 0xd2, 0xa8, 0x0b, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4};  // exit(0)
constexpr Elf64_Half machine = EM_AARCH64;
#endif

constexpr std::string_view prefix = "trial-";

// The smallest program there is: it needs nothing in its root file system, and ends with status 0.
std::string tiny_program()
{
    constexpr Elf64_Addr at = 0x400000;
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_type = ET_EXEC;
    header.e_machine = machine;
    header.e_version = EV_CURRENT;
    header.e_entry = at + sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr);
    header.e_phoff = sizeof(Elf64_Ehdr);
    header.e_ehsize = sizeof(Elf64_Ehdr);
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = 1;
    Elf64_Phdr segment{};
    segment.p_type = PT_LOAD;
    segment.p_flags = PF_R | PF_X;
    segment.p_vaddr = segment.p_paddr = at;
    segment.p_filesz = segment.p_memsz = sizeof header + sizeof segment + sizeof code;
    segment.p_align = 4096;
    std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
    bytes.append(reinterpret_cast<const char*>(&segment), sizeof segment);
    return bytes.append(reinterpret_cast<const char*>(code), sizeof code);
}

std::string config()
{
    return R"({"ociVersion":"1.0.2","process":{"user":{"uid":0,"gid":0},"args":["/true"],"cwd":"/"},"root":{"path":"rootfs"},)"
           R"("mounts":[{"destination":"/proc","type":"proc","source":"proc"}],"linux":{"namespaces":[{"type":"pid"},{"type":"mount"},)"
           R"({"type":"ipc"},{"type":"uts"},{"type":"network"}],"seccomp":)" +
           seccomp_json(default_capabilities()) + "}}";
}

HostResult<> run(const HostProfile& profile, const ProbeOptions& options, const std::string& directory)
{
    for (const char* name : {"/rootfs/proc", "/rootfs/dev"}) RETURN_IF_ERROR(env::make_directories(directory + name));
    RETURN_IF_ERROR(env::write_file(directory + "/rootfs/true", tiny_program(), 0755));
    RETURN_IF_ERROR(env::write_file(directory + "/config.json", config()));
    std::vector<std::string> words = {options.monitor_program, "enter"};
    if (profile.hide_unified) words.emplace_back("--hide-unified");
    words.insert(words.end(), {"--", profile.oci_path, "--root", directory + "/oci"});
    if (profile.cgroups_ours) words.emplace_back("--cgroup-manager=disabled");
    words.insert(words.end(), {"run", "--bundle", directory, "boxship-trial-" + std::to_string(::getpid())});
    ASSIGN_OR_RETURN(const auto outcome, env::run_process(words, Milliseconds(20000)));
    if (outcome.exit_code == 0) return {};
    return HostError{"a trial container failed: " + std::string(trim(outcome.err)), 0};
}

// Directories of trials whose processes were killed in the middle; their names hold the process's number.
HostResult<> sweep(const std::string& scratch)
{
    ASSIGN_OR_RETURN(const auto names, env::list_directory(scratch));
    for (const std::string& name : names) {
        if (!name.starts_with(prefix)) continue;
        const std::string pid = name.substr(prefix.size(), name.rfind('-') - prefix.size());
        if (!env::file_exists("/proc/" + pid)) RETURN_IF_ERROR(env::remove_tree(scratch + "/" + name));
    }
    return {};
}

}  // namespace

HostResult<> try_container(const HostProfile& profile, const ProbeOptions& options)
{
    std::string directory = options.scratch_directory + "/" + std::string(prefix) + std::to_string(::getpid()) + "-XXXXXX";
    RETURN_IF_ERROR(env::make_directories(options.scratch_directory));
    RETURN_IF_ERROR(sweep(options.scratch_directory));
    if (!::mkdtemp(directory.data())) return host_error("make directory " + directory, errno);
    auto outcome = run(profile, options, directory);
    if (auto removed = env::remove_tree(directory); outcome && !removed) return removed;
    return outcome;
}

}  // namespace boxship::runtime
