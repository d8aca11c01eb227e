"""Words and page images of PDFs with the Python package pypdfium2, in one plain loop.

The reference that the page workers are measured against (`cargo bench --bench page_workers`): per page all characters
with their boxes, font size and style, joined to words, and the 224 x 224 RGB image as LayoutLMv3's image processor
makes it (render, then Pillow's bilinear resize).

    python benches/python_reference/pages.py FILE.pdf...
"""

import ctypes
import sys
import time

import pypdfium2
import pypdfium2.raw as raw
from PIL import Image


def words(page):
    text_page = page.get_textpage()
    handle = text_page.raw
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    loose = raw.FS_RECTF()
    matrix = raw.FS_MATRIX()
    found, current, box, previous, style = [], [], None, None, None
    for index in range(raw.FPDFText_CountChars(handle)):
        character = chr(raw.FPDFText_GetUnicode(handle, index))
        if character.isspace():
            if current:
                found.append(("".join(current), box, style))
            current, box = [], None
            continue
        raw.FPDFText_GetCharBox(handle, index, left, right, bottom, top)
        raw.FPDFText_GetLooseCharBox(handle, index, loose)
        raw.FPDFText_GetMatrix(handle, index, matrix)
        text_object = raw.FPDFText_GetTextObject(handle, index)
        address = ctypes.cast(text_object, ctypes.c_void_p).value
        if address != previous and address:
            previous = address
            font = raw.FPDFTextObj_GetFont(text_object)
            style = (
                raw.FPDFText_GetFontSize(handle, index),
                raw.FPDFFont_GetWeight(font),
                raw.FPDFFont_GetFlags(font),
                raw.FPDFTextObj_GetTextRenderMode(text_object),
            )
        if not current:
            box = [left.value, bottom.value, right.value, top.value]
        else:
            box = [
                min(box[0], left.value),
                min(box[1], bottom.value),
                max(box[2], right.value),
                max(box[3], top.value),
            ]
        current.append(character)
    if current:
        found.append(("".join(current), box, style))
    text_page.close()
    return found


def image(page):
    width, height = page.get_size()
    rendered = page.render(scale=800 / max(width, height), rev_byteorder=True).to_pil().convert("RGB")
    return rendered.resize((224, 224), Image.BILINEAR)


def main(paths):
    started = time.perf_counter()
    pages = found = 0
    for path in paths:
        document = pypdfium2.PdfDocument(path)
        for page in document:
            found += len(words(page))
            image(page).tobytes()
            page.close()
            pages += 1
        document.close()
    seconds = time.perf_counter() - started
    print(f"pypdfium2 loop: {pages} pages, {found} words, {seconds:.2f} s, {pages / seconds:.1f} pages/s")


if __name__ == "__main__":
    main(sys.argv[1:])
