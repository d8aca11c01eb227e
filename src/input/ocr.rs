//! Optical character recognition, a page at a time: by a reader inside this process, or by the `tesseract` program.
//!
//! A sandboxed page worker renders the page as a gray PGM picture into sealed memory. This process shows it to the reader
//! where it lies, or hands it to tesseract as its standard input: a worker cannot start programs.
#![allow(unsafe_code)]

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Seek};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Resource, Rlimit, Signal, pidfd_open, set_parent_process_death_signal, setrlimit,
};

use super::built_in_ocr::{GrayPicture, PictureReader};
use super::jail::Jail;
use super::merge;
use super::ocr_program::find;
use super::raster::pgm_header;
use super::segment::{self, MAX_WORDS, OcrImage, OcrPurpose, PageContent, PageSegment};
use super::shm::{MapError, MemoryFile, SealedMap};
use super::tsv;
use super::turn::{straighten, turn_box, turn_image, turn_page, turn_words};
use crate::config::SandboxMode;
use crate::document::{BBox, Word};
use crate::error::{Error, ErrorCode, Result};

/// The OCR program and its limits.
#[derive(Clone, Debug)]
pub struct OcrOptions {
    /// Name or path of the program.
    pub program: OsString,
    /// Languages, as tesseract's `-l`.
    pub language: String,
    /// Address space in bytes.
    pub memory_limit: u64,
    /// Time for one page.
    pub timeout: Duration,
}

impl Default for OcrOptions {
    fn default() -> Self {
        Self {
            program: "tesseract".into(),
            language: "eng".into(),
            memory_limit: 2 << 30,
            timeout: Duration::from_secs(60),
        }
    }
}

/// Bytes of the largest picture: 34 million pixels and a header.
const MAX_PICTURE: u64 = 64 << 20;
/// Angles of a page's lines at which lines of words and columns are found on the page made straight, in degrees. Below
/// them boxes stay where the words are drawn; above them the lines are a drawing's.
const CROOKED_DEGREES: std::ops::Range<f32> = 1.0..15.0;
/// Bytes of program output that are read.
const MAX_OUTPUT: u64 = 32 << 20;

/// What reads a picture, within which time.
pub(super) struct Recogniser<'a> {
    /// The reader inside this process; without it, the program.
    pub(super) reader: Option<&'a dyn PictureReader>,
    /// The program and its limits; its time for a page holds for the reader, too.
    pub(super) program: OcrOptions,
    pub(super) sandbox: SandboxMode,
    pub(super) deadline: Instant,
    /// Whether nobody wants the result any more.
    pub(super) is_cancelled: &'a (dyn Fn() -> bool + Sync),
}

/// Words of a page in points, as it is turned clockwise by so many quarters.
struct Recognised {
    words: Vec<Word>,
    quarters: u8,
    /// What else the reader did, for the reason that the page gives.
    notes: String,
}

