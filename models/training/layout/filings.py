"""Reads a filing's HTML into blocks and labels every block from the DOM.

The result is the original tree with `data-l` (label) and `data-b` (block number) on the
elements that carry text, plus the list of blocks in document order. Nothing here looks at a
page: all evidence is markup, inline style and text.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from lxml import html

BREAK_BEFORE = re.compile(r"(?:page-)?break-before\s*:\s*(?:always|page)", re.I)
BREAK_AFTER = re.compile(r"(?:page-)?break-after\s*:\s*(?:always|page)", re.I)
BLOCK_TAGS = {
    "div", "p", "table", "tbody", "thead", "tfoot", "tr", "td", "th", "ul", "ol", "li", "h1", "h2", "h3", "h4",
    "h5", "h6", "hr", "center", "blockquote", "pre", "body", "form", "dl", "dt", "dd", "document", "type",
    "sequence", "filename", "description", "text", "section", "article", "figure",
}
HIDDEN = re.compile(r"display\s*:\s*none", re.I)
BULLET = re.compile(r"^[•●■▪◦‣·§□➢❖*o–—\-]$")
BULLET_START = re.compile(r"^(?:[•●■▪◦‣·§➢❖]|[–—*\-o](?=\s))\s*\S")
ENUMERATOR = re.compile(r"^(?:\(?(?:\d{1,2}|[a-z]|[ivx]{1,4}|[A-Z])\)|(?:\d{1,2}|[a-z]|[ivx]{1,4})\.)$")
ENUMERATOR_START = re.compile(r"^(?:\((?:\d{1,2}|[a-z]|[ivx]{1,4})\)|(?:[a-z]|[ivx]{1,4})[.)]|\d{1,2}\))\s+\S")
NOTE_MARK = re.compile(r"^(?:\(?(?:\d{1,2}|[a-z]{1,2}|[ivx]{1,4}|[A-Z])\)|\*{1,3}|[†‡§#+^]|\d{1,2})$")
NOTE_START = re.compile(r"^(?:\(\s*(?:\d{1,2}|[a-z]{1,2})\s*\)|\*{1,3}|[†‡])\s*\S")
NUMBER = re.compile(r"^[\s$€£¥(]*[\d.,]*\d[\d.,]*\s*[)%x]*\s*$|^[—–-]+$")
PAGE_NUMBER = re.compile(
    r"^[\s\-–—|]*(?:page\s*)?(?:[A-Z]{1,2}\s*[-–]\s*)?(?:\d{1,3}|[ivxlc]{1,6})(?:\s*of\s*\d+)?[\s\-–—|]*$", re.I)
CONTENTS = re.compile(r"^(?:back to )?(?:table of contents|index|contents|return to.*contents)$", re.I)
UNITS = re.compile(r"^\(?\s*(?:amounts |dollars |u\.?s\.? |all |tabular |expressed |stated |shares )*(?:and shares )?"
                   r"(?:are )?in\s+(?:thousands|millions|billions|[a-z.]*\s*dollars|usd|us)|^\((?:millions|thousands|unaudited)", re.I)
CAPTION = re.compile(r"^(?:table|figure|chart|graph)\s+\d+[.:–—\- ]", re.I)
COVER_TITLE = re.compile(
    r"^(?:united states$|securities and exchange commission|united states\s+securities|form\s+(?:10|20|8|6|40)-?[kqf]|"
    r"schedule 14a|prospectus|.*\bsecurities\s+and\s+exchange\s+commission$)", re.I)


@dataclass
class Style:
    """The inherited style that the rules need. Sizes in points."""
    size: float = 10.0
    bold: bool = False
    italic: bool = False
    underline: bool = False
    align: str = "left"
    indent: float = 0.0


@dataclass
class Block:
    """A run of text that is one piece of layout: a paragraph, a cell, a list item or a whole table."""
    element: object
    text: str
    page: int
    kind: str = "text"           # "text", "cell" (of a layout table) or "table"
    size: float = 10.0
    bold: float = 0.0            # share of letters
    italic: float = 0.0
    underline: float = 0.0
    align: str = "left"
    indent: float = 0.0
    note_start: bool = False     # begins with a superscript
    area: str = ""               # "header" or "footer" where the markup says so
    hang: str = ""               # the list mark in the cell to the left, if any
    label: str = "Text"
    rows: int = 0
    group: int = -1              # cells of one row of a layout table belong together
    extra: dict = field(default_factory=dict)

    @property
    def words(self) -> int:
        return len(self.text.split())


def load(path: Path):
    """Parses a filing, without its SGML wrapper, hidden inline-XBRL header and missing images."""
    raw = path.read_bytes()
    raw = re.sub(rb"^\s*<\?xml[^>]*\?>", b"", raw)
    raw = re.sub(rb"^\s*(?:<DOCUMENT>\s*)?<TYPE>.*?<TEXT>", b"", raw, count=1, flags=re.S | re.I)
    raw = raw.replace(b"<!-- PAGEBREAK -->", b"<PAGE>")
    raw = raw.replace(b"<PAGE>", b'<hr style="page-break-after:always">')
    try:
        raw.decode("utf-8")
        encoding = "utf-8"
    except UnicodeDecodeError:
        encoding = "cp1252"
    root = html.document_fromstring(raw, parser=html.HTMLParser(encoding=encoding, huge_tree=True))
    for element in list(root.iter()):
        if not isinstance(element.tag, str):
            if element.getparent() is not None:
                element.drop_tree()
        elif element.tag in ("script", "style", "ix:header", "noscript", "title", "meta", "link"):
            element.drop_tree()
        elif HIDDEN.search(element.get("style") or "") and element.getparent() is not None:
            element.drop_tree()
    body = root.find(".//body")
    return root, (body if body is not None else root)


def clean(text: str) -> str:
    return " ".join((text or "").replace("\u200b", "").replace("\xa0", " ").split())


def _points(value: str, parent: float) -> float | None:
    match = re.match(r"\s*([\d.]+)\s*(pt|px|em|rem|%|in)?", value)
    if not match:
        return {"small": 9.75, "x-small": 7.5, "medium": 12.0, "large": 13.5, "smaller": parent * 0.83}.get(value.strip())
    number, unit = float(match.group(1)), match.group(2) or "pt"
    return {"pt": number, "px": number * 0.75, "em": number * parent, "rem": number * 12, "%": number * parent / 100,
            "in": number * 72}[unit]


FONT_SIZES = {"1": 7.5, "2": 10.0, "3": 12.0, "4": 13.5, "5": 18.0, "6": 24.0, "7": 36.0}


def derive(parent: Style, element) -> Style:
    """The style of an element from its parent's and its own tag, attributes and inline style."""
    style = Style(**vars(parent))
    tag = element.tag
    if tag in ("b", "strong", "th", "h1", "h2", "h3", "h4"):
        style.bold = True
    elif tag in ("i", "em"):
        style.italic = True
    elif tag == "u":
        style.underline = True
    elif tag == "center":
        style.align = "center"
    elif tag == "font" and element.get("size"):
        style.size = FONT_SIZES.get(element.get("size").strip("+ "), style.size)
    elif tag in ("sup", "sub"):
        style.size *= 0.7
    if element.get("align"):
        style.align = element.get("align").lower()
    for declaration in (element.get("style") or "").split(";"):
        name, _, value = declaration.partition(":")
        name, value = name.strip().lower(), value.strip().lower()
        if name == "font-weight":
            style.bold = value in ("bold", "bolder") or (value.isdigit() and int(value) >= 600)
        elif name == "font-style":
            style.italic = value in ("italic", "oblique")
        elif name == "font-size":
            style.size = _points(value, parent.size) or style.size
        elif name == "font":
            style.bold = bool(re.search(r"\b(?:bold|[6-9]00)\b", value)) or (style.bold and tag not in ("p", "div"))
            style.italic = "italic" in value
            size = re.search(r"([\d.]+(?:pt|px|em|%))", value)
            style.size = (_points(size.group(1), parent.size) if size else None) or style.size
        elif name == "text-decoration" and tag != "a":
            style.underline = style.underline or "underline" in value
        elif name == "text-align":
            style.align = value
        elif name in ("margin-left", "padding-left", "text-indent"):
            amount = _points(value, style.size) if not value.startswith("-") else 0.0
            style.indent += min(amount or 0.0, 300.0)
    return style


