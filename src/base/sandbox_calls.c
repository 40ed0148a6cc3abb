/* SPDX-License-Identifier: Apache-2.0 */
/* The lists were found by running every test and the demo, on amd64, and completed with what the
 * same calls are named on arm64 and 32-bit Arm, and by what glibc does in versions to come.
 *
 * What is on no list answers ENOSYS, as on an older kernel: libraries have a way round that, and a
 * door that goes on without some novelty is better than one that is killed by an upgrade. Nothing
 * of the kind is to be said for starting a program, looking into another process, or changing the
 * machine: who does that here is not the program any more, and is killed. systemd starts a new one.
 */
#include "base/sandbox_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "gatehouse/bytes.h"

/* --- what all do: wait, read and write what is open, tell the time, end --- */
static const char common[] =
    "brk clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep "
    "clock_nanosleep_time64 close epoll_pwait epoll_wait exit exit_group fcntl fcntl64 fstat "
    "fstat64 fstatat64 futex futex_time64 getpid getrandom gettid gettimeofday ioctl lseek "
    "_llseek madvise munmap nanosleep newfstatat poll ppoll ppoll_time64 pread64 read readv "
    "recvfrom recvmsg restart_syscall rt_sigaction rt_sigprocmask rt_sigreturn sched_yield "
    "sendmsg sendto set_robust_list sigreturn statx tgkill time write writev ";

/* --- what daemons do besides --- */
static const char daemons[] =
    /* files */
    "access arm_fadvise64_64 arm_sync_file_range chmod close_range copy_file_range dup dup2 "
    "dup3 faccessat faccessat2 fadvise64 fadvise64_64 fallocate fchmod fchmodat fchmodat2 fchown "
    "fchown32 "
    "fdatasync flock fstatfs fstatfs64 fsync ftruncate ftruncate64 getcwd getdents getdents64 "
    "inotify_add_watch inotify_init1 inotify_rm_watch link linkat lstat lstat64 mkdir mkdirat "
    "open openat preadv preadv2 pwrite64 pwritev pwritev2 readahead readlink readlinkat "
    "rename renameat renameat2 rmdir sendfile sendfile64 stat stat64 statfs statfs64 "
    "sync_file_range sync_file_range2 truncate truncate64 umask unlink unlinkat utimensat "
    "utimensat_time64 "
    /* memory; executable memory is below */
    "membarrier mincore mlock mlock2 mremap msync munlock "
    /* threads, signals, this process */
    "arch_prctl cacheflush futex_requeue futex_wait futex_waitv futex_wake get_robust_list "
    "getcpu getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getpgrp "
    "getppid getresgid getresgid32 getresuid getresuid32 getrlimit getrusage getsid getuid "
    "getuid32 kill prctl prlimit64 rseq rt_sigpending rt_sigsuspend rt_sigtimedwait "
    "rt_sigtimedwait_time64 sched_get_priority_max sched_get_priority_min sched_getaffinity "
    "sched_getparam sched_getscheduler set_tid_address set_tls setrlimit sigaltstack "
    "signalfd4 sysinfo tkill ugetrlimit uname wait4 waitid "
    /* time */
    "adjtimex clock_adjtime clock_adjtime64 getitimer timerfd_create timerfd_gettime "
    "timerfd_gettime64 timerfd_settime timerfd_settime64 times "
    /* waiting and sending */
    "_newselect accept accept4 bind connect epoll_create epoll_create1 epoll_ctl epoll_pwait2 "
    "eventfd2 getpeername getsockname getsockopt listen memfd_create pipe pipe2 pselect6 "
    "pselect6_time64 recv recvmmsg recvmmsg_time64 select send sendmmsg setsockopt shutdown "
    "socketpair "
    /* sound: ALSA's mixing of several programs lives in shared memory */
    "ipc semctl semget semop semtimedop semtimedop_time64 shmat shmctl shmdt shmget ";