impl Recogniser<'_> {
    /// Recognises a page. Where that fails, the page keeps the words it has and carries the problem.
    ///
    /// # Errors
    /// Only if `memory` is not the picture that the worker announced.
    pub(super) fn recognise(
        &self,
        segment: PageSegment,
        image: OcrImage,
        memory: &OwnedFd,
    ) -> Result<PageSegment, MapError> {
        let header = pgm_header(image.width, image.height);
        let expected = header.len() as u64 + u64::from(image.width) * u64::from(image.height);
        let picture = SealedMap::map(memory, MAX_PICTURE)?;
        if picture.len() as u64 != expected || !picture.starts_with(&header) {
            return Err(MapError::Io(std::io::Error::other("the picture for OCR is not what was announced")));
        }
        let started = Instant::now();
        let number = segment.number();
        let deadline = self.deadline.min(started + self.program.timeout);
        let size = (segment.width(), segment.height());
        let read = match self.reader {
            Some(reader) => self.built_in(reader, &picture[header.len()..], image, size, deadline),
            None => {
                drop(picture);
                run(memory, &self.program, self.sandbox, deadline)
                    .and_then(|output| read_words(&output, size, image))
                    .map(|words| Recognised { words, quarters: 0, notes: String::new() })
            }
        };
        let recognised = read.and_then(|read| match image.purpose {
            OcrPurpose::Check | OcrPurpose::Compare => Ok(Err(read.words)),
            OcrPurpose::Replace | OcrPurpose::Add => with_words(&segment, read, image, started).map(Ok),
        });
        Ok(match recognised {
            Ok(Ok(recognised)) => recognised,
            Ok(Err(words)) => segment.with_reading(words),
            // The text layer is there; that a picture beside it was not read is said with the picture.
            Err(error)
                if error.code() == ErrorCode::OcrUnavailable && image.purpose != OcrPurpose::Replace =>
            {
                segment
            }
            Err(error) => segment.with_problem(error.page(number)),
        })
    }

    /// Has the reader read the picture of a page of this size in points, or of a part of it. Only a page that has no other
    /// words is turned.
    fn built_in(
        &self,
        reader: &dyn PictureReader,
        pixels: &[u8],
        image: OcrImage,
        (width, height): (f32, f32),
        deadline: Instant,
    ) -> Result<Recognised> {
        let may_go_on = || {
            if (self.is_cancelled)() {
                return Err(Error::new(
                    ErrorCode::RunInterrupted,
                    "the run was interrupted while a page was read",
                ));
            }
            if Instant::now() >= deadline {
                return Err(Error::new(
                    ErrorCode::OcrTimeout,
                    "recognising the text of this page took too long",
                )
                .help("raise --timeout, or pass --ocr never"));
            }
            Ok(())
        };
        let picture = GrayPicture { width: image.width, height: image.height, pixels };
        let may_turn = image.purpose == OcrPurpose::Replace;
        let mut reading = reader.read(picture, may_turn, &may_go_on)?;
        if reading.words.len() > MAX_WORDS {
            return Err(Error::new(
                ErrorCode::OcrFailed,
                format!("OCR reads more than {MAX_WORDS} words on this page"),
            ));
        }
        let place = image.place.unwrap_or(BBox::new(0.0, 0.0, width, height));
        let place = turn_box(&place, (width, height), reading.quarters);
        let pixels = (image.width as f32, image.height as f32);
        let pixels = if reading.quarters % 2 == 1 { (pixels.1, pixels.0) } else { pixels };
        let (across, down) = (place.width() / pixels.0, place.height() / pixels.1);
        for word in &mut reading.words {
            word.font_size *= down;
            word.bbox = scaled(&word.bbox, across, down);
        }
        put_at(&place, &mut reading.words);
        let mut notes = String::new();
        if reading.quarters > 0 {
            let degrees = 90 * u16::from(reading.quarters);
            notes += &format!("; turned clockwise by {degrees} degrees as its text stands");
        }
        if may_turn && CROOKED_DEGREES.contains(&reading.skew_degrees.abs()) {
            let size = if reading.quarters % 2 == 1 { (height, width) } else { (width, height) };
            straighten(&mut reading.words, size, reading.skew_degrees);
            notes += &format!(
                "; boxes are those of the page straightened by {:.1} degrees",
                -reading.skew_degrees
            );
        }
        if reading.left_out > 0 {
            notes += &format!("; left out what shows through or is no text in {} places", reading.left_out);
        }
        Ok(Recognised { words: reading.words, quarters: reading.quarters, notes })
    }
}

/// Words of the program's output, placed on a page of this size in points.
fn read_words(output: &[u8], (width, height): (f32, f32), image: OcrImage) -> Result<Vec<Word>> {
    let place = image.place.unwrap_or(BBox::new(0.0, 0.0, width, height));
    let scale = (place.width() / image.width as f32, place.height() / image.height as f32);
    let mut words = tsv::words(output, scale).map_err(|error| {
        Error::new(ErrorCode::OcrFailed, "the OCR program's output cannot be read").because(error)
    })?;
    put_at(&place, &mut words);
    Ok(words)
}

fn scaled(bbox: &BBox, across: f32, down: f32) -> BBox {
    BBox::new(bbox.x0 * across, bbox.y0 * down, bbox.x1 * across, bbox.y1 * down)
}

/// Words of a part of a page, at its place.
fn put_at(place: &BBox, words: &mut [Word]) {
    for BBox { x0, y0, x1, y1 } in words.iter_mut().map(|word| &mut word.bbox) {
        (*x0, *x1) = (*x0 + place.x0, *x1 + place.x0);
        (*y0, *y1) = (*y0 + place.y0, *y1 + place.y0);
    }
}

fn with_words(
    segment: &PageSegment,
    read: Recognised,
    image: OcrImage,
    started: Instant,
) -> Result<PageSegment> {
    let internal =
        |what: &str| Error::new(ErrorCode::Internal, format!("a page cannot be put together: {what}"));
    let mut page = segment.to_page();
    let mut replaced = merge::put(&mut page, read.words, image.purpose);
    if read.quarters > 0 {
        turn_words(&mut replaced, (page.width, page.height), read.quarters);
        turn_page(&mut page, read.quarters);
    }
    page.text_source_reason += &read.notes;
    let mut timings = segment.timings();
    timings.ocr = started.elapsed();
    let image = turn_image(segment.image(), read.quarters).map_err(|_| internal("image"))?;
    let content = PageContent { page, image, timings, ocr: OcrImage::default() };
    let bytes =
        segment::encode(&content).map_err(|error| Error::new(ErrorCode::PageTooLarge, error.to_string()))?;
    let segment = PageSegment::from_bytes(bytes).map_err(|error| internal(error.what))?;
    Ok(segment.with_replaced(replaced))
}

