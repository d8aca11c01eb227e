//! Networks against libfann 2.2: its files, its outputs, and ours loaded by it.
//!
//! The fixtures were written by `fixtures/networks/libfann.c`. The tests named `..._with_libfann` run libfann itself:
//! they need a C compiler and Debian's libfann-dev. `make test` leaves them out where these are missing, and says so.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use docproc_networks::activation::Activation;
use docproc_networks::dataset::Dataset;
use docproc_networks::evaluate::Evaluator;
use docproc_networks::libfann;
use docproc_networks::network::Network;
use docproc_networks::spec::{LayerFunction, LayerSpec, NetworkSpec, NeuronRun, Output};
use docproc_networks::train::{Optimizer, Training, train};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/networks")
}

fn numbers(text: &str) -> Vec<f32> {
    text.split_ascii_whitespace().map(|number| number.parse().unwrap()).collect()
}

/// Compiles the C program.
fn libfann_tool(folder: &Path) -> PathBuf {
    let tool = folder.join("libfann");
    let compiler = Command::new("cc")
        .args(["-O2", "-o"])
        .args([&tool, &fixtures().join("libfann.c")])
        .args(["-lfloatfann", "-lm"])
        .output();
    let done = compiler.is_ok_and(|output| output.status.success());
    assert!(done, "this test needs a C compiler and libfann: apt-get install gcc libfann-dev");
    tool
}

fn check_fixture(folder: &Path, name: &str) {
    let network = libfann::read(name, &fs::read(folder.join(format!("{name}.net"))).unwrap()).unwrap();
    let evaluator = Evaluator::new(&network);
    let samples = fs::read_to_string(folder.join(format!("{name}.txt"))).unwrap();
    let mut checked = 0;
    for line in samples.lines() {
        let (inputs, expected) = line.split_once('|').unwrap();
        let found = evaluator.run_one(&numbers(inputs)).unwrap();
        for (found, expected) in found.iter().zip(numbers(expected)) {
            let allowed = 1e-5 * expected.abs().max(1.0);
            assert!((found - expected).abs() <= allowed, "{name}: {found} but libfann gives {expected}");
            checked += 1;
        }
    }
    assert!(checked >= 8, "{name}: every sample was compared");
}

const FIXTURES: [&str; 5] = ["standard", "sparse", "functions", "limited", "scaled"];

#[test]
fn files_written_by_libfann_give_its_outputs() {
    for name in FIXTURES {
        check_fixture(&fixtures(), name);
    }
}

#[test]
fn freshly_written_files_give_its_outputs_too_with_libfann() {
    let folder = tempfile::tempdir().unwrap();
    let tool = libfann_tool(folder.path());
    assert!(Command::new(tool).arg("generate").arg(folder.path()).status().unwrap().success());
    for name in FIXTURES {
        check_fixture(folder.path(), name);
    }
}

