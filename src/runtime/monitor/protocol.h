// What a monitor says and understands on its unix socket ("sock" in the container's directory, mode 0600), a line of
// text each way. Any number of listeners, at any time; one that comes late first hears what has happened already.
//
// Events, JSON, times in milliseconds since 1970:
//     {"event":"started","pid":4711,"at":1795181704123}
//     {"event":"oom","at":…}                                          the kernel killed a process of the container
//     {"event":"failed","code":1,"at":…}                              the OCI runtime refused; its words are in oci.log
//     {"event":"exited","code":137,"signal":9,"oomKills":0,"at":…}    code is 128 + signal where there was one
//     {"event":"broken","step":"lock","errno":11}                     the monitor itself could not begin
// After failed, exited or broken the monitor ends. The line failed or exited is in the exit file, on disk, before
// anybody hears it.
//
// Commands:
//     signal 1                    to the container's first process
//     stop 15 30000               this signal, and after so many milliseconds SIGKILL for everything in the container
//     resize 24 80                rows and columns of its terminal
#pragma once

namespace boxship::runtime {

constexpr const char* monitor_socket_name = "sock";
constexpr const char* monitor_lock_name = "lock";      // locked (fcntl) for the monitor's life: its pid is found there
constexpr const char* monitor_oci_log_name = "oci.log";

}  // namespace boxship::runtime
