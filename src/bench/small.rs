//! Tokenizers and scoring networks: what takes micro- and milliseconds.

use std::fs;

use super::Context;
use super::workload::{Function, Plan, Size};
use crate::error::{Error, ErrorCode, Result};
use crate::inference::PageWords;
use crate::pipeline::open_bundle;
use crate::runtime::Manifest;
use crate::scoring::networks;
use crate::tokenize::{Encoder, TokenizerSource, WindowLimits};
use docproc_networks::activation::Activation;
use docproc_networks::evaluate::Evaluator;
use docproc_networks::network::Network;
use docproc_networks::spec::{LayerSpec, NetworkSpec, Output};
use docproc_networks::{random::Random, ruv};

/// Tokens of a window where tokenizers are measured.
const WINDOW: usize = 512;
/// Samples that networks get at a time, and how often in one run.
const SAMPLES: usize = 64;
const PASSES: usize = 50;

/// The tokenizers of the configured models, over all sentences and over all pages, on one thread.
///
/// # Errors
/// Those of opening bundles.
pub fn tokenizers<'a>(context: &'a Context<'a>) -> Result<Vec<Plan<'a>>> {
    let models = &context.config.models;
    let manifest = Manifest::read(&context.config.models_folder)?;
    let mut plans = Vec::new();
    for (model, is_text) in [(&models.finbert, true), (&models.layoutlmv3, false)] {
        let bundle = open_bundle(model, manifest.as_ref())?;
        plans.push(Plan {
            name: format!("tokenizer/{}", bundle.name),
            group: format!("tokenizer/{}", bundle.name),
            unit: if is_text { "sentences" } else { "pages" },
            make: Box::new(move |_| {
                let corpus = context.corpus()?;
                let encoder = Encoder::new(&TokenizerSource::find(&bundle.tokenizer)?)?;
                let items = if is_text { corpus.sentences.len() } else { corpus.pages.len() };
                let run = move |encoder: &Encoder| -> Result<usize> {
                    let limits = WindowLimits::new(WINDOW);
                    let mut tokens = 0;
                    if is_text {
                        for text in &corpus.sentences {
                            tokens += encoder.encode_text(text, limits)?.tokens();
                        }
                    } else {
                        for page in &corpus.pages {
                            let page = encoder.encode_page(page.words(), limits)?;
                            tokens += page.windows.iter().map(crate::tokenize::Window::len).sum::<usize>();
                        }
                    }
                    Ok(tokens)
                };
                let tokens = run(&encoder)?;
                Ok(Box::new(Function {
                    call: Box::new(move || run(&encoder).map(drop)),
                    size: Size {
                        items: items as f64,
                        tokens: Some(tokens as f64),
                        threads: 1,
                        ..Size::default()
                    },
                }))
            }),
        });
    }
    Ok(plans)
}

/// The shipped networks and the design's 128-64-32-1: ours in batches, ours one by one, and ruv-fann's `run` where
/// it can run the network at all.
///
/// # Errors
/// `network.invalid`.
pub fn scoring<'a>(context: &'a Context<'a>) -> Result<Vec<Plan<'a>>> {
    let layers = [64, 32, 1].map(|size| LayerSpec::uniform(size, Activation::Sigmoid)).to_vec();
    let design = Network::random(NetworkSpec::new("128-64-32-1", 128, layers, Output::Values), 1)?;
    let mut found = vec![("128-64-32-1".to_owned(), design)];
    let folder = context.config.models_folder.join("networks");
    let mut folders: Vec<_> =
        fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    folders.sort();
    for folder in folders {
        let file = folder.join("network.dpnn");
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Ok(bytes) = fs::read(&file) {
            found.push((name.clone(), networks::read(&name, &bytes).map_err(|error| error.file(&file))?));
        }
    }
    let simd = context.config.optimization.enable_simd;
    let mut plans = Vec::new();
    for (name, network) in found {
        let runs_there = ruv::to_ruv(&network).is_ok();
        for how in ["batches", "single", "ruv-fann"] {
            if how == "ruv-fann" && !runs_there {
                continue;
            }
            let network = network.clone();
            plans.push(Plan {
                name: format!("network/{name}/{how}"),
                group: format!("network/{name}"),
                unit: "samples",
                make: Box::new(move |_| {
                    let call = call(&network, how, simd)?;
                    let size = Size { items: (SAMPLES * PASSES) as f64, threads: 1, ..Size::default() };
                    Ok(Box::new(Function { call, size }))
                }),
            });
        }
    }
    Ok(plans)
}

/// One run: `PASSES` times `SAMPLES` samples.
fn call(network: &Network, how: &str, simd: bool) -> Result<Box<dyn FnMut() -> Result<()>>> {
    let (width, results) = (network.spec().inputs, network.spec().outputs());
    let mut random = Random::new(7);
    let inputs: Vec<f32> = (0..SAMPLES * width).map(|_| random.uniform() as f32).collect();
    if how == "ruv-fann" {
        let mut reference = ruv::to_ruv(network)?;
        return Ok(Box::new(move || {
            for _ in 0..PASSES {
                for sample in inputs.chunks(width) {
                    let outputs = reference.run(sample).map_err(|error| {
                        Error::new(ErrorCode::Internal, "ruv-fann refuses a sample")
                            .because(error.to_string())
                    })?;
                    std::hint::black_box(outputs);
                }
            }
            Ok(())
        }));
    }
    let evaluator = Evaluator::with_simd(network, simd);
    let (mut outputs, mut scratch) = (vec![0.0; SAMPLES * results], evaluator.scratch());
    let batch = if how == "single" { 1 } else { SAMPLES };
    Ok(Box::new(move || {
        for _ in 0..PASSES {
            for (inputs, outputs) in inputs.chunks(batch * width).zip(outputs.chunks_mut(batch * results)) {
                evaluator.run(std::hint::black_box(inputs), outputs, &mut scratch)?;
            }
        }
        Ok(())
    }))
}