/* --- what no honest part ever does --- */
static const char deadly[] =
    "acct add_key bpf chroot delete_module execve execveat finit_module fsconfig fsmount "
    "fsopen fspick init_module ioperm iopl kcmp kexec_file_load kexec_load keyctl mknod "
    "mknodat mount mount_setattr move_mount name_to_handle_at open_by_handle_at open_tree "
    "perf_event_open personality pidfd_getfd pivot_root process_vm_readv process_vm_writev "
    "ptrace quotactl reboot request_key setdomainname setfsgid setfsuid setgid setgroups "
    "sethostname setns setregid setresgid setresuid setreuid setuid settimeofday "
    "clock_settime clock_settime64 swapoff swapon umount2 unshare uselib userfaultfd vhangup ";

/* Names with a space behind each. One that this machine, or this libseccomp, does not know is
 * passed over. */
static int add_named(scmp_filter_ctx filter, uint32_t action, const char *names)
{
    char name[32];

    for (; names[0] != '\0'; names += strlen(name) + 1) {
        size_t size = strcspn(names, " ");
        memcpy(name, names, size);
        name[size] = '\0';
        int number = seccomp_syscall_resolve_name(name);
        if (number == __NR_SCMP_ERROR)
            continue;
        int r = seccomp_rule_add(filter, action, number, 0);
        if (r < 0 && r != -EDOM && r != -EACCES) /* EACCES: as the default is */
            return r;
    }
    return 0;
}

static int add_if(scmp_filter_ctx filter, const char *name, struct scmp_arg_cmp condition)
{
    int number = seccomp_syscall_resolve_name(name);

    if (number == __NR_SCMP_ERROR)
        return 0;
    int r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, 1, &condition);
    return r == -EDOM ? 0 : r;
}

/* Memory may be written or executed, not both: plug-ins are mapped, and nothing is ever made to be
 * executed. */
static int add_memory(scmp_filter_ctx filter)
{
    static const int protections[] = {0, PROT_WRITE, PROT_EXEC};
    static const char *const maps[] = {"mmap", "mmap2"};
    int r = add_if(filter, "mprotect", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

    for (size_t m = 0; r == 0 && m < GH_ARRAY_SIZE(maps); m++) {
        for (size_t p = 0; r == 0 && p < GH_ARRAY_SIZE(protections); p++)
            r = add_if(
                filter, maps[m],
                SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, (scmp_datum_t)protections[p]));
    }
    return r;
}

/* Threads, no processes. What clone3 is asked cannot be seen from here; glibc then takes clone. */
static int add_daemons(scmp_filter_ctx filter)
{
    static const int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
    int r = add_named(filter, SCMP_ACT_ALLOW, daemons);

    if (r == 0)
        r = add_if(filter, "clone", SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
    for (size_t i = 0; r == 0 && i < GH_ARRAY_SIZE(families); i++)
        r = add_if(filter, "socket", SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i], 0));
    return r;
}

/* The keeper reads a file that says how the door is, where there is one: nothing is written. */
static int add_keeper(scmp_filter_ctx filter)
{
    return add_if(filter, "openat", SCMP_A2(SCMP_CMP_MASKED_EQ, O_ACCMODE, O_RDONLY));
}

static int load(scmp_filter_ctx filter, bool keeper)
{
    int r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);

    if (r == 0)
        r = add_named(filter, SCMP_ACT_KILL_PROCESS, deadly);
    if (r == 0)
        r = add_named(filter, SCMP_ACT_ALLOW, common);
    if (r == 0)
        r = add_memory(filter);
    if (r == 0)
        r = keeper ? add_keeper(filter) : add_daemons(filter);
    return r == 0 ? seccomp_load(filter) : r;
}

enum gh_status gh_sandbox_calls(bool keeper, struct gh_error *err)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));

    if (filter == NULL)
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the list of system calls");
    int r = load(filter, keeper);
    seccomp_release(filter);
    if (r == -EINVAL || r == -ENOSYS || r == -EOPNOTSUPP)
        return gh_fail(err, GH_ERR_NOTFOUND, "seccomp is not to be had here");
    if (r != 0)
        return gh_fail(err, GH_ERR_IO, "seccomp: %s", strerror(-r));
    return GH_OK;
}
