"""Step 5: writes labelled pages for `docproc eval layout`: one page per line

    {"width", "height", "words": [{"text", "bbox": [x0, y0, x1, y1]}], "labels": [...], "image": "relative.png"}

Boxes in PDF points, origin top left; labels are DocLayNet's names. Words whose label is unknown
stay, with the label null. `document` names the document, for intervals by document.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy
from PIL import Image

from common import LABELS, WORK


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", default="pages")
    parser.add_argument("--out", type=Path, default=WORK.parent / "eval" / "layout")
    parser.add_argument("--sets", nargs="*", default=["validation", "test", "unseen"])
    options = parser.parse_args()
    for split in options.sets:
        images = options.out / split
        images.mkdir(parents=True, exist_ok=True)
        lines = []
        for path in sorted((WORK / options.pages / split).glob("*.jsonl")):
            pictures = numpy.load(path.with_suffix(".npy"))
            for number, (line, picture) in enumerate(zip(path.read_text().splitlines(), pictures)):
                page = json.loads(line)
                name = f"{split}/{path.stem}.{number}.png"
                Image.fromarray(picture).save(options.out / name)
                lines.append(json.dumps({
                    "document": page["job"].rsplit(".", 1)[0], "width": page["width"], "height": page["height"],
                    "words": [{"text": word["text"], "bbox": word["bbox"]} for word in page["words"]],
                    "labels": [LABELS[label] if label >= 0 else None for label in page["labels"]], "image": name}, ensure_ascii=False))
        (options.out / f"{split}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(split, len(lines), "pages")


if __name__ == "__main__":
    main()
