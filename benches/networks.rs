//! Time per sample of 128-64-32-1: our evaluator in batches of 64 and one by one, ruv-fann's `run`, and libfann's
//! `fann_run` where a C compiler and libfann-dev are present. One thread, best of 30 rounds, all in this run.
//!
//!     cargo bench --bench networks

use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use docproc_networks::activation::Activation;
use docproc_networks::evaluate::Evaluator;
use docproc_networks::network::Network;
use docproc_networks::ruv;
use docproc_networks::spec::{LayerSpec, NetworkSpec, Output};

const SAMPLES: usize = 64;

/// Best of 30 rounds in nanoseconds per sample; each round runs the samples `passes` times.
fn best(passes: usize, mut run: impl FnMut()) -> f64 {
    run();
    let round = |run: &mut dyn FnMut()| {
        let start = Instant::now();
        (0..passes).for_each(|_| run());
        start.elapsed().as_secs_f64() * 1e9 / (passes * SAMPLES) as f64
    };
    (0..30).map(|_| round(&mut run)).fold(f64::INFINITY, f64::min)
}

fn libfann() -> Option<f64> {
    let tool = std::env::temp_dir().join(format!("docproc-libfann-{}", std::process::id()));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/networks/libfann.c");
    let built =
        Command::new("cc").args(["-O2", "-o"]).args([&tool, &source]).args(["-lfloatfann", "-lm"]).output();
    let time = built.ok().filter(|output| output.status.success()).and_then(|_| {
        let output = Command::new(&tool).arg("bench").output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    });
    let _ = std::fs::remove_file(tool);
    time
}

fn main() {
    let libfann = libfann();
    println!(
        "ns per sample, 128-64-32-1      batches of 64   one by one     ruv-fann   ratio   libfann   ratio"
    );
    for activation in [Activation::Relu, Activation::Sigmoid, Activation::SigmoidSymmetric, Activation::Gelu]
    {
        let layers = [64, 32, 1].map(|size| LayerSpec::uniform(size, activation)).to_vec();
        let network = Network::random(NetworkSpec::new("bench", 128, layers, Output::Values), 1).unwrap();
        let inputs: Vec<f32> = (0..SAMPLES * 128).map(|i| (i as f32 * 0.37).sin()).collect();
        let evaluator = Evaluator::new(&network);
        let (mut outputs, mut scratch) = (vec![0.0; SAMPLES], evaluator.scratch());
        let batched = best(200, || evaluator.run(black_box(&inputs), &mut outputs, &mut scratch).unwrap());
        let single = best(50, || {
            for (input, output) in inputs.chunks(128).zip(outputs.chunks_mut(1)) {
                evaluator.run(black_box(input), output, &mut scratch).unwrap();
            }
        });
        print!("{:<30} {batched:>13.0} {single:>13.0}", activation.name());
        match ruv::to_ruv(&network) {
            Ok(mut reference) => {
                let time = best(10, || {
                    for input in inputs.chunks(128) {
                        black_box(reference.run(black_box(input)).unwrap());
                    }
                });
                print!(" {time:>12.0} {:>6.1}x", time / batched);
            }
            Err(_) => print!(" {:>12} {:>7}", "-", "-"),
        }
        match (activation, libfann) {
            (Activation::Sigmoid, Some(time)) => println!(" {time:>9.0} {:>6.1}x", time / batched),
            _ => println!(" {:>9} {:>7}", "-", "-"),
        }
    }
    if libfann.is_none() {
        println!("libfann: skipped, needs cc and libfann (Debian: gcc libfann-dev)");
    }
}
