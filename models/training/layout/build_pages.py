"""Step 1: prints filings and synthetic reports to PDF and writes labelled pages.

Each document is a job with a name; its random choices depend on that name only, so any job can
be repeated or resumed alone. Output: pages/SPLIT/JOB.jsonl with one page per line, and
pages/SPLIT/JOB.npy with the pages' 224x224 RGB images (uint8, pages x 224 x 224 x 3).
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy

import compose
import filings
import synthetic
import words as word_source
from common import FILINGS, LABEL_ID, UNUSABLE, WORK, company_of, rng_for, split_of
from marking import Codes, decode
from printer import print_pdf

NAMES = {"aapl": "Apple Inc.", "xom": "Exxon Mobil Corporation", "orcl": "Oracle Corporation", "nke": "NIKE, Inc.",
         "hd": "The Home Depot, Inc.", "unp": "Union Pacific Corporation", "abbv": "AbbVie Inc.", "adbe": "Adobe Inc.",
         "amzn": "Amazon.com, Inc.", "googl": "Alphabet Inc.", "jnj": "Johnson & Johnson", "ko": "The Coca-Cola Company",
         "ma": "Mastercard Incorporated", "meta": "Meta Platforms, Inc.", "unh": "UnitedHealth Group", "v": "Visa Inc.",
         "wfc": "Wells Fargo & Company", "crm": "Salesforce, Inc.", "hubs": "HubSpot, Inc."}


def excerpts(reader, rng, count: int, size: int) -> list[tuple[int, int]]:
    """Ranges of source pages, `size` pages long: the cover first, the rest spread with a bias to statements."""
    pages = reader.page + 1
    if pages <= size:
        return [(0, pages)] * count
    figures = [0.2] * pages
    for block in reader.blocks:
        if block.kind == "table":
            figures[block.page] += 1
    out = [(0, size)]
    while len(out) < count:
        start = rng.choices(range(pages), figures)[0]
        start = max(0, min(pages - size, start - rng.randint(0, size - 1)))
        if all(abs(start - other) > size // 2 for other, _ in out) or rng.random() < 0.15:
            out.append((start, start + size))
    return out


def compose_filing(path: Path, job: str, style: str, part: tuple[int, int], cache: dict):
    """Marked HTML and codes for one excerpt. `cache` keeps the last filing read."""
    if cache.get("path") != path:
        root, body, reader = filings.read(path)
        cache.clear()
        cache.update(path=path, body=body, reader=reader, pages=compose.pieces_by_page(body))
    rng = rng_for("compose", job)
    codes = Codes(rng)
    reader = cache["reader"]
    company = NAMES.get(company_of(path.stem), rng.choice(synthetic.COMPANIES))
    first, last = part
    if style == "restyled":
        chosen = [b for b in reader.blocks if first <= b.page < last]
        if len(reader.breaks) == 0:
            chosen = chosen[:250]
        return compose.restyled(chosen, rng, codes, job, company), codes
    pages = cache["pages"][first:last]
    return compose.native(pages, reader.blocks, rng, codes, job, style == "native", company), codes


def plan(scale: float) -> list[dict]:
    """All jobs, in the order of work: every kind early, so that a stopped run leaves a usable set."""
    jobs = []
    for path in sorted(FILINGS.glob("*.html")):
        if path.stem in UNUSABLE:
            continue
        split = split_of(path.stem)
        length = path.stat().st_size
        count = 3 if length < 60_000 else 4 if length < 300_000 else 9
        if split != "train":
            count = 3 if length < 300_000 else 6
        if company_of(path.stem) == "camp4":
            count = 12
        for index in range(max(1, round(count * scale))):
            style = ["native", "restyled", "adapted"][index % 3]
            jobs.append({"name": f"{path.stem}.{index}", "kind": "filing", "path": str(path), "index": index,
                         "style": style, "split": split, "order": index * 1000 + len(jobs) % 1000})
    for split, count, families in (("train", 150, synthetic.TRAIN_FAMILIES), ("validation", 10, synthetic.TRAIN_FAMILIES),
                                   ("unseen", 14, synthetic.UNSEEN_FAMILIES)):
        for index in range(max(1, round(count * scale))):
            jobs.append({"name": f"synthetic-{split}.{index}", "kind": "synthetic", "family": families[index % len(families)],
                         "style": "synthetic", "split": split, "index": index, "order": index * 1000 // 12})
    return sorted(jobs, key=lambda job: (job["order"], job["name"]))


def labelled(page: dict, codes: Codes, rng) -> dict | None:
    """Adds labels and block numbers to a page; words whose colour says nothing get the label -1."""
    labels, blocks = [], []
    for word in page["words"]:
        block, label = codes.meaning.get(decode(word["color"]), (-1, ""))
        labels.append(LABEL_ID.get(label, -1))
        blocks.append(block)
    if len(labels) < 12 and rng.random() < 0.8:      # a page number and little else teaches nothing new
        return None
    if not labels or sum(label < 0 for label in labels) > 0.2 * len(labels):
        return None
    return {"width": page["width"], "height": page["height"], "labels": labels, "blocks": blocks, "words": page["words"],
            "rulings": page.get("rulings", []), "images": page.get("images", [])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", choices=["docproc", "pdfium"], default="docproc")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full number of documents")
    parser.add_argument("--only", default="", help="only jobs whose name contains this")
    parser.add_argument("--printed-only", action="store_true", help="read what is printed already, print nothing")
    parser.add_argument("--splits", default="", help="only these, comma-separated")
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--share", default="0/1", help="every N-th job from the I-th on, as I/N: several processes share the work")
    parser.add_argument("--out", default="pages")
    parser.add_argument("--force", action="store_true", help="print and read again what is there")
    options = parser.parse_args()
    (WORK / "html").mkdir(parents=True, exist_ok=True)
    (WORK / "pdf").mkdir(exist_ok=True)
    first, step = map(int, options.share.split("/"))
    jobs = [job for job in plan(options.scale) if options.only in job["name"]][: options.limit or None][first::step]
    cache: dict = {}
    started, pages_done, words_done, unknown, lost = time.time(), 0, 0, 0, 0
    for number, job in enumerate(jobs):
        folder = WORK / options.out / job["split"]
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / f"{job['name']}.jsonl"
        if target.exists() and not options.force:
            continue
        if options.splits and job["split"] not in options.splits.split(","):
            continue
        if options.printed_only and not (WORK / "pdf" / f"{job['name']}.pdf").exists():
            continue
        rng = rng_for("job", job["name"])
        if job["kind"] == "filing":
            path = Path(job["path"])
            if cache.get("path") != path:
                compose_filing(path, job["name"], "native", (0, 1), cache)
            reader = cache["reader"]
            size = 9 if reader.page > 12 else 60
            part = excerpts(reader, rng_for("excerpts", path.stem), job["index"] + 1, size)[job["index"]]
            markup, codes = compose_filing(path, job["name"], job["style"], part, cache)
        else:
            markup, codes = synthetic.report(job["family"], job["name"])
        source = WORK / "html" / f"{job['name']}.html"
        pdf = WORK / "pdf" / f"{job['name']}.pdf"
        source.write_text(markup, encoding="utf-8")
        if (options.force or not pdf.exists()) and not print_pdf(source, pdf):
            print(f"{job['name']}: not printed", flush=True)
            continue
        lines, images = [], []
        for index, (page, image) in enumerate(word_source.pages_of(pdf, options.source)):
            good = labelled(page, codes, rng)
            if good is None:
                lost += 1
                continue
            unknown += sum(label < 0 for label in good["labels"])
            words_done += len(good["labels"])
            lines.append(json.dumps({"job": job["name"], "style": job["style"], "page": index, **good}, ensure_ascii=False))
            images.append(numpy.asarray(image, dtype=numpy.uint8))
        source.unlink(missing_ok=True)
        if not lines:
            print(f"{job['name']}: no labelled page", flush=True)
            continue
        numpy.save(target.with_suffix(".npy"), numpy.stack(images))
        partial = target.with_suffix(".partial")
        partial.write_text("\n".join(lines) + "\n", encoding="utf-8")
        partial.replace(target)
        pages_done += len(lines)
        if number % 10 == 0:
            print(f"{number + 1}/{len(jobs)} {job['name']}: {pages_done} pages, {words_done} words, {unknown} without label, "
                  f"{lost} pages lost, {time.time() - started:.0f} s", flush=True)
    print(f"done: {pages_done} pages, {words_done} words, {unknown} without label, {lost} pages lost, {time.time() - started:.0f} s")


if __name__ == "__main__":
    main()
