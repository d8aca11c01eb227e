"""The labelling rules for blocks of a filing. They see markup and text, never the page."""

from __future__ import annotations

import re
from collections import Counter, defaultdict

from filings import (BULLET, BULLET_START, CAPTION, CONTENTS, COVER_TITLE, ENUMERATOR, ENUMERATOR_START, NOTE_MARK,
                     NOTE_START, PAGE_NUMBER, UNITS, Block)


def body_size(blocks: list[Block]) -> float:
    """The size most letters of running text have, in points."""
    sizes: Counter = Counter()
    for block in blocks:
        if block.kind == "text" and block.words > 25:
            sizes[block.size] += len(block.text)
    return sizes.most_common(1)[0][0] if sizes else 10.0


def shape_of(text: str) -> str:
    return re.sub(r"[\divxlc]+$|\d+", "#", text.lower())[:120]


def label_blocks(blocks: list[Block], stem: str) -> None:
    if not blocks:
        return
    size = body_size(blocks)
    join_marks(blocks)
    label_running(blocks)
    label_cover(blocks, size, stem)
    previous = None
    for index, block in enumerate(blocks):
        following = next((b for b in blocks[index + 1:index + 6] if not b.label.startswith("Page-")), None)
        if block.label in ("Page-header", "Page-footer"):
            continue
        if block.label != "Title" and not block.extra.get("cover"):
            block.label = body_label(block, previous, following, size)
        previous = block
    same_row_same_label(blocks)


def join_marks(blocks: list[Block]) -> None:
    """A list mark that is an element of its own, outside any table, belongs to the text after it."""
    for number, (block, following) in enumerate(zip(blocks, blocks[1:])):
        if block.kind == "text" and following.kind == "text" and block.page == following.page and following.words > 1 \
                and (block.text in "•●■▪◦‣·§➢❖" or re.match(r"^\([a-z0-9ivx]{1,4}\)$", block.text)):
            block.hang = following.hang = block.text
            block.kind = following.kind = "cell"
            block.group = following.group = 1_000_000 + number


def label_running(blocks: list[Block]) -> None:
    """Running heads and feet: what the markup puts into the margin, or what comes again at the
    start or the end of many pages of the source."""
    pages: dict[int, list[Block]] = defaultdict(list)
    for block in blocks:
        pages[block.page].append(block)
    heads, feet = Counter(), Counter()
    for members in pages.values():
        heads.update({shape_of(b.text) for b in members[:3]})
        feet.update({shape_of(b.text) for b in members[-3:]})
    often = max(4, 0.34 * len(pages))
    for number, members in pages.items():
        if len(pages) == 1:
            break
        for position, block in enumerate(members):
            short = block.words <= 22 and block.kind != "table"
            from_end = len(members) - 1 - position
            if block.area == "footer" and block.words <= 40:
                block.label = "Page-footer"
            elif block.area == "header" and block.words <= 40 and position <= 4:
                block.label = "Page-header"
            elif short and from_end <= 2 and PAGE_NUMBER.match(block.text) and \
                    all(b.label == "Page-footer" or len(b.text) < 60 for b in members[position + 1:]):
                block.label = "Page-footer"
            elif position == 0 and number > 0 and PAGE_NUMBER.match(block.text):
                block.label = "Page-header"
            elif short and position <= 2 and CONTENTS.match(block.text) and number > 0 and heads[shape_of(block.text)] >= 3:
                block.label = "Page-header"
            elif short and position <= 2 and number > 0 and (heads[shape_of(block.text)] >= often or
                                                             re.search(r"\(?continued\)?$", block.text, re.I)) \
                    and all(b.label == "Page-header" for b in members[:position]):
                block.label = "Page-header"
            elif short and from_end <= 1 and feet[shape_of(block.text)] >= often and block.words >= 1 and number >= 0 \
                    and re.search(r"\d", block.text):
                block.label = "Page-footer"
        for position, block in enumerate(members):
            beside = [b for b in members if b.group == block.group and b is not block and block.group >= 0]
            if block.label == "Text" and any(b.label in ("Page-footer", "Page-header") for b in beside) and block.words <= 15:
                block.label = next(b.label for b in beside if b.label.startswith("Page-"))


