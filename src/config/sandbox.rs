//! Whether what reads untrusted files is locked up.

use std::str::FromStr;

use serde::Serialize;

/// Whether page workers and the OCR program give up the file system, the network and other processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SandboxMode {
    /// As far as the kernel can.
    #[default]
    Auto,
    /// With every layer, or nothing is read.
    Require,
    /// Not at all.
    Off,
}

impl FromStr for SandboxMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "require" => Ok(Self::Require),
            "off" => Ok(Self::Off),
            _ => Err(format!("`{text}` is not one of auto, require, off")),
        }
    }
}
