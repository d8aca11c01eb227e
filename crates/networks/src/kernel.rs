//! The matrix product of the evaluator: weights packed once, SIMD chosen at run time, bias and activation fused.
//!
//! `pulp` picks the widest instruction set that the processor has (AVX-512, AVX2 with FMA, NEON, or plain code) and
//! compiles the loops below for it. Weights are packed when a network is loaded, because they never change: a
//! general product would pack, and allocate room for, both sides at every call.

use pulp::{Simd, WithSimd};

use super::activation::Activation;
use super::gated;
use super::spec::{LayerFunction, LayerSpec, NeuronRun};

/// Columns of a packed panel: one AVX-512 register, two AVX2 registers or four NEON registers.
pub(super) const PANEL: usize = 16;

/// Vectors that lie across two cache lines are read at half the speed.
const CACHE_LINE_BYTES: usize = 64;

/// Floats that begin at a cache line.
#[derive(Clone, Debug)]
pub(super) struct Aligned {
    room: Vec<f32>,
    length: usize,
}

impl Aligned {
    /// `length` zeros.
    pub(super) fn zeros(length: usize) -> Self {
        Self { room: vec![0.0; length + CACHE_LINE_BYTES / size_of::<f32>() - 1], length }
    }

    /// Where the first cache line begins in this allocation.
    fn start(&self) -> usize {
        self.room.as_ptr().align_offset(CACHE_LINE_BYTES).min(self.room.len() - self.length)
    }

    pub(super) fn as_slice(&self) -> &[f32] {
        &self.room[self.start()..][..self.length]
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [f32] {
        let start = self.start();
        &mut self.room[start..][..self.length]
    }
}

/// One layer, ready to run.
#[derive(Debug)]
pub(super) struct PackedLayer {
    inputs: usize,
    /// Columns rounded up to whole panels; the row stride of its outputs.
    pub(super) stride: usize,
    sums: usize,
    /// `[panels, inputs, PANEL]`, zero in columns past the last. Not to be cloned: a copy may begin elsewhere.
    weights: Aligned,
    /// `[stride]`
    biases: Vec<f32>,
    thresholds: Vec<f32>,
    function: LayerFunction,
}

impl PackedLayer {
    /// Packs row-major weights `[inputs, sums]`.
    pub(super) fn new(
        spec: &LayerSpec,
        inputs: usize,
        weights: &[f32],
        biases: &[f32],
        thresholds: &[f32],
    ) -> Self {
        let sums = spec.sums();
        let panels = sums.div_ceil(PANEL);
        let mut packed = Aligned::zeros(panels * inputs * PANEL);
        for (panel, block) in packed.as_mut_slice().chunks_exact_mut(inputs * PANEL).enumerate() {
            let first = panel * PANEL;
            let width = PANEL.min(sums - first);
            for (input, row) in block.chunks_exact_mut(PANEL).enumerate() {
                row[..width].copy_from_slice(&weights[input * sums + first..][..width]);
            }
        }
        let mut padded = biases.to_vec();
        padded.resize(panels * PANEL, 0.0);
        Self {
            inputs,
            stride: panels * PANEL,
            sums,
            weights: packed,
            biases: padded,
            thresholds: thresholds.to_vec(),
            function: spec.function.clone(),
        }
    }

    /// From the weighted sums of one sample to its outputs, in place at the front of `row`.
    #[inline(always)]
    fn activate(&self, row: &mut [f32]) {
        let row = &mut row[..self.sums];
        match &self.function {
            LayerFunction::Neurons(runs) => {
                let mut rest = row;
                for run in runs {
                    let (part, after) = rest.split_at_mut(run.count);
                    activate_run(run, part);
                    rest = after;
                }
            }
            LayerFunction::DocumentGlu => gated::document_glu(row),
            LayerFunction::AdaptiveRelu => gated::adaptive_relu(row, &self.thresholds),
            LayerFunction::MixtureOfExperts { experts } => gated::mixture_of_experts(row, *experts),
        }
    }
}

/// Applies one function to neighbouring neurons, with the choice of the function outside the loop.
#[inline(always)]
fn activate_run(run: &NeuronRun, values: &mut [f32]) {
    if let Some(limit) = run.limit {
        for value in values.iter_mut() {
            *value = value.max(-limit).min(limit);
        }
    }
    let s = run.steepness;
    macro_rules! each {
        ($($vectorised:ident),+) => {
            match run.activation {
                $(Activation::$vectorised => {
                    for value in values {
                        *value = Activation::$vectorised.apply(*value, s);
                    }
                })+
                Activation::Linear if s == 1.0 => {}
                other => {
                    for value in values {
                        *value = other.apply(*value, s);
                    }
                }
            }
        };
    }
    each!(Relu, ReluLeaky, Sigmoid, SigmoidSymmetric, Gaussian, Gelu);
}

/// One layer over some rows: `output = function(input * weights + biases)`.
pub(super) struct LayerPass<'a> {
    pub(super) layer: &'a PackedLayer,
    pub(super) rows: usize,
    /// `[rows, input_stride]`
    pub(super) input: &'a [f32],
    pub(super) input_stride: usize,
    /// `[rows, layer.stride]`
    pub(super) output: &'a mut [f32],
}