def has_block_inside(element) -> bool:
    return any(isinstance(child.tag, str) and child.tag in BLOCK_TAGS for child in element.iterdescendants())


def wrap_inline_runs(element) -> None:
    """Puts text that stands beside block children into a <div> of its own: the same anonymous
    box the browser makes, but one that can carry a label."""
    run: list = []
    pending_text = element.text
    element.text = None
    children = list(element)

    def flush(before):
        nonlocal run, pending_text
        if clean(pending_text) or any(clean(child.text_content()) for child in run):
            box = html.Element("div")
            box.text = pending_text
            for child in run:
                tail = child.tail
                box.append(child)
                child.tail = tail
            if before is None:
                element.append(box)
            else:
                before.addprevious(box)
        run, pending_text = [], None

    for child in children:
        inline = isinstance(child.tag, str) and child.tag not in BLOCK_TAGS and not has_block_inside(child)
        if inline:
            run.append(child)
            continue
        flush(child)
        pending_text, child.tail = child.tail, None
    flush(None)


class Reader:
    """Walks the tree once, collecting blocks with their style and page of the source."""

    def __init__(self, body) -> None:
        self.blocks: list[Block] = []
        self.page = 0
        self.group = 0
        self.breaks: list = []
        self._walk(body, Style(), "", None)

    def _walk(self, element, style: Style, area: str, cell: int | None) -> None:
        css = element.get("style") or ""
        if BREAK_BEFORE.search(css):
            self.page += 1
            self.breaks.append(element)
        style = derive(style, element)
        lower = css.replace(" ", "").lower()
        if "bottom:0" in lower and "position:absolute" in lower or ("flex-end" in lower and "min-height" in lower):
            area = "footer"
        elif "min-height:" in lower and ("width:100%" in lower or "padding-top" in lower) and not area \
                and not any(block.page == self.page for block in self.blocks):
            area = "header"
        if element.tag == "table" and cell is None:
            self._table(element, style, area)
        elif has_block_inside(element):
            wrap_inline_runs(element)
            for child in list(element):
                if isinstance(child.tag, str):
                    self._walk(child, style, area, cell)
        else:
            self._leaf(element, style, area, cell)
        if BREAK_AFTER.search(css):
            self.page += 1
            self.breaks.append(element)

    def _leaf(self, element, style: Style, area: str, cell: int | None) -> None:
        text = clean(element.text_content())
        if not text:
            return
        block = Block(element, text, self.page, "text" if cell is None else "cell", align=style.align,
                      indent=style.indent, area=area, group=-1 if cell is None else cell)
        letters, sizes = Counter(), Counter()
        first: list = []

        def visit(node, node_style, raised):
            for piece, piece_style in [(node.text, node_style)]:
                count = len(clean(piece))
                if count:
                    if not first:
                        first.append(raised)
                    letters["all"] += count
                    letters["bold"] += count * piece_style.bold
                    letters["italic"] += count * piece_style.italic
                    letters["underline"] += count * piece_style.underline
                    sizes[round(piece_style.size, 1)] += count
            for child in node:
                if not isinstance(child.tag, str):
                    continue
                child_css = (child.get("style") or "").replace(" ", "")
                up = raised or child.tag == "sup" or "vertical-align:super" in child_css or \
                    bool(re.search(r"position:relative;.*top:-|vertical-align:(?:top|[1-9])", child_css))
                visit(child, derive(node_style, child), up)
                count = len(clean(child.tail))
                if count:
                    if not first:
                        first.append(raised)
                    letters["all"] += count
                    letters["bold"] += count * node_style.bold
                    letters["italic"] += count * node_style.italic
                    letters["underline"] += count * node_style.underline
                    sizes[round(node_style.size, 1)] += count

        visit(element, style, False)
        total = max(letters["all"], 1)
        block.bold, block.italic = letters["bold"] / total, letters["italic"] / total
        block.underline = letters["underline"] / total
        block.size = sizes.most_common(1)[0][0] if sizes else style.size
        block.note_start = bool(first and first[0])
        self.blocks.append(block)

    def _table(self, table, style: Style, area: str) -> None:
        rows = []
        for row in table.iter("tr"):
            cells = [cell for cell in row if isinstance(cell.tag, str) and clean(cell.text_content())]
            if cells:
                rows.append(cells)
        if not rows:
            return
        if is_data_table(rows, self.page):
            block = Block(table, clean(" ".join(cell.text_content() for cells in rows for cell in cells)), self.page,
                          "table", area=area, rows=len(rows))
            self.blocks.append(block)
            return
        for cells in rows:
            self.group += 1
            start = len(self.blocks)
            for cell in cells:
                row_style = derive(derive(style, cell.getparent()), cell)
                if has_block_inside(cell):
                    wrap_inline_runs(cell)
                    for child in list(cell):
                        if isinstance(child.tag, str):
                            self._walk(child, row_style, area, self.group)
                else:
                    self._leaf(cell, row_style, area, self.group)
            new = self.blocks[start:]
            if len(new) >= 2 and (BULLET.match(new[0].text) or ENUMERATOR.match(new[0].text) or NOTE_MARK.match(new[0].text)):
                for block in new:
                    block.hang = new[0].text


