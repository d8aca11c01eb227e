"""Builds printable, marked HTML out of an excerpt of a labelled filing.

`native` keeps the filing's own markup; `adapted` keeps it but changes paper, margins, scale and
fonts; `restyled` builds the excerpt anew from its blocks under a random style sheet.
"""

from __future__ import annotations

import random
import re
from html import escape

from lxml import html

import styles
from charts import svg_chart
from filings import BREAK_AFTER, BREAK_BEFORE, BULLET, Block, Style, clean, derive, load  # noqa: F401
from marking import SCRIPT, Codes

HEAD = '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{css}</style></head><body>{body}{script}</body></html>'


def pieces_by_page(body) -> list[list[str]]:
    """The serialised elements of every page of the source, in order."""
    pages: list[list[str]] = [[]]

    def walk(element, wrap):
        for child in element:
            if not isinstance(child.tag, str):
                continue
            css = child.get("style") or ""
            if BREAK_BEFORE.search(css):
                pages.append([])
            inner = any(BREAK_AFTER.search(d.get("style") or "") or BREAK_BEFORE.search(d.get("style") or "")
                        for d in child.iterdescendants() if isinstance(d.tag, str))
            if inner:
                walk(child, wrap + [child.get("style") or ""])
            else:
                start = "".join(f'<div style="{escape(inherited(s))}">' for s in wrap if s)
                end = "</div>" * sum(1 for s in wrap if s)
                pages[-1].append(start + html.tostring(child, encoding="unicode", with_tail=False) + end)
            if BREAK_AFTER.search(css):
                pages.append([])

    walk(body, [])
    return pages


def inherited(css: str) -> str:
    """The declarations of a wrapper that its children inherit."""
    keep = [d for d in css.split(";") if re.match(r"\s*(?:font|color|line-height|text-align|width)", d)]
    return ";".join(keep)


def mark_native(source: str, blocks: list[Block], codes: Codes, rng: random.Random, drop_running: bool, charts: bool) -> str:
    """Turns data-l/data-b into codes; large missing images become charts, small ones go."""
    root = html.fragment_fromstring(source, create_parent="div")
    for element in list(root.iter()):
        if not isinstance(element.tag, str):
            continue
        if element.tag == "img":
            sizes = [float(v) for v in re.findall(r"(?:width|height)\s*[:=]\s*\"?([\d.]+)(?:px|pt)?", html.tostring(element, encoding="unicode"))]
            if charts and len(sizes) >= 2 and min(sizes[:2]) >= 110:
                chart = html.fragment_fromstring(svg_chart(rng, rng.uniform(300, 560), rng.uniform(150, 300)))
                code = codes.code(2_000_000 + len(codes.by_block), "Picture")
                chart.set("data-c", f"{code:03x}")
                chart.tail = element.tail
                element.getparent().replace(element, chart)
            elif element.getparent() is not None:
                element.drop_tree()
            continue
        number = element.attrib.pop("data-b", None)
        label = element.attrib.pop("data-l", None)
        if "href" in element.attrib:
            del element.attrib["href"]
        if number is not None:
            if drop_running and label in ("Page-header", "Page-footer"):
                for child in list(element):
                    element.remove(child)
                element.text = None
            else:
                element.set("data-c", f"{codes.code(int(number), label):03x}")
        if drop_running and (element.tag == "hr" and BREAK_AFTER.search(element.get("style") or "")):
            element.drop_tree()
        elif drop_running and element.get("style"):
            style = BREAK_AFTER.sub("", BREAK_BEFORE.sub("", element.get("style")))
            element.set("style", re.sub(r"min-height\s*:[^;]+;?", "", style))
    return html.tostring(root, encoding="unicode")


