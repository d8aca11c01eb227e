"""Step 5: writes labelled pages for `docproc eval layout` and `docproc features`, one page per line:

    {"width", "height", "page", "group", "words": [{"text", "bbox", "font_size", "bold", "italic", "color"}],
     "rulings", "images", "labels": [...], "image": "relative.png"}

Boxes in PDF points, origin top left; labels are DocLayNet's names, null where unknown. `group` is the
company or the synthetic document, for intervals and folds. Colours lose the four low bits that carried
the labels through the print. Only pages read with `--source docproc` are what docproc sees.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy
from PIL import Image

from common import LABELS, WORK, company_of


def group_of(job: str) -> str:
    return job if job.startswith("synthetic") else company_of(job.rsplit(".", 1)[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", default="pages")
    parser.add_argument("--out", type=Path, default=WORK.parent / "eval" / "layout")
    parser.add_argument("--sets", nargs="*", default=["train", "validation", "test", "unseen"])
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
                    "group": group_of(page["job"]), "page": page["page"] + 1, "width": page["width"], "height": page["height"],
                    "words": [{**word, "color": [c & 240 for c in word["color"][:3]] + [255]} for word in page["words"]],
                    "rulings": page["rulings"], "images": page.get("images", []),
                    "labels": [LABELS[label] if label >= 0 else None for label in page["labels"]], "image": name}, ensure_ascii=False))
        (options.out / f"{split}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(split, len(lines), "pages")


if __name__ == "__main__":
    main()
