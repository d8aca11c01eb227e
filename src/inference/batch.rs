//! Windows to tensors, batches to sessions, outputs back to windows.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use docproc_onnx::{Tensor, TensorValues};

use super::options::InferenceOptions;
use super::pixels::{ImageView, preprocess_image};
use crate::error::{Error, ErrorCode, Result};
use crate::runtime::cache::CachedOutputs;
use crate::runtime::{
    CacheInput, CacheKey, InferenceSession, InputTensor, Keep, LoadedModel, OutputTensor, TensorData, plan,
    plan_by_content, plan_in_steps,
};
use crate::tokenize::Window;

/// The inputs of one run of a model, by name.
pub type Batch = BTreeMap<String, Tensor>;

/// A window with the page image that belongs to it.
#[derive(Clone, Copy)]
pub(super) struct WindowInput<'a> {
    pub window: &'a Window,
    pub image: Option<ImageView<'a>>,
}

/// What the model says about one window, read where the model wrote it: in the outputs of its batch.
#[derive(Clone)]
pub(super) struct WindowOutputs {
    batch: CachedOutputs,
    /// Row in the batch and tokens of the window; `None` where the outputs are this window's alone.
    row: Option<(usize, usize)>,
}

impl WindowOutputs {
    /// Values of the output of this name: without the batch axis, and without padding where it has a row per token.
    ///
    /// # Errors
    /// `model.run` if the model did not give it.
    pub(super) fn values(&self, name: &str, model: &LoadedModel) -> Result<&[f32]> {
        let tensor = self.batch.iter().find(|tensor| tensor.name == name).ok_or_else(|| {
            Error::new(ErrorCode::ModelRun, "the model gave no such output as 32-bit floating point")
                .file(&model.bundle.model)
                .part(name)
        })?;
        Ok(&tensor.values[self.range(tensor)])
    }

    fn range(&self, tensor: &OutputTensor) -> Range<usize> {
        let Some((row, tokens)) = self.row else { return 0..tensor.values.len() };
        let size: usize = tensor.shape[1..].iter().product();
        // Padding, and image patches where the model gives those as well, come after the window's tokens.
        let length = if tensor.shape.len() > 2 { size / tensor.shape[1].max(1) * tokens } else { size };
        row * size..row * size + length
    }

    /// The window's part in memory of its own.
    fn alone(&self) -> CachedOutputs {
        let Some((_, tokens)) = self.row else { return Arc::clone(&self.batch) };
        let part = |tensor: &OutputTensor| {
            let mut shape = tensor.shape[1..].to_vec();
            if shape.len() > 1 {
                shape[0] = tokens;
            }
            let values = tensor.values[self.range(tensor)].to_vec().into();
            OutputTensor { name: tensor.name.clone(), shape, values }
        };
        Arc::new(self.batch.iter().map(part).collect())
    }
}

/// Runs windows through a model in planned batches.
#[derive(Clone, Copy)]
pub(super) struct Runner<'a> {
    pub model: &'a LoadedModel,
    pub options: &'a InferenceOptions,
    pub pad_id: u32,
    /// Tokens that the model adds to every window for the image.
    pub image_tokens: usize,
    /// Height and width of the image.
    pub image_size: [usize; 2],
    /// Whether results are cached per window instead of per batch; see [`Runner::results_depend_on_company`].
    pub per_window: bool,
    /// Timer of the stage.
    pub stage: &'static str,
}

/// Windows that run together, padded to one length.
struct Group {
    windows: Vec<usize>,
    padded: usize,
}