def native(pages: list[list[str]], blocks: list[Block], rng: random.Random, codes: Codes, name: str, plain: bool, company: str) -> str:
    """The excerpt in the filing's own look. `plain`: exactly as a browser prints it."""
    keep_running = plain or rng.random() < 0.6
    body = "".join(mark_native("".join(page), blocks, codes, rng, not keep_running, charts=True) for page in pages)
    css = ""
    if plain:
        css = rng.choice(["", "", "@page{margin:0.4in}body{zoom:0.85}", "@page{size:a4;margin:12mm}body{zoom:0.8}", "body{zoom:0.9}"])
    else:
        paper = rng.choices(["letter", "a4", "letter landscape", "legal"], [50, 34, 8, 8])[0]
        boxes = "" if keep_running else styles.margin_boxes(rng, codes, company, company.split()[0], rng.choice(styles.ACCENT), 9)
        margins = " ".join(f"{rng.uniform(0.35, 1.1) if not boxes else rng.uniform(0.6, 1.1):.2f}in" for _ in range(2))
        css = f"@page{{size:{paper};margin:{margins};{boxes}}}body{{zoom:{rng.uniform(0.68, 1.05):.2f}}}"
        if rng.random() < 0.6:
            css += f"body *{{font-family:{rng.choice(styles.SERIF + styles.SANS)}!important}}"
        if rng.random() < 0.3:
            css += f"body div,body p{{line-height:{rng.uniform(1.05, 1.6):.2f}!important}}"
        if rng.random() < 0.2:
            css += f"td{{background-color:{rng.choice(['#ffffff', '#f4f4f4', 'transparent'])}!important}}"
        if rng.random() < 0.2:
            css += f"hr{{border:0;height:1px;background:{rng.choice(styles.ACCENT)}}}"
    css += "*{-webkit-print-color-adjust:exact;print-color-adjust:exact}"
    return HEAD.format(title=escape(name), css=css, body=body, script=SCRIPT)


def inline_markup(element, keep_bold: bool) -> str:
    """Text of an element with bold, italic, underline and raised text kept as simple tags."""
    def visit(node, style: Style, raised: bool) -> str:
        parts = [wrap(node.text, style, raised)]
        for child in node:
            if not isinstance(child.tag, str):
                parts.append(wrap(child.tail, style, raised))
                continue
            if child.tag == "br":
                parts.append("<br>")
            elif child.tag != "img":
                up = raised or child.tag == "sup" or "vertical-align:super" in (child.get("style") or "").replace(" ", "")
                inner = visit(child, derive(style, child), up)
                parts.append(inner if child.tag in ("span", "font", "a", "b", "i", "u", "sup", "sub", "em", "strong") or
                             child.tag.startswith("ix:") else f" {inner} ")
            parts.append(wrap(child.tail, style, raised))
        return "".join(parts)

    def wrap(text, style: Style, raised: bool) -> str:
        if not text:
            return ""
        text = escape(re.sub(r"[\s\xa0]+", " ", text.replace("\u200b", "")))
        if not text.strip():
            return text
        if style.bold and keep_bold:
            text = f"<b>{text}</b>"
        if style.italic:
            text = f"<i>{text}</i>"
        if style.underline:
            text = f"<u>{text}</u>"
        return f"<sup>{text}</sup>" if raised else text

    return visit(element, derive(Style(), element), False)


