#include "runtime/seccomp.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <string_view>

#include "base/strings.h"

namespace boxship::runtime {
namespace {

// Allowed to every container. What an architecture lacks is skipped by the OCI runtime.
constexpr const char* always =
    // files
    "access faccessat faccessat2 open openat openat2 creat close close_range read readv pread64 preadv preadv2 write writev pwrite64 "
    "pwritev pwritev2 lseek _llseek readahead sendfile sendfile64 splice tee vmsplice copy_file_range fallocate fadvise64 "
    "fadvise64_64 truncate truncate64 ftruncate ftruncate64 sync syncfs fsync fdatasync sync_file_range flock fcntl fcntl64 ioctl dup "
    "dup2 dup3 pipe pipe2 stat stat64 lstat lstat64 fstat fstat64 fstatat64 newfstatat statx statfs statfs64 fstatfs fstatfs64 "
    "link linkat symlink symlinkat readlink readlinkat unlink unlinkat rename renameat renameat2 mkdir mkdirat rmdir mknod mknodat "
    "chmod fchmod fchmodat fchmodat2 chown chown32 fchown fchown32 fchownat lchown lchown32 utime utimes utimensat utimensat_time64 "
    "futimesat umask chdir fchdir getcwd getdents getdents64 getxattr lgetxattr fgetxattr setxattr lsetxattr fsetxattr listxattr "
    "llistxattr flistxattr removexattr lremovexattr fremovexattr name_to_handle_at inotify_init inotify_init1 inotify_add_watch "
    "inotify_rm_watch fanotify_mark memfd_create memfd_secret cachestat "
    // waiting
    "select _newselect pselect6 pselect6_time64 poll ppoll ppoll_time64 epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_wait "
    "epoll_wait_old epoll_pwait epoll_pwait2 eventfd eventfd2 signalfd signalfd4 timerfd_create timerfd_gettime timerfd_gettime64 "
    "timerfd_settime timerfd_settime64 io_setup io_submit io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 "
    // memory
    "brk mmap mmap2 munmap mprotect mremap msync madvise mincore mlock mlock2 mlockall munlock munlockall remap_file_pages membarrier "
    "pkey_alloc pkey_free pkey_mprotect map_shadow_stack "
    // processes and their identity
    "execve execveat exit exit_group fork vfork wait4 waitid waitpid kill tkill tgkill pidfd_open pidfd_send_signal process_mrelease "
    "getpid getppid gettid getpgid getpgrp setpgid getsid setsid getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 "
    "getresuid getresuid32 getresgid getresgid32 getgroups getgroups32 setuid setuid32 setgid setgid32 setreuid setreuid32 setregid "
    "setregid32 setresuid setresuid32 setresgid setresgid32 setfsuid setfsuid32 setfsgid setfsgid32 setgroups setgroups32 capget "
    "capset prctl seccomp set_tid_address set_robust_list get_robust_list rseq restart_syscall landlock_create_ruleset "
    "landlock_add_rule landlock_restrict_self process_vm_readv process_vm_writev ptrace "
    // scheduling and limits
    "sched_yield sched_getaffinity sched_setaffinity sched_getattr sched_setattr sched_getparam sched_setparam sched_getscheduler "
    "sched_setscheduler sched_get_priority_max sched_get_priority_min sched_rr_get_interval sched_rr_get_interval_time64 getpriority "
    "setpriority ioprio_get ioprio_set getrlimit ugetrlimit setrlimit prlimit64 getrusage getcpu times sysinfo uname "
    // signals
    "rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 "
    "rt_tgsigqueueinfo sigaltstack sigprocmask sigreturn pause alarm getitimer setitimer "
    // time
    "time gettimeofday clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64 "
    "clock_adjtime clock_adjtime64 adjtimex nanosleep timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 "
    "timer_settime timer_settime64 "
    // sockets
    "accept accept4 bind connect listen getpeername getsockname getsockopt setsockopt recv recvfrom recvmmsg recvmmsg_time64 recvmsg "
    "send sendmmsg sendmsg sendto shutdown socketcall socketpair "
    // between processes
    "futex futex_time64 futex_waitv futex_wait futex_wake futex_requeue ipc msgctl msgget msgrcv msgsnd semctl semget semop semtimedop "
    "semtimedop_time64 shmat shmctl shmdt shmget mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend "
    "mq_timedsend_time64 mq_unlink "
    // the rest
    "getrandom get_thread_area set_thread_area";

#if defined(__x86_64__)
constexpr const char* architectures = R"(["SCMP_ARCH_X86_64","SCMP_ARCH_X86","SCMP_ARCH_X32"])";
constexpr const char* native = "arch_prctl modify_ldt";
#elif defined(__aarch64__)
constexpr const char* architectures = R"(["SCMP_ARCH_AARCH64","SCMP_ARCH_ARM"])";
constexpr const char* native = "arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls";
#else
#error "boxship supports x86-64 and arm64"
#endif

struct Extra {
    const char* capability;
    const char* calls;
};
constexpr Extra extras[] = {
    {"CAP_DAC_READ_SEARCH", "open_by_handle_at"},
    {"CAP_SYS_ADMIN",
     "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount mount_setattr move_mount open_tree "
     "perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog umount umount2 unshare"},
    {"CAP_SYS_BOOT", "reboot"},
    {"CAP_SYS_CHROOT", "chroot"},
    {"CAP_SYS_MODULE", "delete_module init_module finit_module"},
    {"CAP_SYS_PACCT", "acct"},
    {"CAP_SYS_PTRACE", "kcmp pidfd_getfd process_madvise"},
    {"CAP_SYS_RAWIO", "iopl ioperm"},
    {"CAP_SYS_TIME", "settimeofday stime clock_settime clock_settime64"},
    {"CAP_SYS_TTY_CONFIG", "vhangup"},
    {"CAP_SYS_NICE", "get_mempolicy mbind set_mempolicy set_mempolicy_home_node"},
    {"CAP_SYSLOG", "syslog"},
    {"CAP_BPF", "bpf"},
    {"CAP_PERFMON", "perf_event_open"},
};

// personality(2) for Linux and the old UNAME26 and READ_IMPLIES_EXEC variants that programs ask for, and to query.
constexpr const char* personalities[] = {"0", "8", "131072", "131080", "4294967295"};
// CLONE_NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID | NEWNET
constexpr const char* namespace_flags = "2114060288";

void append_names(std::string& json, std::string_view names)
{
    for (const auto& name : split(names, ' ')) json.append("\"").append(name).append("\",");
}

std::string render(unsigned held)
{
    std::string json = "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":1,\"architectures\":";
    json.append(architectures).append(",\"syscalls\":[{\"action\":\"SCMP_ACT_ALLOW\",\"names\":[");
    append_names(json, always);
    append_names(json, native);
    bool admin = false;
    for (std::size_t i = 0; i < std::size(extras); ++i) {
        if ((held >> i & 1) == 0) continue;
        append_names(json, extras[i].calls);
        admin = admin || std::string_view(extras[i].capability) == "CAP_SYS_ADMIN";
    }
    json.back() = ']';
    json += '}';
    for (const char* value : personalities)
        json.append(R"(,{"action":"SCMP_ACT_ALLOW","names":["personality"],"args":[{"index":0,"op":"SCMP_CMP_EQ","value":)")
            .append(value)
            .append("}]}");
    // AF_VSOCK reaches the hypervisor past every network namespace.
    json += R"(,{"action":"SCMP_ACT_ALLOW","names":["socket"],"args":[{"index":0,"op":"SCMP_CMP_NE","value":40}]})";
    if (!admin) {
        json.append(R"(,{"action":"SCMP_ACT_ALLOW","names":["clone"],"args":[{"index":0,"op":"SCMP_CMP_MASKED_EQ","value":)")
            .append(namespace_flags)
            .append(R"(,"valueTwo":0}]})");
        // clone3's flags lie in memory where a filter cannot see them: "no such call" makes libraries use clone.
        json += R"(,{"action":"SCMP_ACT_ERRNO","errnoRet":38,"names":["clone3"]})";
    }
    return json + "]}";
}

}  // namespace

const std::string& seccomp_json(const std::vector<std::string>& capabilities)
{
    unsigned held = 0;
    for (std::size_t i = 0; i < std::size(extras); ++i)
        if (std::find(capabilities.begin(), capabilities.end(), extras[i].capability) != capabilities.end()) held |= 1u << i;
    static std::mutex mutex;
    static std::map<unsigned, std::string> rendered;  // at most a handful: nodes stay where they are
    const std::lock_guard guard(mutex);
    auto [at, fresh] = rendered.try_emplace(held);
    if (fresh) at->second = render(held);
    return at->second;
}

}  // namespace boxship::runtime
