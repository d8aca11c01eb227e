//! Locks up the OCR program: it may read its libraries and language data, and compute.
//!
//! The rules are made before the fork, because nothing may be allocated after it, and entered between fork and exec:
//! - Landlock allows reading and running what lies in the folders of programs, libraries and language data, and
//!   nothing else: no document, no home folder, no writing anywhere, no TCP port.
//! - A system call filter allows what loading libraries, reading files and computing take, threads among them. The rest
//!   is answered as by a kernel that does not have it (`ENOSYS`), for which C libraries are prepared: a newer one that
//!   tries a newer call first falls back. So the program reaches no network and no other process, and starts none; it
//!   can only turn into one that is just as locked up.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use landlock::{AccessFs, RulesetCreated, RulesetCreatedAttr, RulesetStatus, path_beneath_rules};
use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter,
};

use super::sandbox::nothing_allowed;
use crate::config::SandboxMode;
use crate::error::{Error, ErrorCode, Result};

/// Below these lie programs, libraries and language data, in the folders that follow.
const PREFIXES: &[&str] = &["/", "/usr", "/usr/local"];
const PROGRAMS: &str = "bin";
const LIBRARIES: &[&str] =
    &["lib", "lib64", "share/tessdata", "share/tesseract", "share/tesseract-ocr", "share/locale"];
/// What else the loader and the C library look up, and stores that hold libraries only.
const READABLE: &[&str] = &[
    "/nix/store",
    "/gnu/store",
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
    "/etc/localtime",
    "/sys/devices/system/cpu",
];

/// What tesseract and its libraries do, and a shell that ends with `exec`: memory, files that Landlock lets it open,
/// threads, clocks, signals of its own, questions about itself, its end.
const ALLOWED: &[c_long] = &[
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_membarrier,
    libc::SYS_openat,
    libc::SYS_close,
    libc::SYS_close_range,
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_pread64,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_pwrite64,
    libc::SYS_lseek,
    libc::SYS_fadvise64,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_statfs,
    libc::SYS_fstatfs,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_readlinkat,
    libc::SYS_getdents64,
    libc::SYS_getcwd,
    libc::SYS_fcntl,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_pipe2,
    libc::SYS_ppoll,
    libc::SYS_execve,
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_set_tid_address,
    libc::SYS_rseq,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_setaffinity,
    libc::SYS_getcpu,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_gettid,
    libc::SYS_getpgid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_getrusage,
    libc::SYS_sysinfo,
    libc::SYS_uname,
    libc::SYS_wait4,
    libc::SYS_exit,
    libc::SYS_exit_group,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_open,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_stat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lstat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_access,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_readlink,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_dup2,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_pipe,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_time,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_getpgrp,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_getrlimit,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_arch_prctl,
];

/// Rules for one start of the program.
pub(super) struct Jail {
    filter: Option<BpfProgram>,
    rules: Option<RulesetCreated>,
    required: bool,
}

impl Jail {
    /// Makes the rules for a program with this path and this environment.
    ///
    /// # Errors
    /// `worker.sandbox` if the whole jail is required and cannot be built.
    pub(super) fn build(mode: SandboxMode, program: &Path, environment: &[(&str, OsString)]) -> Result<Self> {
        let required = mode == SandboxMode::Require;
        let mut jail = Self { filter: None, rules: None, required };
        if mode == SandboxMode::Off {
            return Ok(jail);
        }
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
            Error::new(ErrorCode::WorkerSandbox, "cannot lock up the OCR program")
                .because(error)
                .help("pass --sandbox auto, or --ocr never")
        };
        match rules(&readable(program, environment)) {
            Ok(rules) => jail.rules = Some(rules),
            Err(error) if required => return Err(failed(error.into())),
            Err(_) => {}
        }
        match filter() {
            Ok(filter) => jail.filter = Some(filter),
            Err(error) if required => return Err(failed(error)),
            Err(_) => {}
        }
        Ok(jail)
    }

    /// Enters the jail, in the child between fork and exec; privileges have been given up. Only system calls.
    ///
    /// # Errors
    /// Only if the whole jail is required: what is wrong is the kernel's answer to the last call.
    pub(super) fn enter(&mut self) -> io::Result<()> {
        let mut whole = true;
        if let Some(rules) = self.rules.take() {
            whole &= rules.restrict_self().is_ok_and(|status| status.ruleset != RulesetStatus::NotEnforced);
        }
        if let Some(filter) = &self.filter {
            whole &= apply_filter(filter).is_ok();
        }
        if whole || !self.required { Ok(()) } else { Err(io::ErrorKind::PermissionDenied.into()) }
    }
}

/// Folders and files that the program may read.
fn readable(program: &Path, environment: &[(&str, OsString)]) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = READABLE.iter().map(PathBuf::from).collect();
    let program = program.canonicalize().unwrap_or_else(|_| program.to_owned());
    paths.extend(PREFIXES.iter().map(|prefix| Path::new(prefix).join(PROGRAMS)));
    // <prefix>/bin/tesseract has its libraries and data below its own <prefix>.
    let own = program.parent().and_then(Path::parent);
    for prefix in PREFIXES.iter().map(Path::new).chain(own) {
        paths.extend(LIBRARIES.iter().map(|folder| prefix.join(folder)));
    }
    paths.push(program);
    let of = |name: &'static str| {
        environment.iter().filter(move |(other, _)| *other == name).map(|(_, value)| value.as_os_str())
    };
    paths.extend(of("LD_LIBRARY_PATH").flat_map(split_paths));
    paths.extend(of("TESSDATA_PREFIX").map(PathBuf::from));
    paths
}

fn split_paths(list: &OsStr) -> impl Iterator<Item = PathBuf> {
    std::env::split_paths(list).filter(|path| path.is_absolute())
}

fn rules(readable: &[PathBuf]) -> std::result::Result<RulesetCreated, landlock::RulesetError> {
    let read = AccessFs::Execute | AccessFs::ReadFile | AccessFs::ReadDir;
    nothing_allowed()?
        .add_rules(path_beneath_rules(readable, read))?
        .add_rules(path_beneath_rules(["/dev/null"], AccessFs::ReadFile | AccessFs::WriteFile))?
        .add_rules(path_beneath_rules(["/dev/urandom"], AccessFs::ReadFile))
}

fn filter() -> std::result::Result<BpfProgram, Box<dyn std::error::Error + Send + Sync>> {
    let arch: TargetArch = std::env::consts::ARCH.try_into()?;
    let rule = |argument, operator, value| {
        SeccompRule::new(vec![SeccompCondition::new(argument, SeccompCmpArgLen::Qword, operator, value)?])
    };
    let mut allowed: BTreeMap<i64, Vec<SeccompRule>> =
        ALLOWED.iter().map(|number| (*number, Vec::new())).collect();
    // Threads are its own affair, processes are not. The flags of clone3 lie in memory where no filter sees them; without
    // it, the C library takes clone.
    let thread = libc::CLONE_THREAD as u64;
    allowed.insert(libc::SYS_clone, vec![rule(0, SeccompCmpOp::MaskedEq(thread), thread)?]);
    // Its own limits (process 0), and whether a descriptor is a terminal.
    allowed.insert(libc::SYS_prlimit64, vec![rule(0, SeccompCmpOp::Eq, 0)?]);
    allowed.insert(libc::SYS_ioctl, vec![rule(1, SeccompCmpOp::Eq, libc::TCGETS)?]);
    let refuse = SeccompAction::Errno(libc::ENOSYS as u32);
    Ok(SeccompFilter::new(allowed, refuse, SeccompAction::Allow, arch)?.try_into()?)
}
