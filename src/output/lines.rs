//! JSON Lines: one analysis per line, in the order of the inputs, flushed line by line.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Condvar, Mutex, PoisonError};

/// Writes lines in order although they are finished in any order.
///
/// A line that is far ahead waits in [`LinesWriter::write`] until the earlier ones are out, so that memory stays
/// bounded.
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
    failed: Option<io::ErrorKind>,
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

    /// Writes line number `index` (without its line feed), or nothing if `line` is `None`, once all lines before
    /// it are out. Every index must come exactly once.
    ///
    /// # Errors
    /// Those of the writer; after the first one every call fails with the same kind.
    pub fn write(&self, index: usize, line: Option<Vec<u8>>) -> io::Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while index >= state.next + self.window && state.failed.is_none() {
            state = self.progressed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting.insert(index, line);
        loop {
            if let Some(kind) = state.failed {
                return Err(kind.into());
            }
            let next = state.next;
            let Some(line) = state.waiting.remove(&next) else { return Ok(()) };
            state.next += 1;
            let result = line.map_or(Ok(()), |mut line| {
                line.push(b'\n');
                state.out.write_all(&line).and_then(|()| state.out.flush())
            });
            self.progressed.notify_all();
            if let Err(error) = result {
                state.failed = Some(error.kind());
                return Err(error);
            }
        }
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
                        let line = (index % 5 != 0).then(|| index.to_string().into_bytes());
                        writer.write(index, line).unwrap();
                    }
                });
            }
        });
        let expected: String =
            (0..40).filter(|index| index % 5 != 0).map(|index| format!("{index}\n")).collect();
        assert_eq!(String::from_utf8(out.0.lock().unwrap().clone()).unwrap(), expected);
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
        assert!(writer.write(1, Some(vec![b'x'])).is_ok());
        for index in [0, 2] {
            assert_eq!(writer.write(index, Some(vec![b'x'])).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        }
    }
}
