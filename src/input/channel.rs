//! One end of the socket pair between the main process and a worker: packets with file descriptors beside them.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};

use super::protocol::MAX_MESSAGE;

/// File descriptors that one packet may carry: a page and its image for OCR.
const MAX_DESCRIPTORS: usize = 2;

/// A packet with what came beside it.
pub(crate) struct Packet {
    /// The message.
    pub(crate) bytes: Vec<u8>,
    /// File descriptors, in the order they were sent.
    pub(crate) descriptors: Vec<OwnedFd>,
}

/// What waiting for a packet ended with.
pub(crate) enum Received {
    /// A packet.
    Packet(Packet),
    /// The other side is gone.
    Closed,
    /// Nothing came within the time given.
    Nothing,
    /// More bytes or descriptors than a packet may have.
    TooLarge,
}

/// One end.
pub(crate) struct Channel(OwnedFd);

impl Channel {
    /// Both ends, not inherited by programs that are started.
    pub(crate) fn pair() -> io::Result<(Self, OwnedFd)> {
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        Ok((Self(ours), theirs))
    }

    /// Uses an end that was inherited.
    pub(crate) fn from_descriptor(descriptor: OwnedFd) -> Self {
        Self(descriptor)
    }

    /// Sends one packet.
    pub(crate) fn send(&self, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        loop {
            match sendmsg(&self.0, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL) {
                Ok(sent) if sent == bytes.len() => return Ok(()),
                Ok(_) => return Err(io::Error::from(io::ErrorKind::WriteZero)),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Waits for one packet, at most until `deadline`.
    pub(crate) fn receive(&self, deadline: Option<Instant>) -> io::Result<Received> {
        loop {
            let timeout = deadline.map(|deadline| {
                let left = deadline.saturating_duration_since(Instant::now());
                Timespec::try_from(left.min(Duration::from_secs(3600))).unwrap_or_default()
            });
            match poll(&mut [PollFd::new(&self.0, PollFlags::IN)], timeout.as_ref()) {
                Ok(0) => return Ok(Received::Nothing),
                Ok(_) => break,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let mut bytes = vec![0; MAX_MESSAGE];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let message = loop {
            let flags = RecvFlags::CMSG_CLOEXEC;
            match recvmsg(&self.0, &mut [IoSliceMut::new(&mut bytes)], &mut control, flags) {
                Err(Errno::INTR) => {}
                // A peer that was killed with unread packets in its queue resets the connection.
                Err(Errno::CONNRESET) => return Ok(Received::Closed),
                other => break other?,
            }
        };
        let descriptors: Vec<OwnedFd> = control
            .drain()
            .filter_map(|message| match message {
                RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
                _ => None,
            })
            .flatten()
            .collect();
        if message.bytes == 0 {
            return Ok(Received::Closed);
        }
        if message.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
            return Ok(Received::TooLarge);
        }
        bytes.truncate(message.bytes);
        Ok(Received::Packet(Packet { bytes, descriptors }))
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;
    use crate::input::shm::{SealedMap, sealed};

    #[test]
    fn packets_keep_their_borders_and_descriptors() {
        let (ours, theirs) = Channel::pair().unwrap();
        let theirs = Channel::from_descriptor(theirs);
        let memory = sealed("test", b"page").unwrap();
        ours.send(b"one", &[]).unwrap();
        ours.send(b"two", &[memory.as_fd()]).unwrap();
        let Received::Packet(one) = theirs.receive(None).unwrap() else { panic!() };
        assert_eq!((one.bytes.as_slice(), one.descriptors.len()), (b"one".as_slice(), 0));
        let Received::Packet(two) = theirs.receive(None).unwrap() else { panic!() };
        assert_eq!(two.bytes, b"two");
        assert_eq!(&*SealedMap::map(&two.descriptors[0], 10).unwrap(), b"page");
        assert!(matches!(theirs.receive(Some(Instant::now())).unwrap(), Received::Nothing));
        drop(ours);
        assert!(matches!(theirs.receive(None).unwrap(), Received::Closed));
    }

    #[test]
    fn oversized_packets_are_reported() {
        let (ours, theirs) = Channel::pair().unwrap();
        let theirs = Channel::from_descriptor(theirs);
        ours.send(&vec![7; MAX_MESSAGE + 1], &[]).unwrap();
        assert!(matches!(theirs.receive(None).unwrap(), Received::TooLarge));
    }
}
