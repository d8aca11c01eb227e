"""Draws labels on rendered pages, several to a contact sheet, to check the rules by eye."""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

import pypdfium2
from PIL import Image, ImageDraw

from common import LABELS, WORK

COLOURS = ["#e67e22", "#8e44ad", "#16a085", "#2980b9", "#7f8c8d", "#2c3e50", "#d81b60", "#c0392b", "#27ae60", "#bdc3c7", "#ff0000"]


def drawn(page: dict, size: int, labels: list[int] | None = None) -> Image.Image:
    document = pypdfium2.PdfDocument(WORK / "pdf" / f"{page['job']}.pdf")
    scale = size / max(page["width"], page["height"])
    picture = document[page["page"]].render(scale=scale).to_pil().convert("RGB")
    draw = ImageDraw.Draw(picture, "RGBA")
    for word, label in zip(page["words"], labels or page["labels"]):
        box = [v * scale for v in word["bbox"]]
        colour = COLOURS[label] if label >= 0 else "#000000"
        draw.rectangle(box, fill=colour + "55", outline=colour if label != LABELS.index("Text") else None)
    draw.text((4, 2), f"{page['job']} {page['page']}", fill="#ff0000")
    return picture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--across", type=int, default=4)
    parser.add_argument("--size", type=int, default=560)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    pages = [json.loads(line) for path in sorted(options.folder.glob("*.jsonl")) if options.only in path.name
             for line in path.read_text().splitlines()]
    chosen = random.Random(options.seed).sample(pages, min(options.count, len(pages)))
    down = (len(chosen) + options.across - 1) // options.across
    sheet = Image.new("RGB", (options.across * options.size, down * options.size + 16), "white")
    for index, page in enumerate(chosen):
        picture = drawn(page, options.size)
        sheet.paste(picture, (index % options.across * options.size, index // options.across * options.size))
    draw = ImageDraw.Draw(sheet)
    for index, (name, colour) in enumerate(zip(LABELS, COLOURS)):
        draw.rectangle([index * 110, sheet.height - 14, index * 110 + 10, sheet.height - 4], fill=colour)
        draw.text((index * 110 + 14, sheet.height - 15), name, fill="black")
    sheet.save(options.out)


if __name__ == "__main__":
    main()
