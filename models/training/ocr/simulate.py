"""Draws pages of PDFs as scans, with the words of their text layers as truth: README.md beside this file."""

import argparse
import ctypes
import json
import random
from pathlib import Path

import cv2
import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image, ImageDraw

WAYS = ["plain", "plain", "plain", "dpi72", "faint", "through", "fax", "four", "ruled"]
# Facts of a page that make it one of many numbers; two thirds of the pages drawn are.
DENSE = 25


def words_of(page: pypdfium2.PdfPage) -> list[list]:
    """Words of the text layer with their boxes in points: text, left, top, right, bottom."""
    text, height, found = page.get_textpage(), page.get_height(), []
    current, box = "", None
    for index in range(text.count_chars()):
        code = pdfium.FPDFText_GetUnicode(text.raw, index)
        character = chr(code) if code else ""
        sides = [ctypes.c_double() for _ in range(4)]
        pdfium.FPDFText_GetCharBox(text.raw, index, *sides)
        left, right, bottom, top = (side.value for side in sides)
        here = [left, height - top, right, height - bottom]
        apart = box and (
            (here[0] - box[2] > max(box[3] - box[1], 6)) or abs((here[1] + here[3] - box[1] - box[3]) / 2) > 8
        )
        if (not character or character.isspace() or character in "\u200b\ufeff" or apart) and current:
            found.append([current, *box])
            current, box = "", None
        if not character or character.isspace() or character in "\u200b\ufeff":
            continue
        current += character
        box = here if box is None else [*map(min, box[:2], here[:2]), *map(max, box[2:], here[2:])]
    if current:
        found.append([current, *box])
    return found


def gray(page: pypdfium2.PdfPage, dpi: int) -> Image.Image:
    return page.render(scale=dpi / 72, grayscale=True).to_pil().convert("L")


def ruled(image: Image.Image) -> None:
    draw = ImageDraw.Draw(image)
    for y in range(int(image.height * 0.1), int(image.height * 0.9), 37):
        draw.line([(image.width * 0.08, y), (image.width * 0.92, y)], fill=120, width=1)
    for x in (0.08, 0.5, 0.7, 0.92):
        draw.line([(image.width * x, image.height * 0.1), (image.width * x, image.height * 0.9)], fill=90, width=2)


def scan(document: pypdfium2.PdfDocument, number: int, way: str, turn: float, noise: np.random.Generator) -> Image.Image:
    """The page with this number as it is scanned that way."""
    page = document[number - 1]
    image = gray(page, 200)
    if way == "dpi72":
        image = image.resize((int(page.get_width()), int(page.get_height())), Image.Resampling.LANCZOS)
    if way == "through":
        other = gray(document[min(number, len(document) - 1)], 200).resize(image.size)
        other = np.asarray(other.transpose(Image.Transpose.FLIP_LEFT_RIGHT), np.float32)
        shadow = 255 - (255 - cv2.GaussianBlur(other, (0, 0), 1.5)) * 0.3
        image = Image.fromarray(np.minimum(np.asarray(image, float), shadow).astype(np.uint8))
    if way == "ruled":
        ruled(image)
    image = image.rotate(turn, resample=Image.Resampling.BICUBIC, fillcolor=250)
    pixels = np.asarray(image, float)
    pixels = 140 + pixels / 255 * 70 if way == "faint" else pixels * 0.96
    pixels = pixels + noise.normal(0, 4 if way in ("dpi72", "faint") else 6, pixels.shape)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("facts", type=Path)
    parser.add_argument("pdfs", type=Path)
    parser.add_argument("--pages", type=int, default=63)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    counts: dict[tuple[str, int], int] = {}
    for line in arguments.facts.open():
        document = json.loads(line)
        for fact in document["facts"]:
            key = (document["document"], fact["page"])
            counts[key] = counts.get(key, 0) + 1
    choice = random.Random(arguments.seed)
    dense = sorted(key for key, count in counts.items() if count >= DENSE)
    others = sorted(key for key, count in counts.items() if count < DENSE)
    many = min(arguments.pages * 2 // 3, len(dense))
    pages = choice.sample(dense, many) + choice.sample(others, arguments.pages - many)
    choice.shuffle(pages)
    truth = []
    for index, (name, number) in enumerate(pages):
        way = WAYS[index % len(WAYS)]
        turn = {"four": 4.0, "dpi72": 0.0}.get(way, choice.choice([0.6, -0.6]))
        document = pypdfium2.PdfDocument(arguments.pdfs / name)
        image = scan(document, number, way, turn, np.random.default_rng(arguments.seed * 1000 + index))
        file = f"{index:03d}-{way}." + ("tif" if way == "fax" else "pdf")
        if way == "fax":
            bits = image.point(lambda value: 255 if value > 150 else 0).convert("1")
            bits.save(arguments.out / file, compression="group4", dpi=(200, 200))
        else:
            image.save(arguments.out / file, resolution=72 if way == "dpi72" else 200, quality=55)
        words = words_of(document[number - 1])
        truth.append({"file": file, "way": way, "document": name, "page": number, "words": words})
    (arguments.out / "truth.json").write_text(json.dumps(truth))


if __name__ == "__main__":
    main()
