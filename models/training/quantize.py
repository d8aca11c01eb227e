"""Makes the int8 form of an exported graph with `docproc quantize`, behind its gate.

`docproc` is looked for on the path, then in the source tree's `target/release` (`cargo build --release`);
DOCPROC_BINARY names another one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BUILT = REPOSITORY / "target" / "release" / "docproc"


def docproc() -> str:
    named = os.environ.get("DOCPROC_BINARY") or shutil.which("docproc")
    if not named and not BUILT.is_file():
        raise SystemExit("docproc is not built: run `cargo build --release`, or set DOCPROC_BINARY")
    return named or str(BUILT)


def quantize(source: Path, target: Path, gate: str, data: Path, *more: str) -> None:
    """Dynamic int8: activations u8, weights s8 per channel. The bundle's config.json and tokenizer.json must lie beside
    `source`. Without the labelled `data` outputs are compared on built-in inputs."""
    judged = ["--gate", gate, "--data", str(data)] if data.is_file() else []
    command = [docproc(), "quantize", str(source), "-o", str(target), "--mode", "dynamic", "--models-dir", str(REPOSITORY / "models"), *judged, *more]
    if subprocess.run(command).returncode != 0:
        raise SystemExit("docproc quantize refused: see its message")
