//! The machine that measured.

use std::collections::BTreeMap;
use std::thread::available_parallelism;

use serde::{Deserialize, Serialize};

/// Instruction sets that kernels choose by.
const NOTABLE: &[&str] = &[
    "sse4_2",
    "avx",
    "avx2",
    "fma",
    "f16c",
    "avx_vnni",
    "avx512f",
    "avx512bw",
    "avx512_vnni",
    "avx512_bf16",
    "amx_tile",
    "amx_int8",
    "amx_bf16",
    "asimd",
    "asimddp",
    "asimdhp",
    "i8mm",
    "bf16",
    "sve",
];

/// Facts that figures depend on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Processor, as the kernel names it.
    pub cpu: String,
    /// Cores that this process may use.
    pub cores: usize,
    /// Instruction sets, of those that kernels choose by.
    pub isa: Vec<String>,
    /// Memory in megabytes.
    pub memory_mb: u64,
    /// Kernel.
    pub kernel: String,
    /// Load average over one minute when the measuring began: above the number of cores, others were at work.
    pub load: f64,
    /// What models run on.
    pub device: String,
    /// Versions of docproc and the native libraries.
    pub versions: BTreeMap<String, String>,
}

impl Machine {
    /// This machine. Device and library versions are the caller's to fill in.
    #[must_use]
    pub fn here() -> Self {
        let file = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let (info, memory) = (file("/proc/cpuinfo"), file("/proc/meminfo"));
        let flags = field(&info, "flags").or_else(|| field(&info, "Features")).unwrap_or_default();
        let flags: Vec<&str> = flags.split_whitespace().collect();
        Self {
            cpu: field(&info, "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            cores: available_parallelism().map_or(1, usize::from),
            isa: NOTABLE.iter().filter(|name| flags.contains(name)).map(|&name| name.to_owned()).collect(),
            memory_mb: field(&memory, "MemTotal")
                .and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok())
                .map_or(0, |kilobytes| kilobytes / 1024),
            kernel: file("/proc/sys/kernel/osrelease").trim().to_owned(),
            load: file("/proc/loadavg").split(' ').next().and_then(|text| text.parse().ok()).unwrap_or(0.0),
            device: String::new(),
            versions: BTreeMap::from([("docproc".to_owned(), env!("CARGO_PKG_VERSION").to_owned())]),
        }
    }

    /// Whether times of the two may be compared.
    #[must_use]
    pub fn resembles(&self, other: &Self) -> bool {
        (&self.cpu, self.cores, &self.isa, &self.device)
            == (&other.cpu, other.cores, &other.isa, &other.device)
    }

    /// In two lines.
    #[must_use]
    pub fn describe(&self) -> String {
        let versions: Vec<String> =
            self.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
        format!(
            "{}, {} cores, {} MB, Linux {}, load {:.2}, models on {}\n{}; {}\n",
            self.cpu,
            self.cores,
            self.memory_mb,
            self.kernel,
            self.load,
            self.device,
            self.isa.join(" "),
            versions.join(", "),
        )
    }
}

/// The first value of `name : value` lines.
fn field(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_cores_and_memory() {
        let machine = Machine::here();
        assert!(machine.cores > 0 && machine.memory_mb > 0 && !machine.cpu.is_empty(), "{machine:?}");
        assert!(machine.resembles(&machine.clone()));
        assert!(!machine.resembles(&Machine { cores: machine.cores + 1, ..machine.clone() }));
        assert_eq!(field("a\t: 1\nmodel name : X Y\n", "model name").as_deref(), Some("X Y"));
    }
}