/// Runs the program on the picture and gives its output.
fn run(picture: &OwnedFd, options: &OcrOptions, sandbox: SandboxMode, deadline: Instant) -> Result<Vec<u8>> {
    let program = find(&options.program).ok_or_else(|| {
        Error::new(ErrorCode::OcrUnavailable, "the page needs OCR and tesseract is not installed")
            .help("install it (Debian: apt-get install tesseract-ocr), or pass --ocr never")
    })?;
    let failed = |error: std::io::Error| {
        Error::new(ErrorCode::OcrFailed, "the OCR program cannot be run").because(error)
    };
    // A description of our own, at the first byte.
    let picture = File::open(format!("/proc/self/fd/{}", picture.as_raw_fd())).map_err(failed)?;
    let mut output = MemoryFile::create("docproc-tsv").map_err(failed)?.into_file();
    let mut messages = MemoryFile::create("docproc-ocr").map_err(failed)?.into_file();
    let environment: Vec<(&str, OsString)> = ["PATH", "TESSDATA_PREFIX", "LD_LIBRARY_PATH"]
        .into_iter()
        .filter_map(|name| std::env::var_os(name).map(|value| (name, value)))
        .collect();
    let mut jail = Jail::build(sandbox, &program, &environment)?;
    let mut command = Command::new(program);
    command
        .args(["stdin", "stdout", "-l", &options.language, "--dpi", "300", "--psm", "3", "tsv"])
        .env_clear()
        .env("OMP_THREAD_LIMIT", "1")
        .envs(environment)
        .stdin(picture)
        .stdout(output.try_clone().map_err(failed)?)
        .stderr(messages.try_clone().map_err(failed)?);
    let limits = [
        (Resource::As, options.memory_limit),
        (Resource::Core, 0),
        (Resource::Cpu, options.timeout.as_secs().saturating_add(60)),
        (Resource::Fsize, MAX_OUTPUT),
        (Resource::Nofile, 64),
    ];
    let prepare = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        rustix::thread::set_no_new_privs(true)?;
        for (resource, value) in limits {
            setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) })?;
        }
        jail.enter()
    };
    // SAFETY: between fork and exec only system calls are made; nothing allocates or takes a lock.
    unsafe { command.pre_exec(prepare) };
    let mut child = command.spawn().map_err(failed)?;
    let status = wait(&mut child, deadline).map_err(failed)?;
    let read = |file: &mut File| {
        let mut bytes = Vec::new();
        file.rewind()?;
        file.take(MAX_OUTPUT).read_to_end(&mut bytes)?;
        std::io::Result::Ok(bytes)
    };
    match status {
        None => Err(Error::new(ErrorCode::OcrTimeout, "the OCR program took too long on this page")
            .help("raise --timeout, or pass --ocr never")),
        Some(status) if status.success() => read(&mut output).map_err(failed),
        Some(status) => {
            let text = read(&mut messages).unwrap_or_default();
            Err(failure(status, &String::from_utf8_lossy(&text), options))
        }
    }
}

/// Why the program ended as it did, out of what it said.
fn failure(status: ExitStatus, said: &str, options: &OcrOptions) -> Error {
    let line = said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no message");
    let line: String = line.chars().take(300).collect();
    let error = Error::new(ErrorCode::OcrFailed, format!("the OCR program failed ({status}): {line}"));
    let limit = options.memory_limit >> 20;
    if said.contains("bad_alloc") || said.contains("annot allocate") {
        return error
            .help(format!("it may use {limit} MiB of memory; raise --mem-limit, or pass --ocr never"));
    }
    match status.signal() {
        Some(signal) if signal == Signal::XCPU.as_raw() => {
            error.help("it used up its processor time; raise --timeout, or pass --ocr never")
        }
        Some(_) => error.help("the picture may be damaged or hostile; --ocr never leaves it out"),
        None => error.help(format!(
            "check that tesseract has the language `{}`; it may start no other program unless --sandbox off is \
             given",
            options.language
        )),
    }
}

/// Waits for the end of a process; kills it at the deadline and gives `None`.
fn wait(child: &mut std::process::Child, deadline: Instant) -> std::io::Result<Option<ExitStatus>> {
    let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let Some(id) = id else { return child.wait().map(Some) };
    let process = pidfd_open(id, PidfdFlags::empty())?;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).unwrap_or_default();
        match poll(&mut [PollFd::new(&process.as_fd(), PollFlags::IN)], Some(&timeout)) {
            Ok(0) => {
                child.kill()?;
                child.wait()?;
                return Ok(None);
            }
            Ok(_) => return child.wait().map(Some),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => {
                child.kill()?;
                child.wait()?;
                return Err(error.into());
            }
        }
    }
}
