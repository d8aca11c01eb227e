"""Writes models/manifest.json anew: sha256 and size of every file of the bundles, which `docproc models verify` checks.

    python manifest.py
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

MODELS = Path(__file__).resolve().parents[1]
NOT_SHIPPED = {"training", "manifest.json"}


def main() -> None:
    files = {}
    for path in sorted(path for path in MODELS.rglob("*") if path.is_file()):
        name = path.relative_to(MODELS)
        if name.parts[0] not in NOT_SHIPPED:
            data = path.read_bytes()
            files[name.as_posix()] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    (MODELS / "manifest.json").write_text(json.dumps({"files": files}, indent=2) + "\n")
    print(len(files), "files,", sum(entry["bytes"] for entry in files.values()), "bytes")


if __name__ == "__main__":
    main()
