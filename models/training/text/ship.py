"""Copies the measured bundle from WORK/bundle/ to models/finbert/, without the fp32 graph.

    python ship.py
"""

from __future__ import annotations

import shutil

from common import BUNDLE, WORK

FILES = ["model.int8.onnx", "tokenizer.json", "config.json", "MODEL_CARD.md", "LICENSE-NOTICE"]


def main() -> None:
    BUNDLE.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copyfile(WORK / "bundle" / name, BUNDLE / name)
        print(f"{(BUNDLE / name).stat().st_size:>10} {name}")


if __name__ == "__main__":
    main()
