//! Text on a gray picture of a page: detection, orientation and recognition.
//!
//! The pixels are a stranger's; the models see them as numbers, and what they answer is read by `docproc-ocr`, which is
//! safe Rust and checks every size. Batches are a function of the picture alone.

use std::fmt;
use std::sync::Arc;

use docproc_ocr::{
    Alphabet, DetectorOptions, Glyph, Picture, Region, STRIP_HEIGHT, Strip, Word, dashes, page_skew, regions,
    settle_marks, words,
};

use super::options::InferenceOptions;
use crate::error::{Error, ErrorCode, Result};
use crate::input::MayGoOn;
use crate::runtime::{
    InferenceSession, InputTensor, LoadedModel, ModelBundle, ModelManager, OutputTensor, TensorData,
};

/// How the detector's map is read: the settings of PP-OCRv6, but regions are grown by 1.15 and not by 1.4. Letters are
/// larger in their strips then: of 799 numbers on simulated scans all that were read were right (0.9975 of them before).
const DETECTOR: DetectorOptions = DetectorOptions { threshold: 0.2, region_threshold: 0.4, growth: 1.15 };
/// The detector's sides are multiples of this.
const SIDE_STEP: usize = 32;
/// Pixels that the detector sees of a page: some 100 dots per inch of a letter page.
const DETECTED_PIXELS: f32 = 1.2e6;
/// Pixels that it sees where lines are too small to be told apart at first.
const MOST_DETECTED_PIXELS: f32 = 2.0e6;
/// Bytes that a session of the detector holds at its peak, and keeps: some 105 per pixel.
pub const DETECTOR_BYTES: u64 = 210 << 20;
/// Pictures are enlarged for the detector at most by this.
const MOST_ENLARGED: f32 = 2.0;
/// Height in the detector's pixels below which half of the lines are too small.
const SMALL_LINE: f32 = 11.0;
/// Mean and standard deviation of the three channels (blue, green, red) that the detector was trained with.
const CHANNELS: [(f32, f32); 3] = [(0.485, 0.229), (0.456, 0.224), (0.406, 0.225)];
/// Pixels of strips that run together on a CPU, where company gains nothing, and on an accelerator.
const STRIP_PIXELS: [usize; 2] = [1, 64 * 1024];
/// Share of the length of all lines that must run up or down for a page to be turned by a quarter.
const UPRIGHT_SHARE: f32 = 0.6;
/// Lines that are read in both directions to see which way is up.
const SAMPLES: usize = 6;
/// Mean probability of the characters from which the direction is beyond doubt.
const CLEARLY_READ: f32 = 0.9;
/// How much better the other direction must be.
const BETTER: f32 = 0.05;

/// Mean probability of the characters up to which a line is no text.
const NO_TEXT: f32 = 0.5;
/// The same for a line that is fainter than this share of what is clearly read.
const CLEAR_SHADOW: f32 = 0.9;
const SHADOW_CONTRAST: f32 = 0.6;
/// Share of the usual contrast below which a word is no print: the other side shows through with a quarter of it at most.
const FAINTEST: f32 = 0.3;
/// Characters of a faint line from which a mirror tells it from text, and what fewer of them must have.
const LEGIBLE: usize = 4;
const CLEAR_SIGNS: f32 = 0.985;

/// What stands on a picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PictureText {
    /// Its words, in pixels of the picture as it is turned upright.
    pub words: Vec<Word>,
    /// Clockwise quarters by which it must be turned to stand upright.
    pub quarters: u8,
    /// Angle of its lines then, in degrees clockwise.
    pub skew_degrees: f32,
    /// Lines that are none: text of the other side that shows through, and shapes that only look like text.
    pub left_out: usize,
}

/// A detector of lines and a recogniser of what they say.
pub struct OcrModel {
    detector: Arc<LoadedModel>,
    recogniser: Arc<LoadedModel>,
    alphabet: Alphabet,
    options: InferenceOptions,
}

impl fmt::Debug for OcrModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OcrModel({} characters)", self.alphabet.classes())
    }
}