def label_cover(blocks: list[Block], size: float, stem: str) -> None:
    """Titles: large or official lines of the first page. A form's cover has no section headers."""
    first = [b for b in blocks if b.page == 0 and not b.label.startswith("Page-")]
    form = any(re.match(r"form\s+(?:10|20)-?[kqf]", b.text, re.I) for b in first[:25])
    limit = 70 if form else 14
    seen_long = False
    largest = max((b.size for b in first[:limit] if b.kind == "text" and b.words <= 25), default=size)
    titles = 0
    for position, block in enumerate(first):
        if block.kind == "table":
            seen_long = seen_long or not form
            continue
        official = COVER_TITLE.match(block.text) and block.words <= 8
        bold_line = block.bold > 0.8 and block.words <= 30
        large = block.size >= 1.18 * size and block.words <= 25
        centred = block.align == "center"
        if form:
            cover_end = len(blocks) if len({b.page for b in blocks}) == 1 else 10 ** 9
            if position < limit and position < cover_end:
                block.extra["cover"] = True
            if position < limit and (official or (large and (centred or block.bold > 0.8)) or
                                     (block.size >= 0.95 * largest and largest > 1.1 * size and block.words <= 12)):
                block.label = "Title"
        elif position < limit and not seen_long:
            if block.words > 40:
                seen_long = True
            elif (official or (bold_line and centred) or large) and titles < 4 and block.words >= 2 and \
                    not re.match(r"exhibit|for immediate|contact|page", block.text, re.I):
                block.label = "Title"
                titles += 1


def body_label(block: Block, previous: Block | None, following: Block | None, size: float) -> str:
    text = block.text
    if block.kind == "table":
        return "Table"
    after_table = previous is not None and previous.label in ("Table", "Footnote")
    small = block.size <= 0.93 * size
    mark = block.hang
    note = bool(NOTE_START.match(text)) or block.note_start or bool(mark and NOTE_MARK.match(mark) and not BULLET.match(mark))
    if note and block.bold < 0.9 and (small or after_table) and not (previous is not None and previous.label == "List-item" and not small):
        return "Footnote"
    if small and after_table and previous.label == "Footnote" and block.bold < 0.5 and block.words > 4 and block.size <= previous.size:
        return "Footnote"
    if mark and block.bold > 0.8 and not BULLET.match(mark) and block.words <= 20:
        return "Section-header"
    if BULLET_START.match(text) or (mark and (BULLET.match(mark) or ENUMERATOR.match(mark))):
        return "List-item"
    if block.element.tag == "li":
        return "List-item"
    if CAPTION.match(text) and block.words <= 40:
        return "Caption"
    near_table = following is not None and following.label == "Text" and following.kind == "table"
    if UNITS.match(text) and block.words <= 25 and (near_table or after_table or (previous is not None and previous.label in ("Section-header", "Title", "Caption"))):
        return "Caption"
    if is_header(block, following, size):
        return "Section-header"
    if ENUMERATOR_START.match(text) and block.bold < 0.5 and block.words > 3:
        return "List-item"
    return "Text"


def is_header(block: Block, following: Block | None, size: float) -> bool:
    text, words = block.text, block.words
    letters = [c for c in text if c.isalpha()]
    if len(letters) < 3 or "/s/" in text or text.endswith((":", ";")) and words > 8:
        return False
    if re.match(r"^(?:by|date|name|title|dated|signature|its)\s*:", text, re.I) or re.match(r"^[_\s]+$", text):
        return False
    goes_on = following is not None and (following.kind == "table" or following.words >= 8 or
                                         following.bold > 0.5 or following.italic > 0.5)
    if block.kind == "cell" and not re.match(r"^(?:item|note|part)\b", text, re.I) and block.bold < 0.9:
        return False
    if block.bold > 0.88 and words <= 60:
        return words <= 25 or (goes_on and words <= 60)
    if block.size >= 1.18 * size and words <= 25:
        return True
    if re.match(r"^(?:part\s+[ivx]+\b|item\s+\d+[a-c]?\s*[.:—-])", text, re.I) and words <= 22:
        return True
    capitals = sum(c.isupper() for c in letters) / len(letters)
    if capitals > 0.9 and 1 < words <= 22 and (block.align == "center" or goes_on) and not re.search(r"\d{3,}", text):
        return True
    if (block.underline > 0.88 or block.italic > 0.88) and words <= (20 if block.underline > 0.88 else 14) and goes_on \
            and not text.endswith((".", ",")) and block.kind == "text" and not text.startswith("("):
        return True
    if block.italic > 0.88 and block.underline > 0.88 and words <= 40 and goes_on:
        return True
    return False


def same_row_same_label(blocks: list[Block]) -> None:
    """The pieces of one row of a layout table are one thing (a list mark and its text, an item
    number and its title): the longest piece decides."""
    rows: dict[int, list[Block]] = defaultdict(list)
    for block in blocks:
        if block.group >= 0:
            rows[block.group].append(block)
    for members in rows.values():
        if len(members) < 2:
            continue
        if any("/s/" in b.text for b in members):
            for b in members:
                b.label = "Text" if b.label == "Section-header" else b.label
        longest = max(members, key=lambda b: len(b.text))
        short_first = len(members[0].text) <= 12
        if short_first and members[0] is not longest:
            members[0].label = longest.label
        if all(b.bold > 0.88 for b in members) and any(b.label == "Section-header" for b in members):
            for b in members:
                b.label = "Section-header"