impl WithSimd for LayerPass<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match S::F32_LANES {
            16 => self.run::<S, 1, 8, 2>(simd),
            8 => self.run::<S, 2, 4, 1>(simd),
            4 => self.run::<S, 4, 2, 1>(simd),
            _ => self.run::<S, PANEL, 1, 1>(simd),
        }
    }
}

impl LayerPass<'_> {
    #[inline(always)]
    fn run<S: Simd, const VECTORS: usize, const ROWS: usize, const PANELS: usize>(mut self, simd: S) {
        let blocks = self.rows / ROWS * ROWS;
        for row in (0..blocks).step_by(ROWS) {
            self.block::<S, VECTORS, ROWS, PANELS>(simd, row);
        }
        for row in blocks..self.rows {
            self.block::<S, VECTORS, 1, PANELS>(simd, row);
        }
    }

    /// `ROWS` samples through all panels, `PANELS` at a time as long as there are so many.
    #[inline(always)]
    fn block<S: Simd, const VECTORS: usize, const ROWS: usize, const PANELS: usize>(
        &mut self,
        simd: S,
        first: usize,
    ) {
        let layer = self.layer;
        let panels = layer.stride / PANEL;
        let together = panels / PANELS * PANELS;
        for panel in (0..together).step_by(PANELS) {
            self.panels::<S, VECTORS, ROWS, PANELS>(simd, first, panel);
        }
        for panel in together..panels {
            self.panels::<S, VECTORS, ROWS, 1>(simd, first, panel);
        }
        for row in first..first + ROWS {
            layer.activate(&mut self.output[row * layer.stride..][..layer.stride]);
        }
    }

    /// `ROWS` samples through `PANELS` panels, sums kept in registers: every input that is read serves all of them.
    #[inline(always)]
    fn panels<S: Simd, const VECTORS: usize, const ROWS: usize, const PANELS: usize>(
        &mut self,
        simd: S,
        first: usize,
        panel: usize,
    ) {
        let layer = self.layer;
        // Cut to their lengths here, so that bounds are checked once and not in the loop.
        let inputs: [&[f32]; ROWS] =
            std::array::from_fn(|row| &self.input[(first + row) * self.input_stride..][..layer.inputs]);
        let size = layer.inputs * PANEL;
        let weights: [&[f32]; PANELS] =
            std::array::from_fn(|next| &layer.weights.as_slice()[(panel + next) * size..][..size]);
        let mut sums: [[[S::f32s; VECTORS]; ROWS]; PANELS] = std::array::from_fn(|next| {
            let start = S::as_simd_f32s(&layer.biases[(panel + next) * PANEL..][..PANEL]).0;
            [std::array::from_fn(|vector| start[vector]); ROWS]
        });
        for index in 0..layer.inputs {
            let weights: [[S::f32s; VECTORS]; PANELS] = std::array::from_fn(|next| {
                let row = S::as_simd_f32s(&weights[next][index * PANEL..][..PANEL]).0;
                std::array::from_fn(|vector| row[vector])
            });
            for row in 0..ROWS {
                let input = simd.splat_f32s(inputs[row][index]);
                for next in 0..PANELS {
                    for vector in 0..VECTORS {
                        sums[next][row][vector] =
                            simd.mul_add_e_f32s(input, weights[next][vector], sums[next][row][vector]);
                    }
                }
            }
        }
        for (next, sums) in sums.iter().enumerate() {
            let column = (panel + next) * PANEL;
            for (row, sums) in sums.iter().enumerate() {
                let output = &mut self.output[(first + row) * layer.stride + column..][..PANEL];
                S::as_mut_simd_f32s(output).0[..VECTORS].copy_from_slice(sums);
            }
        }
    }
}