impl OcrModel {
    /// Loads the two models, each with the manager that decides how it is run.
    ///
    /// # Errors
    /// `model.invalid` if they are not of PP-OCR's kind, or what loading says.
    pub fn open(
        detector: (&ModelManager, &ModelBundle),
        recogniser: (&ModelManager, &ModelBundle),
        options: InferenceOptions,
    ) -> Result<Self> {
        let (detector, recogniser) = (detector.0.load(detector.1)?, recogniser.0.load(recogniser.1)?);
        for model in [&detector, &recogniser] {
            if model.inputs.len() != 1 || model.outputs.len() != 1 || model.inputs[0].shape.len() != 4 {
                return Err(wrong(model, "the model does not take one picture and give one answer"));
            }
        }
        let characters = recogniser.characters.as_deref().unwrap_or_default();
        let alphabet = Alphabet::new(characters);
        let classes = recogniser.outputs[0].shape.last().copied().flatten();
        if characters.is_empty() || classes.is_some_and(|classes| classes != alphabet.classes()) {
            return Err(wrong(&recogniser, "the recogniser's metadata do not name its characters"));
        }
        Ok(Self { detector, recogniser, alphabet, options })
    }

    /// Reads a picture. With `turn`, it is turned upright first, by what its lines say.
    ///
    /// # Errors
    /// `model.run` if a model fails, and what `may_go_on` says.
    pub fn read(&self, picture: Picture<'_>, turn: bool, may_go_on: MayGoOn<'_>) -> Result<PictureText> {
        let mut picture = picture;
        let mut found = self.detect(&picture, may_go_on)?;
        let mut quarters = 0;
        if turn && runs_up_or_down(&found) {
            quarters = 1;
            picture = picture.turned(1);
            found = self.detect(&picture, may_go_on)?;
        }
        if turn && self.is_upside_down(&picture, &found, may_go_on)? {
            quarters += 2;
            picture = picture.turned(2);
            found = self.detect(&picture, may_go_on)?;
        }
        let lines = self.recognise(&picture, &found, false, may_go_on)?;
        let (lines, left_out) = self.without_shadows(&picture, &found, lines, may_go_on)?;
        let mut words: Vec<Word> = lines.into_iter().flat_map(|line| line.words).collect();
        settle_marks(&mut words);
        may_go_on()?;
        words.extend(dashes(&picture, &words, page_skew(&found)));
        Ok(PictureText { words, quarters, skew_degrees: page_skew(&found).to_degrees(), left_out })
    }

    /// The lines of a picture.
    fn detect(&self, picture: &Picture<'_>, may_go_on: MayGoOn<'_>) -> Result<Vec<Region>> {
        let found = self.detect_at(picture, DETECTED_PIXELS, may_go_on)?;
        let (seen, pixels) = (detected_scale(picture, DETECTED_PIXELS), picture.width() * picture.height());
        let mut heights: Vec<f32> = found.iter().map(|region| 2.0 * region.half.1 * seen).collect();
        heights.sort_by(f32::total_cmp);
        let small = heights.get(heights.len() / 2).is_some_and(|height| *height < SMALL_LINE);
        if small && pixels as f32 > DETECTED_PIXELS * 1.5 {
            return self.detect_at(picture, MOST_DETECTED_PIXELS, may_go_on);
        }
        Ok(found)
    }

