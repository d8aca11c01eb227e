"""Filings as text: HTML to blocks, blocks to sentences, with offsets that can be cited.

A block is a dict: ``text`` (whitespace squeezed), ``heading`` (a short bold line of its
own) and ``table`` (a data table's rows, joined by " | "). The plain text of a filing is the
blocks' texts joined by a line feed; offsets in the label files count its characters.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from lxml import html

from common import squeeze

BLOCKS = {"p", "div", "li", "h1", "h2", "h3", "h4", "h5", "h6", "td", "th", "tr", "table", "ul", "ol", "body", "center", "dt", "dd", "section", "blockquote", "pre", "title"}
SKIPPED = {"script", "style", "head", "ix:header", "header", "ix:hidden", "noscript"}


def is_bold(node) -> bool:
    if node.tag in {"b", "strong", "h1", "h2", "h3", "h4", "h5", "h6"}:
        return True
    style = (node.get("style") or "").replace(" ", "").lower()
    return bool(re.search(r"font-weight:(bold|[6-9]00)", style))


def html_blocks(raw: bytes) -> list[dict]:
    """Blocks in document order; a table is one block unless it only lays out prose."""
    tree = html.document_fromstring(raw)
    blocks: list[dict] = []
    pieces: list[tuple[str, bool]] = []

    def flush() -> None:
        text = squeeze("".join(piece for piece, _ in pieces))
        if text:
            inked = sum(len(piece.strip()) for piece, _ in pieces)
            bold = sum(len(piece.strip()) for piece, heavy in pieces if heavy)
            upper = text.isupper() and len(text) > 3
            short = len(text) <= 160 and len(text.split()) <= 24
            blocks.append({"text": text, "heading": short and (bold >= 0.9 * inked or upper) and any(c.isalpha() for c in text), "table": False})
        pieces.clear()

    def is_data(table) -> bool:
        cells = [squeeze(cell.text_content()) for cell in table.iter("td", "th")]
        cells = [cell for cell in cells if cell]
        numbers = sum(bool(re.fullmatch(r"[\s$€£()%,.\d—–-]+", cell)) for cell in cells)
        longest = max((len(cell) for cell in cells), default=0)
        return len(cells) >= 4 and (numbers >= 3 or longest < 120)

    def visit(node, bold: bool) -> None:
        if not isinstance(node.tag, str) or node.tag in SKIPPED:
            return
        style = (node.get("style") or "").replace(" ", "").lower()
        if "display:none" in style:
            return
        if node.tag == "table" and is_data(node):
            flush()
            rows = [" ".join(filter(None, (squeeze(cell.text_content()) for cell in row.iter("td", "th")))) for row in node.iter("tr")]
            text = " | ".join(filter(None, rows))
            if text:
                blocks.append({"text": text, "heading": False, "table": True})
            return
        apart = node.tag in BLOCKS
        if apart:
            flush()
        if node.tag == "br":
            pieces.append((" ", bold))
        heavy = bold or is_bold(node) if "font-weight:400" not in style and "font-weight:normal" not in style else False
        if node.text:
            pieces.append((node.text, heavy))
        for child in node:
            visit(child, heavy)
            if child.tail:
                pieces.append((child.tail, heavy))
        if apart:
            flush()

    # Filings nest their layout tags by the hundred.
    sys.setrecursionlimit(20000)
    visit(tree, False)
    flush()
    return blocks


def plain_text(blocks: list[dict]) -> str:
    return "\n".join(block["text"] for block in blocks)


ABBREVIATIONS = re.compile(
    r"(?:\b(?:Inc|Corp|Co|Ltd|No|Nos|Mr|Ms|Mrs|Dr|Jr|Sr|St|vs|U\.S|U\.K|e\.g|i\.e|cf|approx|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec|L\.P|N\.A|Rs|Bros|Fig|Art|Sec|a\.m|p\.m|etc|Messrs|S\.A|N\.V|L\.L\.C|Ph\.D)|\b[A-Z])\.$"
)


def sentences(text: str) -> list[tuple[int, int]]:
    """Character ranges of sentences in one block."""
    ranges, start = [], 0
    for hit in re.finditer(r"[.!?][\"”’)\]]*\s+(?=[\"“‘(\[]?[A-Z0-9])", text):
        end = hit.start() + len(hit.group().rstrip())
        if ABBREVIATIONS.search(text[start : hit.start() + 1]):
            continue
        ranges.append((start, end))
        start = hit.end()
    if text[start:].strip():
        ranges.append((start, len(text.rstrip())))
    return ranges


def item_blocks(text: str) -> list[dict]:
    """Blocks of an edgar-crawler item; in the oldest texts lines are wrapped, so blank lines part blocks."""
    parts = re.split(r"\n\s*\n", text) if re.search(r"\n\s*\n", text) else text.split("\n")
    blocks = []
    for part in parts:
        squeezed = squeeze(part)
        if squeezed:
            digits = sum(c.isdigit() for c in squeezed)
            blocks.append({"text": squeezed, "heading": False, "table": digits > 0.25 * len(squeezed) or squeezed.count("...") > 2 or "---" in squeezed})
    return blocks


COMPANIES = {
    "beyondair": "beyond air", "athena-6-k": "athena", "10-K_0000950153-99-001234": "0000950153", "10-K_0001376474-16-000635": "0001376474",
    "20-F_0000928385-01-500187": "20f-0000928385", "20-F_0001062993-16-008650": "20f-0001062993", "20-F_0001062993-21-003193": "20f-0001062993",
}


def company_of_filing(path: Path) -> str:
    return COMPANIES.get(path.stem) or path.stem.split("-")[0]


def filings(folder: Path) -> list[tuple[Path, str, list[dict]]]:
    """(path, company, blocks) of every HTML filing, sorted by name."""
    return [(path, company_of_filing(path), html_blocks(path.read_bytes())) for path in sorted(folder.glob("*.html"))]


def ten_k_items(folder: Path) -> list[tuple[Path, str, dict[str, str]]]:
    """(path, company, item texts) of every split 10-K; the company is its CIK."""
    found = []
    for path in sorted(folder.glob("*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        items = {key: value for key, value in record.items() if key.startswith("item_") and value and value.strip()}
        found.append((path, f"cik{record['cik']}", items))
    return found
