//! JSON Lines: one analysis per line, in the order of the inputs, flushed line by line.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Writes lines in order although they are finished in any order.
///
/// Whoever works on line number `index` holds its [`LineSlot`]. A line that is far ahead waits in [`LineSlot::write`]
/// until the earlier ones are out, so that memory stays bounded. It cannot be left waiting: a slot that is dropped,
/// whatever the reason, lets the lines behind it pass.
pub struct LinesWriter {
    state: Mutex<State>,
    progressed: Condvar,
    /// Lines that may be held back at most.
    window: usize,
}

struct State {
    out: Box<dyn Write + Send>,
    next: usize,
    waiting: BTreeMap<usize, Option<Vec<u8>>>,
    failed: Option<io::Error>,
}

/// The place of one line. Dropped without a line, it leaves none.
#[must_use = "dropping it means that there is no such line"]
pub struct LineSlot<'a> {
    writer: &'a LinesWriter,
    index: usize,
    line: Option<Vec<u8>>,
}

impl LinesWriter {
    /// Writes to `out`, holding back at most `window` lines.
    #[must_use]
    pub fn new(out: Box<dyn Write + Send>, window: usize) -> Self {
        Self {
            state: Mutex::new(State { out, next: 0, waiting: BTreeMap::new(), failed: None }),
            progressed: Condvar::new(),
            window: window.max(1),
        }
    }

    /// The place of line number `index`. Each is taken once, in rising order.
    pub fn slot(&self, index: usize) -> LineSlot<'_> {
        LineSlot { writer: self, index, line: None }
    }

    /// The first failure, also where the line that failed was written by the drop of a slot.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn check(&self) -> io::Result<()> {
        match &self.lock().failed {
            Some(error) => {
                Err(error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error))
            }
            None => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LineSlot<'_> {
    /// Writes the line (without its line feed) once all lines before it are out.
    ///
    /// # Errors
    /// Those of the writer; after the first one every call fails in the same way.
    pub fn write(mut self, line: Vec<u8>) -> io::Result<()> {
        let writer = self.writer;
        let mut state = writer.lock();
        while self.index >= state.next + writer.window && state.failed.is_none() {
            state = writer.progressed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        self.line = Some(line);
        drop(self);
        writer.check()
    }
}

impl Drop for LineSlot<'_> {
    fn drop(&mut self) {
        let mut state = self.writer.lock();
        state.waiting.insert(self.index, self.line.take());
        let mut next = state.next;
        while let Some(line) = state.waiting.remove(&next) {
            next += 1;
            if let (Some(mut line), None) = (line, &state.failed) {
                line.push(b'\n');
                state.failed = state.out.write_all(&line).and_then(|()| state.out.flush()).err();
            }
        }
        state.next = next;
        self.writer.progressed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(buffer);
            Ok(buffer.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_come_out_in_order_whoever_is_first() {
        let out = Shared::default();
        let writer = LinesWriter::new(Box::new(out.clone()), 2);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let writer = &writer;
                // Each thread takes its indices in rising order, as the pipeline's threads do.
                scope.spawn(move || {
                    for index in (thread..40).step_by(4) {
                        let slot = writer.slot(index);
                        if index % 5 != 0 {
                            slot.write(index.to_string().into_bytes()).unwrap();
                        }
                    }
                });
            }
        });
        let expected: String =
            (0..40).filter(|index| index % 5 != 0).map(|index| format!("{index}\n")).collect();
        assert_eq!(String::from_utf8(out.0.lock().unwrap().clone()).unwrap(), expected);
    }

    #[test]
    fn nobody_waits_for_a_line_whose_thread_failed_or_panicked() {
        let out = Shared::default();
        let writer = Arc::new(LinesWriter::new(Box::new(out.clone()), 1));
        let (done, finished) = std::sync::mpsc::channel();
        for index in [2, 3] {
            let (writer, done) = (Arc::clone(&writer), done.clone());
            std::thread::spawn(move || done.send(writer.slot(index).write(b"line".to_vec()).is_ok()));
        }
        let failing = writer.slot(0);
        let panicking = Arc::clone(&writer);
        let panicked = std::thread::spawn(move || {
            let _slot = panicking.slot(1);
            std::panic::resume_unwind(Box::new("a fault"));
        });
        assert!(panicked.join().is_err());
        drop(failing);
        for _ in 0..2 {
            assert_eq!(finished.recv_timeout(std::time::Duration::from_secs(60)), Ok(true));
        }
        assert_eq!(*out.0.lock().unwrap(), b"line\nline\n");
    }

    #[test]
    fn a_broken_pipe_reaches_every_caller() {
        struct Broken;
        impl Write for Broken {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let writer = LinesWriter::new(Box::new(Broken), 4);
        assert!(writer.slot(1).write(vec![b'x']).is_ok());
        drop(writer.slot(0));
        assert_eq!(writer.check().unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        assert_eq!(writer.slot(2).write(vec![b'x']).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