    /// The lines of a picture that is shown to the detector with at most so many pixels.
    fn detect_at(&self, picture: &Picture<'_>, most: f32, may_go_on: MayGoOn<'_>) -> Result<Vec<Region>> {
        let scale = detected_scale(picture, most);
        let side = |pixels: usize| {
            let steps = (pixels as f32 * scale / SIDE_STEP as f32).round().max(1.0);
            steps as usize * SIDE_STEP
        };
        let (width, height) = (side(picture.width()), side(picture.height()));
        let mut found = self.run(&self.detector, "detect text", 1, may_go_on, |session, _| {
            let mut values = self.options.buffers.stale::<f32>(3 * width * height);
            let plain: [f32; 256] = std::array::from_fn(|value| value as f32 / 255.0);
            let (first, others) = values.split_at_mut(width * height);
            picture.resize(width, height, &plain, first);
            for (channel, (mean, deviation)) in others.chunks_exact_mut(width * height).zip(&CHANNELS[1..]) {
                channel.iter_mut().zip(&*first).for_each(|(out, value)| *out = (value - mean) / deviation);
            }
            first.iter_mut().for_each(|value| *value = (*value - CHANNELS[0].0) / CHANNELS[0].1);
            let map = self.answer(session, &self.detector, vec![1, 3, height, width], &values)?;
            if map.shape != [1, 1, height, width] {
                return Err(wrong(&self.detector, "the detector's map is not as large as its picture"));
            }
            Ok(regions(&map.values, width, height, &DETECTOR))
        })?;
        let (across, down) = (picture.width() as f32 / width as f32, picture.height() as f32 / height as f32);
        Ok(found.pop().unwrap_or_default().into_iter().map(|region| region.scaled(across, down)).collect())
    }

    /// Whether lines are read better from their other ends. Lines of middling length say so for all.
    fn is_upside_down(
        &self,
        picture: &Picture<'_>,
        found: &[Region],
        may_go_on: MayGoOn<'_>,
    ) -> Result<bool> {
        let mut samples: Vec<Region> = found.iter().filter(|region| !region.is_upright()).copied().collect();
        samples.sort_by(|a, b| sample_order(a).total_cmp(&sample_order(b)));
        samples.truncate(SAMPLES);
        let clarity = |regions: &[Region]| -> Result<f32> {
            let read = self.recognise(picture, regions, false, may_go_on)?;
            let (sum, count) = read.iter().fold((0.0, 0.0f32), |(sum, count), line| {
                (sum + line.clarity * line.characters as f32, count + line.characters as f32)
            });
            Ok(sum / count.max(1.0))
        };
        let upright = clarity(&samples)?;
        if samples.is_empty() || upright > CLEARLY_READ {
            return Ok(false);
        }
        let reversed: Vec<Region> = samples.into_iter().map(Region::reversed).collect();
        Ok(clarity(&reversed)? > upright + BETTER)
    }

    /// The lines that are text, and the number of the others that read as anything. What is much fainter than the rest of
    /// the page may be the other side, showing through: then it reads better in a mirror.
    fn without_shadows(
        &self,
        picture: &Picture<'_>,
        found: &[Region],
        lines: Vec<Line>,
        may_go_on: MayGoOn<'_>,
    ) -> Result<(Vec<Line>, usize)> {
        let usual = usual_contrast(&lines);
        let faint = SHADOW_CONTRAST * usual;
        let faint: Vec<usize> = (0..lines.len()).filter(|&at| lines[at].contrast < faint).collect();
        let regions: Vec<Region> = faint.iter().map(|&at| found[at]).collect();
        let mirrored = self.recognise(picture, &regions, true, may_go_on)?;
        let mut is_text: Vec<bool> = lines.iter().map(|line| line.clarity > NO_TEXT).collect();
        for (at, mirrored) in faint.into_iter().zip(mirrored) {
            let line = &lines[at];
            let least =
                if line.characters < LEGIBLE { CLEAR_SIGNS } else { mirrored.clarity.max(CLEAR_SHADOW) };
            is_text[at] = line.clarity > least;
        }
        let others =
            lines.iter().zip(&is_text).filter(|(line, is_text)| !**is_text && !line.words.is_empty());
        let mut left_out = others.count();
        let text = lines.into_iter().zip(is_text).filter_map(|(line, is_text)| is_text.then_some(line));
        let mut text: Vec<Line> = text.collect();
        for line in &mut text {
            // Beside the end of a line the other side may go on.
            let read = line.words.len();
            line.words.retain(|word| word.contrast >= FAINTEST * usual);
            left_out += read - line.words.len();
        }
        Ok((text, left_out))
    }

