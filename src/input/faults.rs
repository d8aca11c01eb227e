//! Faults that tests ask a worker to commit. Not part of release builds.
#![allow(unsafe_code)]

use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::net::SocketAddrUnix;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};

use super::channel::Channel;
use super::protocol::{Fault, InjectedFault, Reply};
use super::shm::{MemoryFile, sealed};
use crate::error::{Error, ErrorCode, Result};

/// Commits the fault in place of the page. Returns whether the page has been answered.
pub(super) fn commit(fault: Fault, channel: &Channel) -> bool {
    match fault {
        Fault::Abort => std::process::abort(),
        Fault::Segfault => {
            // SAFETY: none; the write to an unmapped address is what the test wants.
            unsafe { std::ptr::without_provenance_mut::<u8>(8).write_volatile(1) };
            false
        }
        Fault::EndlessLoop => loop {
            std::hint::spin_loop();
        },
        Fault::AllocationBomb => {
            let mut bombs = Vec::new();
            loop {
                bombs.push(vec![1u8; 64 << 20]);
                std::hint::black_box(&bombs);
            }
        }
        Fault::Garbage => channel.send(b"garbage in place of a message", &[]).is_ok(),
        Fault::BadSegment => send(channel, sealed("bad", &[0x55; 4000])),
        Fault::UnsealedSegment => {
            let file = MemoryFile::create("unsealed");
            file.is_ok_and(|file| send(channel, Ok(file.into_file().into())))
        }
        Fault::ExitAfterPage | Fault::OldKernel => false,
        Fault::OpenFile => {
            let _ = std::fs::File::open("/etc/passwd");
            false
        }
        Fault::OpenSocket => {
            let _ = std::net::UdpSocket::bind("127.0.0.1:0");
            false
        }
        Fault::Connect => {
            if let Ok(address) = SocketAddrUnix::new("/no/such/socket") {
                let _ = rustix::net::connect(std::io::stdin(), &address);
            }
            false
        }
        Fault::Execute => {
            let _ = Command::new("/bin/true").exec();
            false
        }
        Fault::Fork => {
            let _ = Command::new("/bin/true").status();
            false
        }
        Fault::Trace => {
            // SAFETY: there is no process with this number; the arguments are not read.
            unsafe { libc::ptrace(libc::PTRACE_SEIZE, i32::MAX, 0, 0) };
            false
        }
    }
}

fn send(channel: &Channel, memory: std::io::Result<std::os::fd::OwnedFd>) -> bool {
    memory.is_ok_and(|memory| channel.send(&Reply::Page.encode(), &[memory.as_fd()]).is_ok())
}

/// Makes the kernel answer as one does that has neither layer of the sandbox.
pub(super) fn before_the_sandbox(fault: Option<InjectedFault>) -> Result<()> {
    if fault.is_none_or(|injected| injected.fault != Fault::OldKernel) {
        return Ok(());
    }
    let unknown = [libc::SYS_seccomp, libc::SYS_landlock_create_ruleset];
    std::env::consts::ARCH
        .try_into()
        .and_then(|arch| {
            let rules = unknown.into_iter().map(|number| (number, Vec::new())).collect();
            let answer = SeccompAction::Errno(libc::ENOSYS as u32);
            BpfProgram::try_from(SeccompFilter::new(rules, SeccompAction::Allow, answer, arch)?)
        })
        .map_err(|error| Error::new(ErrorCode::WorkerStart, "cannot act as an old kernel").because(error))
        .and_then(|filter| {
            apply_filter(&filter).map_err(|error| {
                Error::new(ErrorCode::WorkerStart, "cannot act as an old kernel").because(error)
            })
        })
}

/// Commits faults that come after the answer.
pub(super) fn afterwards(fault: Fault) {
    if fault == Fault::ExitAfterPage {
        std::process::exit(3);
    }
}
