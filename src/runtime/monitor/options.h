// The arguments of `boxship-monitor run`: pairs of "--name" and value.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace boxship::runtime {

struct MonitorOptions {
    std::string id;                          // --id           the OCI runtime's name for the container
    std::string directory;                   // --dir          the bundle: config.json; sock, lock, pid go there too
    int listener = -1;                       // --listener     a descriptor: the socket of the one who started us
    int oci_program = -1;                    // --oci-fd       a descriptor: the OCI runtime's program, else --oci is executed
    std::string oci_path;                    // --oci          its path
    std::string oci_root;                    // --oci-root     its --root
    std::string cgroup_manager;              // --cgroup-manager  crun's option; empty: none given
    std::string exit_file;                   // --exit-file    written durably at the end
    std::string log_directory;               // --log-dir
    std::uint64_t log_bytes_max = 10 << 20;  // --log-bytes    per file
    std::uint32_t log_files_max = 5;         // --log-files    0: none, output is thrown away
    bool tty = false;                        // --tty 1
    bool open_stdin = false;                 // --stdin 1      a pipe that nobody writes instead of /dev/null
    bool hide_unified = false;               // --hide-unified 1  crun must not see controllers in a hybrid v2 hierarchy
    std::vector<std::string> join;           // --join         v1: files into which the OCI runtime writes "0" of itself
    std::string into;                        // --into         v2 (hybrid): the cgroup it is born in
    std::string shares_file;                 // --shares-file  after the start, gets
    std::string shares;                      // --shares       this: the container's weight among others
    std::vector<std::string> own;            // --own          the same two for the monitor itself, after the start
    std::string kill;                        // --kill         a cgroup directory that holds all of the container
    std::string memory;                      // --memory       the cgroup directory that counts out-of-memory kills
};

// False: an argument is unknown or lacks its value.
bool parse_options(std::span<char* const> args, MonitorOptions& options);

}  // namespace boxship::runtime