#[test]
fn our_files_load_and_agree_with_libfann() {
    let folder = tempfile::tempdir().unwrap();
    let tool = libfann_tool(folder.path());
    let run = |count, activation, steepness| NeuronRun { count, activation, steepness, limit: None };
    let hidden = vec![
        run(3, Activation::Sigmoid, 1.0),
        run(2, Activation::Gaussian, 0.7),
        run(4, Activation::SigmoidSymmetric, 0.4),
        run(1, Activation::Elliot, 0.5),
    ];
    let layers = vec![
        LayerSpec { size: 10, function: LayerFunction::Neurons(hidden) },
        LayerSpec::uniform(6, Activation::SigmoidSymmetric),
        LayerSpec::uniform(2, Activation::Linear),
    ];
    let network = Network::random(NetworkSpec::new("ours", 12, layers, Output::Values), 21).unwrap();
    let path = folder.path().join("ours.net");
    fs::write(&path, libfann::write(&network).unwrap()).unwrap();
    let rows: Vec<Vec<f32>> =
        (0..10).map(|r| (0..12).map(|i| ((r * 12 + i) as f32 * 0.37).sin()).collect()).collect();
    let mut child = Command::new(tool)
        .arg("run")
        .args([path.as_os_str(), "10".as_ref()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let text: String = rows.concat().iter().map(|value| format!("{value} ")).collect();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "libfann cannot load our file");
    let lines = String::from_utf8(output.stdout).unwrap();
    assert_eq!(lines.lines().count(), 10);
    let evaluator = Evaluator::new(&network);
    for (row, line) in rows.iter().zip(lines.lines()) {
        for (ours, theirs) in evaluator.run_one(row).unwrap().iter().zip(numbers(line)) {
            assert!((ours - theirs).abs() < 1e-5, "{ours} but libfann computes {theirs}");
        }
    }
}

/// Rows of inputs and outputs for the three problems on which trainers are compared.
fn problem(name: &str) -> Vec<(Vec<f32>, f32)> {
    let point = |i: usize| {
        ((i as f32 * 0.754_877_7).fract() * 2.0 - 1.0, (i as f32 * 0.569_840_3).fract() * 2.0 - 1.0)
    };
    match name {
        "xor" => [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)]
            .map(|(a, b)| (vec![a, b], f32::from(u8::from(a != b))))
            .to_vec(),
        "regression" => {
            (0..64).map(point).map(|(x, y)| (vec![x, y], 0.5 * (3.0 * x).sin() + 0.3 * x * y)).collect()
        }
        _ => (0..96) // inside or outside of a ring
            .map(point)
            .map(|(x, y)| (vec![x, y], f32::from(u8::from((0.4..0.8).contains(&x.hypot(y))))))
            .collect(),
    }
}

#[test]
fn converges_for_most_seeds() {
    converges(None);
}

#[test]
fn converges_at_least_as_often_compared_with_libfann() {
    let folder = tempfile::tempdir().unwrap();
    converges(Some(&libfann_tool(folder.path())));
}

/// Seeds out of 20 for which 500 epochs of full-batch RPROP on one hidden layer reach the same mean squared error
/// (of probabilities, where the problem is one of classes).
fn converges(tool: Option<&Path>) {
    for (name, hidden, goal) in [("xor", 4, 0.01), ("regression", 8, 0.002), ("two_class", 8, 0.06)] {
        let rows = problem(name);
        let mut data = Dataset::empty(2, 1);
        let mut text = format!("{} 2 1\n", rows.len());
        for (input, target) in &rows {
            data.push(input, &[*target], String::new());
            text.push_str(&format!("{} {} {target}\n", input[0], input[1]));
        }
        let output = if name == "regression" { Output::Values } else { Output::Probability("yes".into()) };
        let layers = vec![
            LayerSpec::uniform(hidden, Activation::SigmoidSymmetric),
            LayerSpec::uniform(1, Activation::Linear),
        ];
        let spec = NetworkSpec::new(name, 2, layers, output.clone());
        let (mut ours, mut theirs) = (0, 0);
        for seed in 1..=20 {
            let settings = Training {
                optimizer: Optimizer::IRpropMinus,
                epochs: 500,
                patience: 500,
                seed,
                ..Training::default()
            };
            let trained = train(&spec, &data, &data, &settings, &mut |_| {}).unwrap();
            let evaluator = Evaluator::new(&trained.network);
            let mut error = 0.0;
            for (input, target) in &rows {
                let mut found = evaluator.run_one(input).unwrap();
                if output != Output::Values {
                    trained.network.spec().calibrate(&mut found);
                }
                error += (found[0] - target).powi(2) / rows.len() as f32;
            }
            ours += usize::from(error < goal);
            if let Some(tool) = tool {
                let mut child = Command::new(tool)
                    .args(["train", name, &seed.to_string()])
                    .stdin(Stdio::piped())
                    .stdout(Stdio::piped())
                    .spawn()
                    .unwrap();
                child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
                let output = child.wait_with_output().unwrap();
                let error: f32 = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
                theirs += usize::from(error < goal);
            }
        }
        println!("{name}: error below {goal} for {ours} of 20 seeds, libfann {theirs}");
        assert!(ours >= 10 && ours >= theirs, "{name}: {ours} of 20, libfann {theirs}");
    }
}
