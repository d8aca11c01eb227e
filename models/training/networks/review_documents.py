"""Short documents of known flaws, for `fusion`: pairs that differ in one flaw, made from printed filings.

    python review_documents.py FILINGS_DIR PRINTED.pdf... -o FOLDER --split train [--pairs 6] [--seed 5]
    docproc analyze FOLDER -o FOLDER/analyses
    docproc features --set review FOLDER/analyses/*.pdf.json > features.jsonl
    python review_documents.py --rows FOLDER features.jsonl -o review.jsonl

A document has two pages of numbers and one of prose of a filing, and a page that is set here: paragraphs of the same
filing, half of the time with one that names a risk to say that it is none ("all covenants were met"). Its twin has the
same pages and one flaw:

    adverse     a paragraph of review_paragraphs.jsonl that a reader must see: doubt about going concern, a default, a
                restatement, a material weakness, an inquiry, ...
    tampered    one of the ways of tamper.py
    arithmetic  a digit of a number in a row that starts with "Total", changed in its own font

The twins without a flaw had the same page written through the same library. The label is whether there is a flaw. The group
is the company. Paragraphs for training and for the test are apart (`--split`). `anomaly_detector` and `pattern_detector` must
not have seen the companies that `fusion` learns from: train each on one half of the companies and analyze the documents of
the other half with it.
"""

import argparse
import html
import json
import pathlib
import random
import re
import sys
import tempfile

import lxml.html
import pypdfium2 as pdfium

import tamper

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "layout"))
from common import company_of  # noqa: E402
from printer import print_pdf  # noqa: E402

KINDS = ["adverse", "tampered", "arithmetic"]
FONTS = ["Times New Roman, serif", "Arial, sans-serif", "Georgia, serif", "Helvetica, sans-serif"]
SIZES = {"pages", "words", "sentences", "tables", "sections", "risk_scorer_scored", "anomaly_detector_scored",
         "audit_checked", "audit_hold"}
HEADINGS = ["Liquidity and Capital Resources", "Other Matters", "Overview", "Recent Developments", "General"]


def prose_of(path):
    """Paragraphs of a filing of 35 to 110 words, as they stand."""
    found = []
    for element in lxml.html.fromstring(path.read_bytes()).iter("p", "div", "font"):
        if len(element.xpath(".//table|.//div|.//p")):
            continue
        text = re.sub(r"\s+", " ", element.text_content()).strip()
        if 35 <= len(text.split()) <= 110 and text.endswith(".") and text[0].isupper():
            found.append(text)
    return sorted(set(found))


def totals_of(page):
    """Numbers in lines that start with "Total"."""
    text_page = page.get_textpage()
    search, boxes = text_page.search("Total", match_case=True), []
    while (found := search.get_next()) is not None:
        index = found[0]
        before = text_page.get_text_range(index - 1, 1) if index else "\n"
        if before in ("\n", "\r", ""):
            boxes.append(text_page.get_charbox(index))
    search.close()
    text_page.close()

    def beside(word):
        left, bottom, _, top = tamper.box_of(word)
        return any(left > box[2] and min(top, box[3]) - max(bottom, box[1]) > 0.4 * (top - bottom) for box in boxes)

    return [number for number in tamper.numbers_of(page.raw) if beside(number[0])]


def composed(paragraphs, heading):
    body = "".join(f"<p>{html.escape(text)}</p>" for text in paragraphs)
    return f"<section><h2>{heading}</h2>{body}</section>"


def print_sections(sections, font):
    """A PDF with one page per section."""
    style = f"body{{font:10.5pt {font};margin:0}} h2{{font-size:13pt}} section{{break-after:page}} section:last-child{{break-after:auto}}"
    with tempfile.TemporaryDirectory() as folder:
        source, target = pathlib.Path(folder) / "pages.html", pathlib.Path(folder) / "pages.pdf"
        source.write_text(f"<!DOCTYPE html><meta charset=utf-8><style>{style}</style>{''.join(sections)}", encoding="utf-8")
        if not print_pdf(source, target, 300):
            sys.exit("the browser failed")
        return pdfium.PdfDocument(target.read_bytes())


def write(path, source, pages, prose, prose_page, kind, rng):
    """One document; false where the flaw could not be made. Twins draw the same page to edit."""
    document = pdfium.PdfDocument.new()
    document.import_pages(source, pages)
    edited = rng.randrange(2)
    page = document[edited]
    done = True
    if kind == "arithmetic":
        numbers = [number for number in totals_of(page) if sum(c.isdigit() for c in number[2]) >= 3]
        done = bool(numbers)
        if done:
            word, text, _ = rng.choice(numbers)
            places = [index for index, c in enumerate(text) if c.isdigit()][:-1]
            at = rng.choice(places)
            digit = rng.choice([d for d in "123456789" if d != text[at]])
            done = tamper.set_digits(word, text, text[:at] + digit + text[at + 1:], rng)
            tamper.raw.FPDFPage_GenerateContent(page.raw)
    elif kind == "tampered":
        how = rng.choice(tamper.KINDS)
        if how == "duplicate":
            page.close()
            document.import_pages(source, [pages[edited]], index=edited + 1)
            page = document[edited + 1]
        done = tamper.tamper(document.raw, page.raw, how, rng)
    else:
        tamper.untouched(page.raw, rng)
    page.close()
    document.import_pages(prose, [prose_page])
    if done:
        document.save(path)
    document.close()
    return done


