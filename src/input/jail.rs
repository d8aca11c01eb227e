//! Locks up the OCR program: it may read its libraries and language data, and compute.
//!
//! The rules are made before the fork, because nothing may be allocated after it, and entered between fork and exec:
//! - Landlock allows reading and running what lies in the folders of programs, libraries and language data, and
//!   nothing else: no document, no home folder, no writing anywhere, no TCP port.
//! - A system call filter answers everything that reaches the network, other processes or the kernel's rarer parts
//!   with `EPERM`. The program may not start another one either; it can only turn into one that is just as locked up.

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

/// Where programs and libraries of distributions lie, and what the loader and the C library look up.
const READABLE: &[&str] = &[
    "/usr",
    "/lib",
    "/lib64",
    "/bin",
    "/opt",
    "/nix/store",
    "/gnu/store",
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
    "/etc/localtime",
    "/sys/devices/system/cpu",
];

/// What recognising a picture never takes.
const REFUSED: &[c_long] = &[
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_sendmmsg,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_kill,
    libc::SYS_tkill,
    libc::SYS_io_uring_setup,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_chroot,
    libc::SYS_open_by_handle_at,
    libc::SYS_setsid,
    libc::SYS_setpgid,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_fork,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_vfork,
];

/// Rules for one start of the program.
pub(super) struct Jail {
    filters: Vec<BpfProgram>,
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
        let mut jail = Self { filters: Vec::new(), rules: None, required };
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
        match filters() {
            Ok(filters) => jail.filters = filters,
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
        for filter in &self.filters {
            whole &= apply_filter(filter).is_ok();
        }
        if whole || !self.required { Ok(()) } else { Err(io::ErrorKind::PermissionDenied.into()) }
    }
}

/// Folders and files that the program may read.
fn readable(program: &Path, environment: &[(&str, OsString)]) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = READABLE.iter().map(PathBuf::from).collect();
    let program = program.canonicalize().unwrap_or_else(|_| program.to_owned());
    // <prefix>/bin/tesseract has its libraries and data in <prefix>/lib and <prefix>/share.
    if let Some(prefix) = program.parent().and_then(Path::parent) {
        paths.extend(["lib", "lib64", "share"].map(|folder| prefix.join(folder)));
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

fn filters() -> std::result::Result<Vec<BpfProgram>, Box<dyn std::error::Error + Send + Sync>> {
    let arch: TargetArch = std::env::consts::ARCH.try_into()?;
    let mut refused: BTreeMap<i64, Vec<SeccompRule>> =
        REFUSED.iter().map(|number| (*number, Vec::new())).collect();
    // Threads are its own affair, processes are not.
    let thread = libc::CLONE_THREAD as u64;
    let no_thread = SeccompCondition::new(0, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(thread), 0)?;
    refused.insert(libc::SYS_clone, vec![SeccompRule::new(vec![no_thread])?]);
    // The flags of clone3 lie in memory where no filter sees them; without it, the C library takes clone.
    let unknown = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    [(refused, libc::EPERM), (unknown, libc::ENOSYS)]
        .into_iter()
        .map(|(rules, answer)| {
            let answer = SeccompAction::Errno(answer as u32);
            let filter = SeccompFilter::new(rules, SeccompAction::Allow, answer, arch)?;
            Ok(BpfProgram::try_from(filter)?)
        })
        .collect()
}
