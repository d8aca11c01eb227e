"""Tampered copies of pages of printed filings, for `anomaly_detector` and `fusion`.

    python tamper.py FILING.pdf... -o FOLDER [--pages 40] [--seed 3]

Writes, per filing, FOLDER/NAME.clean.pdf with up to --pages pages that hold columns of numbers, FOLDER/NAME.tampered.pdf with
the same pages, each tampered with in one way, and FOLDER/NAME.jsonl with one line per page of both files: file, page, kind
("none" for clean ones). The page objects themselves are edited, as somebody with a PDF editor would:

    font      a number is taken out and another one put in its place in one of the standard fonts
    same      digits of a number are changed in its own font; the number keeps its left edge, not its right one
    shift     digits are changed and the number sits 0.8 to 3 points off
    cover     a white box hides a number, another one is written over it
    hidden    a number is written that nobody sees: invisible, white or tiny
    duplicate the page is a copy of the one before, with one number changed

Clean pages are written through the same library and have a number taken out and put back unchanged, so that nothing but
the tampering tells them apart.
"""

import argparse
import ctypes
import json
import pathlib
import random

import pypdfium2 as pdfium
import pypdfium2.raw as raw

KINDS = ["font", "same", "shift", "cover", "hidden", "duplicate"]
FONTS = ["Helvetica", "Times-Roman", "Courier", "Helvetica-Bold", "Times-Bold"]


def bounds_of(page_object):
    values = [ctypes.c_float() for _ in range(4)]
    raw.FPDFPageObj_GetBounds(page_object, *values)
    return [value.value for value in values]  # left, bottom, right, top


def size_of(page_object):
    size = ctypes.c_float()
    raw.FPDFTextObj_GetFontSize(page_object, size)
    matrix = raw.FS_MATRIX()
    raw.FPDFPageObj_GetMatrix(page_object, matrix)
    return size.value * abs(matrix.d or matrix.a)


def numbers_of(page):
    """Runs of neighbouring text objects that spell one number of two digits or more."""
    text_page = raw.FPDFText_LoadPage(page)
    texts, objects = {}, {}
    for index in range(raw.FPDFText_CountChars(text_page)):
        page_object = raw.FPDFText_GetTextObject(text_page, index)
        if page_object:
            key = ctypes.cast(page_object, ctypes.c_void_p).value
            objects.setdefault(key, page_object)
            texts[key] = texts.get(key, "") + chr(raw.FPDFText_GetUnicode(text_page, index))
    raw.FPDFText_ClosePage(text_page)
    pieces = [(objects[key], text, bounds_of(objects[key])) for key, text in texts.items() if text.strip()]
    words, current = [], []
    for piece in pieces:
        if current:
            last = current[-1]
            height = max(last[2][3] - last[2][1], piece[2][3] - piece[2][1], 1)
            near = -0.2 * height < piece[2][0] - last[2][2] < 0.35 * height
            level = min(last[2][3], piece[2][3]) - max(last[2][1], piece[2][1]) > -0.15 * height
            if not (near and level) or last[1].endswith(" "):
                words.append(current)
                current = []
        current.append(piece)
    words.append(current)
    found = []
    for word in words:
        text = "".join(piece[1] for piece in word).strip()
        bare = text.strip("$() \u00a0")
        if sum(c.isdigit() for c in bare) >= 2 and bare[-1].isdigit() and all(c.isdigit() or c in ",." for c in bare):
            found.append((word, text, bare))
    return found


def changed(text, rng):
    """Another number of the same form."""
    digits = [index for index, c in enumerate(text) if c.isdigit()]
    letters = list(text)
    for index in rng.sample(digits, min(len(digits), rng.choice([1, 1, 2]))):
        letters[index] = rng.choice([d for d in "0123456789" if d != letters[index] and (index != digits[0] or d != "0")])
    return "".join(letters)


def wide(text):
    return (ctypes.c_ushort * (len(text) + 1))(*[ord(c) for c in text], 0)


def write(document, page, text, font, size, left, bottom, color=(0, 0, 0), mode=None):
    page_object = raw.FPDFPageObj_NewTextObj(document, font.encode(), size)
    raw.FPDFText_SetText(page_object, ctypes.cast(wide(text), ctypes.POINTER(ctypes.c_ushort)))
    raw.FPDFPageObj_SetFillColor(page_object, *color, 255)
    if mode is not None:
        raw.FPDFTextObj_SetTextRenderMode(page_object, mode)
    raw.FPDFPageObj_Transform(page_object, 1, 0, 0, 1, left, bottom)
    raw.FPDFPage_InsertObject(page, page_object)


def box_of(word):
    bounds = [piece[2] for piece in word]
    return min(b[0] for b in bounds), min(b[1] for b in bounds), max(b[2] for b in bounds), max(b[3] for b in bounds)


def set_digits(word, text, new, rng):
    """Changes digits in the pieces of a number; false where its font lacks them."""
    rest = new
    for page_object, piece, _ in word:
        core = piece.strip()
        if not core:
            continue
        take, rest = rest[: len(core)], rest[len(core):]
        if take != core:
            if not raw.FPDFText_SetText(page_object, ctypes.cast(wide(take), ctypes.POINTER(ctypes.c_ushort))):
                return False
    return True


