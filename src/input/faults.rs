//! Faults that tests ask a worker to commit. Not part of release builds.

use std::os::fd::AsFd;
use std::process::Command;

use super::channel::Channel;
use super::protocol::{Fault, Reply};
use super::shm::{MemoryFile, sealed};

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
        Fault::ExitAfterPage => false,
        Fault::OpenFile => {
            let _ = std::fs::File::open("/etc/passwd");
            false
        }
        Fault::OpenSocket => {
            let _ = std::net::UdpSocket::bind("127.0.0.1:0");
            false
        }
        Fault::Execute => {
            let _ = Command::new("/bin/true").status();
            false
        }
    }
}

fn send(channel: &Channel, memory: std::io::Result<std::os::fd::OwnedFd>) -> bool {
    memory.is_ok_and(|memory| channel.send(&Reply::Page.encode(), &[memory.as_fd()]).is_ok())
}

/// Commits faults that come after the answer.
pub(super) fn afterwards(fault: Fault) {
    if fault == Fault::ExitAfterPage {
        std::process::exit(3);
    }
}
