"""Prints HTML to PDF with headless Chromium."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-extensions",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-pdf-header-footer",
    "--disable-pdf-tagging", "--host-resolver-rules=MAP * ~NOTFOUND",
]


def print_pdf(source: Path, target: Path, timeout: float = 90) -> bool:
    """Writes `target`; false when the browser failed or ran out of time."""
    profile = tempfile.mkdtemp(prefix="print-")
    partial = target.with_suffix(".partial.pdf")
    command = [os.environ.get("CHROMIUM", "chromium"), *FLAGS, f"--user-data-dir={profile}",
               f"--print-to-pdf={partial}", source.resolve().as_uri()]
    try:
        subprocess.run(command, check=True, timeout=timeout, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        partial.replace(target)
        return True
    except (subprocess.SubprocessError, FileNotFoundError) as error:
        if isinstance(error, FileNotFoundError) and not partial.exists() and shutil.which(command[0]) is None:
            raise
        return False
    finally:
        shutil.rmtree(profile, ignore_errors=True)