def tamper(document, page, kind, rng):
    numbers = numbers_of(page)
    if len(numbers) < 8:
        return False
    word, text, bare = rng.choice(numbers)
    left, bottom, right, top = box_of(word)
    size = size_of(word[0][0])
    new = changed(text, rng)
    if kind == "font":
        for piece in word:
            raw.FPDFPage_RemoveObject(page, piece[0])
        # Somebody who does it by hand aligns it well or badly.
        drift = rng.choice([0, 0, rng.uniform(-1, 1)])
        write(document, page, new, rng.choice(FONTS), round(size * rng.choice([1, 1, 0.95, 1.05]), 1), left + drift, bottom)
    elif kind in ("same", "duplicate"):
        if kind == "same" and rng.random() < 0.5:
            cut = [i for i, c in enumerate(new) if c.isdigit()]
            if len(word) > 2 and len(cut) > 3:
                # A digit less: the last piece goes.
                raw.FPDFPage_RemoveObject(page, word[-1][0])
                word = word[:-1]
                new = new[: len("".join(piece[1] for piece in word).strip())]
        if not set_digits(word, text, new, rng):
            return False
    elif kind == "shift":
        if not set_digits(word, text, new, rng):
            return False
        along, across = rng.choice([(1, 0), (0, 1), (1, 1)])
        dx, dy = (rng.choice([-1, 1]) * rng.uniform(0.8, 3) for _ in range(2))
        for piece in word:
            raw.FPDFPageObj_Transform(piece[0], 1, 0, 0, 1, along * dx, across * dy)
    elif kind == "cover":
        box = raw.FPDFPageObj_CreateNewRect(left - 1, bottom - 1, right - left + 2, top - bottom + 2)
        raw.FPDFPageObj_SetFillColor(box, 255, 255, 255, 255)
        raw.FPDFPath_SetDrawMode(box, raw.FPDF_FILLMODE_ALTERNATE, 0)
        raw.FPDFPage_InsertObject(page, box)
        write(document, page, new, rng.choice(FONTS), round(size, 1), left + rng.uniform(-1, 1), bottom)
    elif kind == "hidden":
        how = rng.choice(["invisible", "white", "tiny"])
        write(document, page, new, rng.choice(FONTS), 1.0 if how == "tiny" else round(size, 1), rng.uniform(60, 400),
              rng.uniform(60, 700), (255, 255, 255) if how == "white" else (0, 0, 0),
              raw.FPDF_TEXTRENDERMODE_INVISIBLE if how == "invisible" else None)
    return bool(raw.FPDFPage_GenerateContent(page))


def untouched(page, rng):
    """What tampering does to the file, without the tampering: a number's text is set to what it is."""
    numbers = numbers_of(page)
    word, text, _ = rng.choice(numbers)
    set_digits(word, text, text, rng)
    raw.FPDFPageObj_SetFillColor(word[0][0], *(fill_of(word[0][0])))
    return bool(raw.FPDFPage_GenerateContent(page))


def fill_of(page_object):
    parts = [ctypes.c_uint() for _ in range(4)]
    raw.FPDFPageObj_GetFillColor(page_object, *parts)
    return [part.value for part in parts]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("filings", type=pathlib.Path, nargs="+")
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    parser.add_argument("--pages", type=int, default=40)
    parser.add_argument("--seed", type=int, default=3)
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    for path in arguments.filings:
        rng = random.Random(f"{path.name} {arguments.seed}")
        source = pdfium.PdfDocument(path)
        chosen = []
        for index in rng.sample(range(len(source)), len(source)):
            if len(chosen) == arguments.pages:
                break
            page = source[index]
            if len(numbers_of(page.raw)) >= 8:
                chosen.append(index)
            page.close()
        chosen.sort()
        if not chosen:
            continue
        lines = []
        for name in ("clean", "tampered"):
            document = pdfium.PdfDocument.new()
            kinds = []
            for index in chosen:
                kind = "none" if name == "clean" else rng.choice(KINDS)
                if kind == "duplicate":
                    document.import_pages(source, [index])
                    page = document[len(document) - 1]
                    untouched(page.raw, rng)
                    page.close()
                    kinds.append("none")
                document.import_pages(source, [index])
                page = document[len(document) - 1]
                done = untouched(page.raw, rng) if kind == "none" else tamper(document.raw, page.raw, kind, rng)
                page.close()
                kinds.append(kind if done else "unusable")
            file = f"{path.stem}.{name}.pdf"
            document.save(arguments.output / file)
            # The page that was copied is part of the pair: no reader can say which of the two came first.
            for number, kind in enumerate(kinds):
                after = kinds[number + 1] if number + 1 < len(kinds) else ""
                shown = "copied" if kind == "none" and after == "duplicate" else kind
                lines.append({"file": file, "page": number + 1, "kind": shown})
        with (arguments.output / f"{path.stem}.jsonl").open("w") as output:
            output.writelines(json.dumps(line) + "\n" for line in lines)
        print(path.name, len(chosen), flush=True)


if __name__ == "__main__":
    main()
