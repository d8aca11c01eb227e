//! Gives up what a page worker does not need: files, network, programs, other processes (Linux).
//!
//! Two layers, entered after the libraries are loaded and before the first document comes:
//! - Landlock takes away every path and every TCP port.
//! - A system call filter allows what reading documents takes and answers everything else with `EPERM`; a second
//!   one kills the process for what no document can need and an attacker would: opening files, sockets, programs,
//!   new processes, other processes' memory. The strictest answer of the two counts.

use std::collections::BTreeMap;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreated,
    RulesetError, RulesetStatus, Scope,
};
use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter,
};

use super::protocol::SandboxReport;
use crate::config::SandboxMode;
use crate::error::{Error, ErrorCode, Result};

/// What a worker does: memory, the socket it was given, memory files, clocks, signals of its own, its end.
const ALLOWED: &[c_long] = &[
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_lseek,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_fcntl,
    libc::SYS_ftruncate,
    libc::SYS_dup,
    libc::SYS_ppoll,
    libc::SYS_recvmsg,
    libc::SYS_sendmsg,
    libc::SYS_memfd_create,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_futex,
    libc::SYS_sched_yield,
    libc::SYS_getrandom,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_gettid,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_exit,
    libc::SYS_exit_group,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_time,
];

/// What no document can need. A worker that tries is taken for hijacked.
const KILLED: &[c_long] = &[
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_open_by_handle_at,
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_clone,
    libc::SYS_clone3,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_kill,
    libc::SYS_io_uring_setup,
    libc::SYS_bpf,
    libc::SYS_userfaultfd,
    libc::SYS_mount,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_unlinkat,
    libc::SYS_renameat2,
    libc::SYS_linkat,
    libc::SYS_symlinkat,
    libc::SYS_mkdirat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_open,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_creat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_fork,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_vfork,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_unlink,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_rename,
];

/// Enters the sandbox as far as `mode` asks and the kernel can.
///
/// # Errors
/// `worker.sandbox` if privileges cannot be given up, or if a layer is missing that `mode` requires.
pub(super) fn enter(mode: SandboxMode) -> Result<SandboxReport> {
    let mut report = SandboxReport::default();
    if mode == SandboxMode::Off {
        report.missing = "the sandbox is off".into();
        return Ok(report);
    }
    rustix::thread::set_no_new_privs(true)
        .map_err(|error| Error::new(ErrorCode::WorkerSandbox, "cannot give up privileges").because(error))?;
    let mut missing = Vec::new();
    match give_up_paths() {
        Ok(()) => report.landlock = true,
        Err(reason) => missing.push(format!("Landlock: {reason}")),
    }
    match filter_system_calls() {
        Ok(()) => report.seccomp = true,
        Err(error) => missing.push(format!("seccomp: {error}")),
    }
    report.missing = missing.join("; ");
    if mode == SandboxMode::Require && !report.missing.is_empty() {
        return Err(Error::new(
            ErrorCode::WorkerSandbox,
            format!("cannot set up the whole sandbox: {}", report.missing),
        )
        .help("use a kernel with seccomp filters and Landlock (5.13 or later), or pass --sandbox auto"));
    }
    Ok(report)
}

/// Rules that take away every path, every TCP port, abstract sockets and signals to others.
pub(super) fn nothing_allowed() -> std::result::Result<RulesetCreated, RulesetError> {
    let abi = ABI::V6;
    Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(abi)))
        .and_then(|rules| rules.scope(Scope::from_all(abi)))
        .and_then(Ruleset::create)
}

fn give_up_paths() -> std::result::Result<(), String> {
    let status =
        nothing_allowed().and_then(RulesetCreated::restrict_self).map_err(|error| error.to_string())?;
    match status.ruleset {
        RulesetStatus::NotEnforced => Err("this kernel does not have it".into()),
        RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => Ok(()),
    }
}

fn filter_system_calls() -> std::result::Result<(), Box<dyn std::error::Error>> {
    const PROT_EXEC: u64 = 4;
    let arch: TargetArch = std::env::consts::ARCH.try_into()?;
    // No memory that can be executed: what a document brings stays data.
    let not_executable = || -> std::result::Result<SeccompRule, seccompiler::BackendError> {
        let operator = SeccompCmpOp::MaskedEq(PROT_EXEC);
        SeccompRule::new(vec![SeccompCondition::new(2, SeccompCmpArgLen::Dword, operator, 0)?])
    };
    // `abort` signals its own thread; other processes are out of reach.
    let own = u64::from(std::process::id());
    let own_thread =
        SeccompRule::new(vec![SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, own)?])?;
    let mut allowed: BTreeMap<i64, Vec<SeccompRule>> =
        ALLOWED.iter().map(|number| (*number, Vec::new())).collect();
    allowed.insert(libc::SYS_mmap, vec![not_executable()?]);
    allowed.insert(libc::SYS_mprotect, vec![not_executable()?]);
    allowed.insert(libc::SYS_tgkill, vec![own_thread]);
    let killed = KILLED.iter().map(|number| (*number, Vec::new())).collect();
    let refuse = SeccompAction::Errno(libc::EPERM as u32);
    let filters = [
        SeccompFilter::new(killed, SeccompAction::Allow, SeccompAction::KillProcess, arch)?,
        SeccompFilter::new(allowed, refuse, SeccompAction::Allow, arch)?,
    ];
    for filter in filters {
        apply_filter(&BpfProgram::try_from(filter)?)?;
    }
    Ok(())
}