impl Runner<'_> {
    /// The outputs for every window, in order.
    ///
    /// # Errors
    /// `model.run` if a batch fails or gives shapes that do not fit its inputs.
    pub(super) fn run(&self, inputs: &[WindowInput<'_>]) -> Result<Vec<WindowOutputs>> {
        let mut found: Vec<Option<WindowOutputs>> = vec![None; inputs.len()];
        let per_window = self.options.cache.as_deref().filter(|_| self.per_window);
        if let Some(cache) = per_window {
            for (slot, input) in found.iter_mut().zip(inputs) {
                let cached = cache.get(&self.key(&[*input], stepped(input.window.len())), Keep::Both);
                *slot = cached.map(|batch| WindowOutputs { batch, row: None });
            }
        }
        let missing: Vec<usize> = (0..inputs.len()).filter(|&index| found[index].is_none()).collect();
        let batches = self.plan(inputs, &missing);
        let document = self.options.profiler.document();
        let results = self.model.pool.map(batches.len(), |session, index| {
            let _document = self.options.profiler.enter(document.clone());
            self.run_batch(session, inputs, &batches[index])
        })?;
        for (batch, outputs) in batches.iter().zip(results) {
            for (&index, outputs) in batch.windows.iter().zip(outputs) {
                if let Some(cache) = per_window {
                    cache.insert(self.key(&[inputs[index]], batch.padded), outputs.alone(), Keep::Both);
                }
                found[index] = Some(outputs);
            }
        }
        // Every missing window is in one batch, so none is left.
        Ok(found.into_iter().flatten().collect())
    }

    /// Whether this model, on this processor and ONNX Runtime, gives a window other bits when other windows share its
    /// batch. Kernels are free to, so it is tried rather than believed: short and long windows, alone and with one
    /// to four others, with `per_window` as it would be used.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub(super) fn results_depend_on_company(&self, vocabulary: usize) -> Result<bool> {
        let uncached = InferenceOptions { cache: None, ..self.options.clone() };
        let runner = Runner { options: &uncached, per_window: true, ..*self };
        let id = |value: usize| u32::try_from(value % vocabulary.max(1)).unwrap_or(0);
        for length in [7, 61] {
            let windows: Vec<Window> = (0..5)
                .map(|seed| Window::of_ids((0..length).map(|at| id(seed * 7919 + at * 131 + 5)).collect()))
                .collect();
            let inputs: Vec<WindowInput<'_>> =
                windows.iter().map(|window| WindowInput { window, image: None }).collect();
            let alone = runner.run(&inputs[..1])?[0].alone();
            for company in 2..=inputs.len() {
                if runner.run(&inputs[..company])?[0].alone() != alone {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// What [`Self::run`] would give the model, batch by batch, without running it.
    ///
    /// # Errors
    /// `model.invalid` if the model wants an input that docproc cannot give.
    pub(super) fn batches(&self, inputs: &[WindowInput<'_>]) -> Result<Vec<Batch>> {
        let all: Vec<usize> = (0..inputs.len()).collect();
        self.plan(inputs, &all)
            .iter()
            .map(|group| {
                let windows: Vec<WindowInput<'_>> =
                    group.windows.iter().map(|&index| inputs[index]).collect();
                self.with_tensors(&windows, group.padded, |tensors| Ok(tensors.iter().map(owned).collect()))
            })
            .collect()
    }

    fn sees_images(&self) -> bool {
        self.image_tokens > 0
    }

    fn plan(&self, inputs: &[WindowInput<'_>], missing: &[usize]) -> Vec<Group> {
        let length = |index: &usize| inputs[*index].window.len();
        let select = |batch: Vec<usize>| batch.into_iter().map(|at| missing[at]).collect::<Vec<_>>();
        if self.per_window {
            // Padded alike whatever else there is. It costs a tenth to a sixth of the speed (steps of 8 against exact
            // lengths, float32), which the cache earns back where that many texts repeat.
            let lengths: Vec<usize> = missing.iter().map(length).collect();
            return plan_in_steps(&lengths, self.options.budget)
                .into_iter()
                .map(|(padded, batch)| Group { windows: select(batch), padded })
                .collect();
        }
        let lengths: Vec<usize> = missing.iter().map(|index| length(index) + self.image_tokens).collect();
        // Pages are batches of their own on a CPU: an image alone fills most of the budget.
        let batches = if self.sees_images() {
            plan(&lengths, self.options.budget)
        } else {
            let fingerprints: Vec<u64> =
                missing.iter().map(|index| fingerprint(&inputs[*index].window.ids)).collect();
            plan_by_content(&lengths, &fingerprints, self.options.budget)
        };
        batches
            .into_iter()
            .map(|batch| {
                let windows = select(batch);
                let padded = windows.iter().map(length).max().unwrap_or(0);
                Group { windows, padded }
            })
            .collect()
    }

    fn key(&self, inputs: &[WindowInput<'_>], padded: usize) -> CacheKey {
        CacheKey::new(
            &self.model.bundle.sha256,
            &self.model.execution,
            inputs.iter().map(|input| CacheInput {
                ids: &input.window.ids,
                pad_id: self.pad_id,
                second_segment: input.window.second_segment,
                boxes: &input.window.boxes,
                image: input.image.map_or(&[], |image| image.rgb),
            }),
            padded,
        )
    }

    /// Outputs per window of the batch.
    fn run_batch(
        &self,
        session: &mut dyn InferenceSession,
        inputs: &[WindowInput<'_>],
        batch: &Group,
    ) -> Result<Vec<WindowOutputs>> {
        if self.options.cancelled.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorCode::RunInterrupted, "the run was stopped"));
        }
        let windows: Vec<WindowInput<'_>> = batch.windows.iter().map(|&index| inputs[index]).collect();
        let keep = if self.sees_images() { Keep::Disk } else { Keep::Both };
        let whole = match &self.options.cache {
            Some(cache) if !self.per_window && cache.keeps(keep) => {
                let key = self.key(&windows, batch.padded);
                match cache.get(&key, keep) {
                    Some(outputs) => outputs,
                    None => {
                        let outputs = Arc::new(self.execute(session, &windows, batch.padded)?);
                        cache.insert(key, Arc::clone(&outputs), keep);
                        outputs
                    }
                }
            }
            _ => Arc::new(self.execute(session, &windows, batch.padded)?),
        };
        let longest = windows.iter().map(|input| input.window.len()).max().unwrap_or(0);
        whole.iter().try_for_each(|tensor| self.check(tensor, windows.len(), longest))?;
        let row = |(row, input): (usize, &WindowInput<'_>)| WindowOutputs {
            batch: Arc::clone(&whole),
            row: Some((row, input.window.len())),
        };
        Ok(windows.iter().enumerate().map(row).collect())
    }

    fn execute(
        &self,
        session: &mut dyn InferenceSession,
        windows: &[WindowInput<'_>],
        padded: usize,
    ) -> Result<Vec<OutputTensor>> {
        let _span =
            self.options.profiler.span_of(self.stage, || format!("{} of {padded} tokens", windows.len()));
        self.with_tensors(windows, padded, |tensors| session.run(tensors, &self.options.buffers))
    }

    /// Calls `use_them` with the model's inputs for these windows, in pooled memory.
    fn with_tensors<T>(
        &self,
        windows: &[WindowInput<'_>],
        padded: usize,
        use_them: impl FnOnce(&[InputTensor<'_>]) -> Result<T>,
    ) -> Result<T> {
        let buffers = &self.options.buffers;
        // ONNX Runtime multiplies a single row by another kernel than several, which moves pooled outputs by 1e-7; a
        // model whose results must not depend on the batch sees a lone window twice.
        let twice = [windows[0], windows[0]];
        let windows = if self.per_window && windows.len() == 1 { twice.as_slice() } else { windows };
        let (rows, cells) = (windows.len(), windows.len() * padded);
        let mut ids = buffers.zeroed::<i64>(cells);
        ids.fill(i64::from(self.pad_id));
        let mut mask = buffers.zeroed::<i64>(cells);
        let mut types = buffers.zeroed::<i64>(cells);
        let mut boxes = buffers.zeroed::<i64>(if self.model.takes("bbox") { 4 * cells } else { 0 });
        let [height, width] = self.image_size;
        let pixels_per_image = if self.image_tokens > 0 { 3 * height * width } else { 0 };
        let mut pixels = buffers.stale::<f32>(rows * pixels_per_image);
        for (row, input) in windows.iter().enumerate() {
            let window = input.window;
            let start = row * padded;
            for (at, &id) in window.ids.iter().enumerate() {
                ids[start + at] = i64::from(id);
            }
            mask[start..start + window.len()].fill(1);
            types[start + window.second_segment.min(window.len())..start + window.len()].fill(1);
            if !boxes.is_empty() {
                for (at, token) in window.boxes.iter().enumerate() {
                    boxes[4 * (start + at)..][..4].copy_from_slice(&token.map(i64::from));
                }
            }
            let pixels = &mut pixels[row * pixels_per_image..][..pixels_per_image];
            match input.image {
                Some(image) => preprocess_image(image, &self.model.bundle.preprocessor, pixels)?,
                None => pixels.fill(0.0),
            }
        }
        let mut tensors = Vec::with_capacity(self.model.inputs.len());
        for spec in &self.model.inputs {
            let (shape, data) = match spec.name.as_str() {
                "input_ids" => (vec![rows, padded], TensorData::I64(&ids)),
                "attention_mask" => (vec![rows, padded], TensorData::I64(&mask)),
                "token_type_ids" => (vec![rows, padded], TensorData::I64(&types)),
                "bbox" => (vec![rows, padded, 4], TensorData::I64(&boxes)),
                "pixel_values" => (vec![rows, 3, height, width], TensorData::F32(&pixels)),
                other => {
                    return Err(Error::new(
                        ErrorCode::ModelInvalid,
                        format!("it wants an input `{other}`, which docproc cannot give"),
                    )
                    .file(&self.model.bundle.model)
                    .help("export the model for text or token classification with Hugging Face Optimum"));
                }
            };
            tensors.push(InputTensor { name: &spec.name, shape, data });
        }
        use_them(&tensors)
    }

    /// Whether an output has a row for each of so many inputs, and in it one for each token where it has such rows.
    fn check(&self, tensor: &OutputTensor, rows: usize, tokens: usize) -> Result<()> {
        let size: usize = tensor.shape.iter().skip(1).product();
        // At least as many rows as inputs: a lone one may have been given twice.
        let given = tensor.shape.first().copied().unwrap_or(0);
        let fits = given >= rows
            && tensor.values.len() == given * size
            && (tensor.shape.len() < 3 || tensor.shape[1] >= tokens);
        if fits {
            return Ok(());
        }
        Err(Error::new(
            ErrorCode::ModelRun,
            format!("an output of shape {:?} does not fit {rows} inputs", tensor.shape),
        )
        .file(&self.model.bundle.model)
        .part(tensor.name.clone()))
    }
}

/// A number that differs between texts, the same on every machine and in every version: FNV-1a over the ids, its high
/// bits folded into the low ones.
fn fingerprint(ids: &[u32]) -> u64 {
    let hash = ids.iter().flat_map(|id| id.to_le_bytes()).fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash ^ (hash >> 32)
}

fn owned(tensor: &InputTensor<'_>) -> (String, Tensor) {
    let values = match tensor.data {
        TensorData::I64(values) => TensorValues::I64(values.to_vec()),
        TensorData::F32(values) => TensorValues::F32(values.to_vec()),
    };
    (tensor.name.to_owned(), Tensor { shape: tensor.shape.clone(), values })
}

fn stepped(length: usize) -> usize {
    length.next_multiple_of(crate::runtime::LENGTH_STEP)
}
