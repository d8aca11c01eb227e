"""Words with boxes of a PDF's pages. The only module that knows where they come from.

`docproc` (default) asks docproc's own page worker, so that training sees what running sees.
`pdfium` is an equivalent word builder for machines without a built docproc.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import tempfile
from pathlib import Path

from PIL import Image

IMAGE_SIZE = 224


def pages_of(pdf: Path, source: str):
    """Yields (page, image): page as docproc's `pages` command prints it, image 224x224 RGB."""
    yield from (docproc_pages(pdf) if source == "docproc" else pdfium_pages(pdf))


def docproc_pages(pdf: Path):
    command = os.environ.get("DOCPROC", "docproc pages").split()
    with tempfile.TemporaryDirectory(prefix="pages-") as folder:
        output = subprocess.run([*command, str(pdf), "--image-dir", folder], check=True, capture_output=True,
                                text=True, timeout=300).stdout
        pages = [json.loads(line) for line in output.splitlines() if line.strip()]
        for page in pages:
            image = Path(folder) / f"{page['sha256'][:16]}-{page['number']}.png"
            words = [{"text": word["text"], "bbox": word["box"], "font_size": word["font_size"], "bold": word["style"]["bold"],
                      "italic": word["style"]["italic"], "color": word["color"]} for word in page["words"]]
            yield {"index": page["number"] - 1, "width": page["width"], "height": page["height"], "words": words,
                   "rulings": page["rulings"], "images": page["images"]}, Image.open(image).convert("RGB")


def pdfium_pages(pdf: Path):
    import pypdfium2 as pdfium
    import pypdfium2.raw as raw

    document = pdfium.PdfDocument(pdf)
    for number in range(len(document)):
        page = document[number]
        width, height = page.get_size()
        words = _words(page, raw, height)
        scale = IMAGE_SIZE * 2 / max(width, height)
        picture = page.render(scale=scale).to_pil().convert("RGB").resize((IMAGE_SIZE, IMAGE_SIZE), Image.BILINEAR)
        yield {"index": number, "width": width, "height": height, "words": words}, picture
        page.close()
    document.close()


def _words(page, raw, height: float) -> list[dict]:
    """Runs of characters, split at white space and at gaps wider than a third of the size."""
    text = page.get_textpage()
    count = raw.FPDFText_CountChars(text)
    words: list[dict] = []
    letters: list[str] = []
    box: list[float] = []
    look: dict = {}
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    r, g, b, a = (ctypes.c_uint() for _ in range(4))
    name = ctypes.create_string_buffer(128)
    flags = ctypes.c_int()

    def close():
        nonlocal letters, box
        if letters:
            words.append({"text": "".join(letters), "bbox": [round(v, 2) for v in box], **look})
        letters, box = [], []

    for index in range(count):
        code = raw.FPDFText_GetUnicode(text, index)
        character = chr(code) if code else " "
        if character.isspace() or code in (0xFFFE, 0xFFFF, 0xAD, 0x200B) or raw.FPDFText_IsGenerated(text, index) == 1:
            close()
            continue
        raw.FPDFText_GetCharBox(text, index, left, right, bottom, top)
        x0, x1, y0, y1 = left.value, right.value, height - top.value, height - bottom.value
        size = raw.FPDFText_GetFontSize(text, index)
        if letters:
            middle = (y0 + y1) / 2
            if x0 - box[2] > 0.33 * max(size, 4) or x0 < box[0] - 1 or middle > box[3] + 2 or middle < box[1] - 2:
                close()
        if not letters:
            raw.FPDFText_GetFillColor(text, index, r, g, b, a)
            weight = raw.FPDFText_GetFontWeight(text, index)
            raw.FPDFText_GetFontInfo(text, index, name, 128, flags)
            face = name.value.decode("latin-1").lower()
            look = {"font_size": round(size, 2), "bold": weight >= 600 or "bold" in face,
                    "italic": "italic" in face or "oblique" in face or bool(flags.value & 64),
                    "color": [r.value, g.value, b.value, a.value]}
            box = [x0, y0, x1, y1]
        else:
            box = [min(box[0], x0), min(box[1], y0), max(box[2], x1), max(box[3], y1)]
        letters.append(character)
    close()
    text.close()
    return words