def make(arguments):
    paragraphs = [json.loads(line) for line in (HERE / "review_paragraphs.jsonl").read_text().splitlines()]
    paragraphs = [row for row in paragraphs if row["split"] == arguments.split]
    by_label = {label: [row["text"] for row in paragraphs if row["label"] == label] for label in (0, 1)}
    for printed in arguments.printed:
        rng = random.Random(f"{printed.stem} review {arguments.seed}")
        source = pdfium.PdfDocument(printed)
        with_numbers, with_totals, others = [], [], []
        for index in range(len(source)):
            page = source[index]
            count = len(tamper.numbers_of(page.raw))
            if count >= 20 and totals_of(page):
                with_totals.append(index)
            (with_numbers if count >= 12 else others).append(index)
            page.close()
        if len(with_totals) < 2 or len(with_numbers) < 3 or not others:
            print(printed.name, "has too few pages of numbers", flush=True)
            continue
        fillers = prose_of(arguments.filings / f"{printed.stem}.html")
        sections, plans = [], []
        for number in range(arguments.pairs):
            kind = KINDS[number % len(KINDS)]
            pages = [rng.choice(with_totals), rng.choice(with_numbers), rng.choice(others)]
            texts = rng.sample(fillers, min(5, len(fillers)))
            if rng.random() < 0.5:
                texts.insert(rng.randrange(5), rng.choice(by_label[0]))
            heading, plain = rng.choice(HEADINGS), len(sections)
            sections.append(composed(texts, heading))
            if kind == "adverse":
                changed = list(texts)
                changed[rng.randrange(len(changed))] = rng.choice(by_label[1])
                sections.append(composed(changed, heading))
            plans.append((number, kind, pages, plain, len(sections) - 1))
        prose = print_sections(sections, rng.choice(FONTS))
        if len(prose) != len(sections):
            sys.exit(f"{printed.name}: {len(sections)} sections became {len(prose)} pages")
        with (arguments.output / f"{printed.stem}.jsonl").open("w") as lines:
            for number, kind, pages, plain, flawed in plans:
                name = f"{printed.stem}.{number:02}"
                twins = [(f"{name}.plain.pdf", "none", plain, 0), (f"{name}.{kind}.pdf", kind, flawed, 1)]
                done = [
                    write(arguments.output / file, source, pages, prose, page, flaw if flaw != "adverse" else "none",
                          random.Random(f"{name} {arguments.seed}"))
                    for file, flaw, page, _ in twins
                ]
                for (file, _, _, label), fine in zip(twins, done):
                    if all(done):
                        row = {"file": file, "label": label, "part": kind, "group": company_of(printed.stem)}
                        lines.write(json.dumps(row) + "\n")
                    else:
                        (arguments.output / file).unlink(missing_ok=True)
        print(printed.name, flush=True)


def rows(folder, features, output):
    """Labelled features without sizes, which say nothing in documents of one length and much too much in longer ones, and
    without the embedding, which did not help and would bind the network to the weights of a text model."""
    found = {}
    for row in map(json.loads, features.read_text().splitlines()):
        kept = {name: value for name, value in row["features"].items() if name not in SIZES and not name.startswith("embedding_")}
        found[pathlib.Path(row["document"]).name] = {"set": row["set"], "features": kept}
    count = 0
    with output.open("w") as lines:
        for path in sorted(folder.glob("*.jsonl")):
            for row in map(json.loads, path.read_text().splitlines()):
                lines.write(json.dumps({**found[row.pop("file")], **row}) + "\n")
                count += 1
    print(count, "documents")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("filings", type=pathlib.Path, nargs="?")
    parser.add_argument("printed", type=pathlib.Path, nargs="*")
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    parser.add_argument("--rows", type=pathlib.Path, nargs=2, metavar=("FOLDER", "FEATURES"))
    parser.add_argument("--split", choices=["train", "test"], default="train")
    parser.add_argument("--pairs", type=int, default=6)
    parser.add_argument("--seed", type=int, default=5)
    arguments = parser.parse_args()
    if arguments.rows:
        rows(*arguments.rows, arguments.output)
        return
    arguments.output.mkdir(parents=True, exist_ok=True)
    make(arguments)


if __name__ == "__main__":
    main()