def is_data_table(rows: list[list], page: int) -> bool:
    """Whether an HTML table is a table to a reader, or only a means to place text."""
    texts = [[clean(cell.text_content()) for cell in cells] for cells in rows]
    # Currency signs and closing brackets often stand in cells of their own.
    texts = [[text for text in cells if text not in ("$", ")", "%", "€", "£", ")%", "—%")] or cells for cells in texts]
    widths = [len(cells) for cells in texts]
    columns, count = max(widths), len(texts)
    if columns == 1:
        return False
    first_marks = sum(bool(BULLET.match(cells[0]) or ENUMERATOR.match(cells[0]) or NOTE_MARK.match(cells[0])) and len(cells) == 2
                      for cells in texts)
    if first_marks >= max(1, 0.6 * count):
        return False
    numeric = sum(bool(NUMBER.match(text)) for cells in texts for text in cells[1:])
    wide = sum(width >= 2 for width in widths)
    joined = " ".join(" ".join(cells) for cells in texts)
    if "/s/" in joined and count <= 8 and columns <= 3 and numeric < 2:
        return False
    if numeric >= 2 and count >= 2 and columns >= 2:
        return True
    if "title of each class" in joined.lower():
        return True
    longest = max(len(text) for cells in texts for text in cells)
    if page == 0 or longest > 700:
        return False
    return count >= 3 and wide >= 0.6 * count and columns >= 2


def read(path: Path):
    """The tree of a filing and its labelled blocks."""
    root, body = load(path)
    reader = Reader(body)
    from filing_rules import label_blocks  # the rules need the types above
    label_blocks(reader.blocks, path.stem)
    for number, block in enumerate(reader.blocks):
        block.element.set("data-l", block.label)
        block.element.set("data-b", str(number))
    return root, body, reader