def table_markup(table, attribute: str, wide: bool) -> str:
    """A data table rebuilt: spans, alignment of figures, bold rows and rules; widths are left to the browser."""
    rows, first_numeric = [], None
    for row in table.iter("tr"):
        cells, any_text = [], False
        for cell in row:
            if not isinstance(cell.tag, str) or cell.tag not in ("td", "th"):
                continue
            text = clean(cell.text_content())
            any_text = any_text or bool(text)
            css = (cell.get("style") or "").replace(" ", "").lower()
            kinds = []
            if re.match(r"^[\s$€£(]*[\d.,]+[\s)%]*$|^[$—–)%-]+$", text):
                kinds.append("n")
            markup = inline_markup(cell, keep_bold=True)
            span = cell.get("colspan")
            if re.search(r"border-bottom:[^;]*(?:solid|double)", css):
                kinds.append("u")
            left = re.search(r"padding:[^;]*?([\d.]+)pt(?:;|$)", css)
            indent = f' style="padding-left:{float(left.group(1)):.0f}pt"' if left and len(cells) == 0 and float(left.group(1)) > 6 else ""
            cells.append(f'<td{f" colspan={chr(34)}{span}{chr(34)}" if span and span.isdigit() else ""}'
                         f'{f" class={chr(34)}{chr(32).join(kinds)}{chr(34)}" if kinds else ""}{indent}>{markup}</td>')
        if not any_text:
            continue
        numeric = any('class="n' in cell for cell in cells)
        if numeric and first_numeric is None and any(re.search(r">\s*(?:<[^>]+>)*[\d,]{3,}", c) and "20" != clean(re.sub("<[^>]+>", "", c))[:2] for c in cells):
            first_numeric = len(rows)
        rows.append(cells)
    head = 1 if first_numeric is None else max(first_numeric, 1)
    body = "".join(f'<tr{" class=h" if i < min(head, 3) else ""}>{"".join(cells)}</tr>' for i, cells in enumerate(rows))
    return f'<table class="tab{" wide" if wide else ""}" {attribute}>{body}</table>'


def restyled(blocks: list[Block], rng: random.Random, codes: Codes, name: str, company: str) -> str:
    """The excerpt built anew from its blocks, under a random style sheet."""
    sheet = styles.draw(rng, codes, f"{company} {rng.choice(['Annual Report', 'Form 10-K', 'Quarterly Report', ''])}".strip(), company)
    out: list[str] = []
    index, level_of = 0, {}
    while index < len(blocks):
        block = blocks[index]
        members = [block]
        while block.group >= 0 and index + len(members) < len(blocks) and blocks[index + len(members)].group == block.group \
                and blocks[index + len(members)].kind == "cell":
            members.append(blocks[index + len(members)])
        index += len(members)
        if block.label in ("Page-header", "Page-footer"):
            continue
        lead = max(members, key=lambda b: len(b.text))
        label = lead.label
        number = id_of(lead)
        attribute = codes.attribute(number, label)
        if lead.kind == "table":
            columns = max((len([c for c in row if clean(c.text_content())]) for row in lead.element.iter("tr")), default=1)
            out.append(table_markup(lead.element, attribute, sheet.columns > 1 and columns > 3))
            continue
        texts = members
        mark = ""
        if label in ("List-item", "Footnote") and len(members) > 1 and len(members[0].text) <= 6:
            mark, texts = members[0].text, members[1:]
        keep_bold = label in ("Text", "List-item", "Footnote")
        content = " ".join(inline_markup(b.element, keep_bold) for b in texts).strip()
        if label == "List-item":
            found = re.match(r"^((?:<[^>]+>)*)\s*([•●■▪◦‣·§➢❖])\s*", content)
            if found:
                mark, content = found.group(2), found.group(1) + content[found.end():]
            if BULLET.match(mark or ""):
                mark = sheet.bullet
            out.append(f'<div class="li" {attribute}>{f"<span class=mk>{escape(mark)}</span>" if mark else ""}{content}</div>')
        elif label == "Section-header":
            shape = (round(lead.size), lead.bold > 0.5, lead.italic > 0.5, lead.align == "center")
            level = level_of.setdefault(shape, min(3, len(level_of) + 1))
            out.append(f'<div class="sh{level}{" wide" if level == 1 and sheet.columns > 1 and rng.random() < 0.3 else ""}" {attribute}>{content}</div>')
        elif label == "Footnote":
            lead_in = f"<sup>{escape(mark)}</sup> " if mark else ""
            out.append(f'<p class="fn" {attribute}>{lead_in}{content}</p>')
        else:
            kind = {"Title": "title", "Caption": "cap", "Text": "p"}.get(label, "p")
            out.append(f'<div class="{kind}" {attribute}>{content}</div>')
    return HEAD.format(title=escape(name), css=sheet.css, body=f'<div class="flow">{"".join(out)}</div>', script=SCRIPT)


def id_of(block: Block) -> int:
    return int(block.element.get("data-b") or block.extra.get("number", 0))