    /// What lines say, in their order. A line that runs up or down is read both ways and taken as it reads better.
    fn recognise(
        &self,
        picture: &Picture<'_>,
        found: &[Region],
        mirrored: bool,
        may_go_on: MayGoOn<'_>,
    ) -> Result<Vec<Line>> {
        let mut strips: Vec<Region> = found.to_vec();
        let upright = found.iter().enumerate().filter(|(_, region)| region.is_upright());
        let reversed: Vec<(usize, usize)> =
            upright.enumerate().map(|(at, (line, _))| (line, found.len() + at)).collect();
        strips.extend(reversed.iter().map(|(line, _)| found[*line].reversed()));
        let batches = batches(&strips, STRIP_PIXELS[usize::from(!self.recogniser.provider.is_cpu())]);
        let read =
            self.run(&self.recogniser, "recognise text", batches.len(), may_go_on, |session, index| {
                let (padded, lines) = &batches[index];
                let cut = |&line: &usize| {
                    let strip = Strip::cut(picture, strips[line]);
                    if mirrored { strip.mirrored() } else { strip }
                };
                let strips: Vec<Strip> = lines.iter().map(cut).collect();
                self.read_strips(session, &strips, *padded)
            })?;
        let mut lines: Vec<Line> = vec![Line::default(); strips.len()];
        for ((_, indices), read) in batches.iter().zip(read) {
            for (&index, line) in indices.iter().zip(read) {
                lines[index] = line;
            }
        }
        for (line, other) in reversed {
            if lines[other].clarity > lines[line].clarity {
                lines.swap(line, other);
            }
        }
        lines.truncate(found.len());
        Ok(lines)
    }

    /// Reads strips that are padded to one width.
    fn read_strips(
        &self,
        session: &mut dyn InferenceSession,
        strips: &[Strip],
        padded: usize,
    ) -> Result<Vec<Line>> {
        let size = 3 * STRIP_HEIGHT * padded;
        let mut values = self.options.buffers.stale::<f32>(strips.len() * size);
        for (strip, out) in strips.iter().zip(values.chunks_exact_mut(size)) {
            strip.write(padded, out);
        }
        let shape = vec![strips.len(), 3, STRIP_HEIGHT, padded];
        let answer = self.answer(session, &self.recogniser, shape, &values)?;
        let &[count, columns, classes] = answer.shape.as_slice() else {
            return Err(wrong(&self.recogniser, "the recogniser does not give probabilities per column"));
        };
        if count != strips.len() || classes != self.alphabet.classes() || columns == 0 {
            return Err(wrong(&self.recogniser, "the recogniser's probabilities do not fit its characters"));
        }
        let rows = answer.values.chunks_exact(columns * classes);
        Ok(strips
            .iter()
            .zip(rows)
            .map(|(strip, row)| {
                let glyphs = self.alphabet.decode(row);
                Line {
                    words: words(strip, &glyphs, columns, padded),
                    clarity: clarity(&glyphs),
                    contrast: strip.contrast(),
                    characters: glyphs.len(),
                }
            })
            .collect())
    }

    /// Does `work` for every index on the model's sessions, as long as it may go on.
    fn run<T: Send>(
        &self,
        model: &LoadedModel,
        stage: &'static str,
        count: usize,
        may_go_on: MayGoOn<'_>,
        work: impl Fn(&mut dyn InferenceSession, usize) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let document = self.options.profiler.document();
        model.pool.map(count, |session, index| {
            may_go_on()?;
            let _document = self.options.profiler.enter(document.clone());
            let _span = self.options.profiler.span(stage);
            work(session, index)
        })
    }

    fn answer(
        &self,
        session: &mut dyn InferenceSession,
        model: &LoadedModel,
        shape: Vec<usize>,
        values: &[f32],
    ) -> Result<OutputTensor> {
        let input = InputTensor { name: &model.inputs[0].name, shape, data: TensorData::F32(values) };
        let answers = session.run(&[input], &self.options.buffers)?;
        answers.into_iter().next().ok_or_else(|| wrong(model, "the model gives no numbers"))
    }
}

/// A line that was read.
#[derive(Clone, Debug, Default)]
struct Line {
    words: Vec<Word>,
    /// Mean probability of its characters.
    clarity: f32,
    characters: usize,
    /// How far its ink and its paper are apart, 0 to 255.
    contrast: f32,
}

/// Median contrast of the characters that are clearly read; 0 without any.
fn usual_contrast(lines: &[Line]) -> f32 {
    let clear = lines.iter().filter(|line| line.clarity > CLEARLY_READ);
    let mut contrasts: Vec<(f32, usize)> = clear.map(|line| (line.contrast, line.characters)).collect();
    contrasts.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = contrasts.iter().map(|line| line.1).sum::<usize>() / 2;
    let mut sum = 0;
    let median = contrasts.iter().find(|line| {
        sum += line.1;
        sum > half
    });
    median.map_or(0.0, |line| line.0)
}

fn wrong(model: &LoadedModel, message: &str) -> Error {
    Error::new(ErrorCode::ModelInvalid, message)
        .file(&model.bundle.model)
        .help("use a detector and a recogniser of PP-OCR")
}

/// How much of a picture's size the detector sees.
fn detected_scale(picture: &Picture<'_>, most: f32) -> f32 {
    (most / (picture.width() as f32 * picture.height() as f32)).sqrt().min(MOST_ENLARGED)
}

fn clarity(glyphs: &[Glyph]) -> f32 {
    glyphs.iter().map(|glyph| glyph.probability).sum::<f32>() / glyphs.len().max(1) as f32
}

/// Whether most of what is written runs up or down.
fn runs_up_or_down(found: &[Region]) -> bool {
    let length =
        |regions: &mut dyn Iterator<Item = &Region>| regions.map(|region| region.half.0).sum::<f32>();
    let upright = length(&mut found.iter().filter(|region| region.is_upright()));
    upright > UPRIGHT_SHARE * length(&mut found.iter())
}

/// The smaller, the better a line tells which way is up: ten times as long as high.
fn sample_order(region: &Region) -> f32 {
    (region.half.0 / region.half.1 / 10.0).ln().abs()
}

/// Strips that run together, with the width that they are padded to: those of one padded width, in their order, the
/// widest first.
fn batches(strips: &[Region], pixels: usize) -> Vec<(usize, Vec<usize>)> {
    let mut order: Vec<(usize, usize)> =
        strips.iter().map(|region| Strip::padded(Strip::width_of(region))).zip(0..).collect();
    order.sort_by_key(|&(padded, index)| (std::cmp::Reverse(padded), index));
    let mut batches: Vec<(usize, Vec<usize>)> = Vec::new();
    for (padded, index) in order {
        match batches.last_mut() {
            Some((width, batch)) if *width == padded && (batch.len() + 1) * padded <= pixels => {
                batch.push(index)
            }
            _ => batches.push((padded, vec![index])),
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(half: (f32, f32), angle: f32) -> Region {
        Region { center: (100.0, 100.0), half, angle, score: 1.0 }
    }

    #[test]
    fn strips_of_one_width_share_a_batch_within_the_budget() {
        let strips: Vec<Region> =
            [200.0, 50.0, 205.0, 50.0, 50.0].map(|half| region((half, 10.0), 0.0)).into();
        let widths: Vec<_> = batches(&strips, 600).into_iter().collect();
        assert_eq!(widths, [(992, vec![2]), (960, vec![0]), (256, vec![1, 3]), (256, vec![4])]);
        assert!(batches(&strips, 1).iter().all(|(_, batch)| batch.len() == 1));
    }

    #[test]
    fn the_usual_contrast_is_that_of_clear_characters() {
        let line = |clarity, characters, contrast| Line { words: Vec::new(), clarity, characters, contrast };
        let lines = [line(0.99, 60, 240.0), line(0.95, 20, 90.0), line(0.6, 500, 70.0)];
        assert_eq!((usual_contrast(&lines), usual_contrast(&[])), (240.0, 0.0));
    }

    #[test]
    fn a_page_is_turned_when_most_of_its_text_runs_up_or_down() {
        let (across, up) = (region((100.0, 8.0), 0.0), region((90.0, 8.0), 1.57));
        assert!(runs_up_or_down(&[up, up, across]));
        assert!(!runs_up_or_down(&[across, across, up]));
        assert!(!runs_up_or_down(&[]));
    }
}
