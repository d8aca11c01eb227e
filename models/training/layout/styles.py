"""Random style sheets: paper, margins, columns, fonts, headings, tables, running heads and feet."""

from __future__ import annotations

import random
from dataclasses import dataclass

SERIF = ["'Liberation Serif'", "'Noto Serif'", "'DejaVu Serif'", "Caladea"]
SANS = ["'Liberation Sans'", "'Noto Sans'", "'DejaVu Sans'", "Carlito", "'Liberation Sans Narrow'"]
DARK = ["#000000", "#1a1a1a", "#202830", "#2b2b2b"]
ACCENT = ["#1f3864", "#7a0c1e", "#0b5345", "#4a235a", "#0b4f9c", "#b03a2e", "#145a32", "#333333", "#c55a11", "#007c89"]
PAPER = {"letter": (612, 792), "a4": (595, 842), "landscape": (792, 612), "legal": (612, 1008), "report": (576, 720)}


@dataclass
class Sheet:
    """What a style sheet was drawn as; the facts that the composer needs beside the CSS itself."""
    css: str
    columns: int
    width: float          # of the text area, CSS pixels
    page: tuple[float, float]
    size: float
    accent: str
    bullet: str
    serif: bool


def rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def draw(rng: random.Random, codes, title: str, short: str, running: bool = True, columns: int | None = None) -> Sheet:
    """Draws a style sheet for documents built of the classes sh1..sh3, p, li, fn, cap, title, tab, formula."""
    paper = rng.choices(list(PAPER), [48, 28, 10, 3, 11])[0]
    width, height = PAPER[paper]
    if columns is None:
        columns = rng.choices([1, 2, 3], [60, 32, 8] if paper != "landscape" else [30, 45, 25])[0]
    size = rng.uniform(8.2, 11.6) if columns == 1 else rng.uniform(7.4, 9.8)
    serif = rng.random() < 0.5
    body = rng.choice(SERIF if serif else SANS)
    head = body if rng.random() < 0.6 else rng.choice(SANS + SERIF[:2])
    text = rng.choice(DARK)
    accent = rng.choice(ACCENT) if rng.random() < 0.6 else text
    left, right = rng.uniform(36, 84), rng.uniform(36, 84)
    top, bottom = rng.uniform(46, 84), rng.uniform(46, 84)
    if rng.random() < 0.6:
        right = left
    boxes = margin_boxes(rng, codes, title, short, accent, size) if running else ""
    css = [f"@page{{size:{width}pt {height}pt;margin:{top:.0f}pt {right:.0f}pt {bottom:.0f}pt {left:.0f}pt;{boxes}}}",
           f"body{{margin:0;font-family:{body};font-size:{size:.1f}pt;line-height:{rng.uniform(1.1, 1.55):.2f};color:{text};"
           f"text-align:{rng.choice(['left', 'justify', 'left'])};hyphens:{rng.choice(['manual', 'manual', 'auto'])}}}",
           "*{-webkit-print-color-adjust:exact;print-color-adjust:exact}"]
    if columns > 1:
        rule = f"column-rule:0.5pt solid {rng.choice(['#999', accent])};" if rng.random() < 0.25 else ""
        css.append(f".flow{{column-count:{columns};column-gap:{rng.uniform(12, 28):.0f}pt;{rule}"
                   f"{'column-fill:auto;' if rng.random() < 0.3 else ''}}}")
        css.append(".wide{column-span:all}")
    css.append(paragraph_css(rng, size))
    css.append(heading_css(rng, size, head, accent))
    css.append(list_css(rng, size))
    css.append(note_css(rng, size, body, accent))
    css.append(table_css(rng, size, accent))
    return Sheet("".join(css), columns, (width - left - right) / 0.75, (width, height), size, accent,
                 rng.choice("•••■▪–●◦—·"), serif)


def paragraph_css(rng, size) -> str:
    indent = rng.uniform(8, 20) if rng.random() < 0.25 else 0
    gap = 0 if indent and rng.random() < 0.6 else rng.uniform(0.35, 1.1) * size
    return f"p,div.p{{margin:0 0 {gap:.1f}pt 0;text-indent:{indent:.0f}pt}}.form{{text-indent:0}}"


def heading_css(rng, size, head, accent) -> str:
    out = [f".title{{font-family:{head};font-size:{size * rng.uniform(1.5, 3.0):.1f}pt;color:{accent};line-height:1.15;"
           f"font-weight:{rng.choice([400, 700, 700])};text-align:{rng.choice(['left', 'center', 'center', 'right'])};"
           f"margin:{rng.uniform(0, 60):.0f}pt 0 {rng.uniform(6, 30):.0f}pt;{'text-transform:uppercase;' if rng.random() < 0.3 else ''}}}"]
    scales = sorted((rng.uniform(1.0, 1.9) for _ in range(3)), reverse=True)
    for level, scale in enumerate(scales, 1):
        style = rng.choices(["bold", "bolditalic", "italic", "plain", "caps", "boldcaps", "underline", "smallcaps"],
                            [46, 7, 8 if level > 1 else 0, 6, 4, 14, 6, 4])[0]
        if style == "plain" and scale < 1.2:
            scale = 1.3
        css = f"font-family:{head};font-size:{size * scale:.1f}pt;color:{accent if rng.random() < 0.7 else 'inherit'};line-height:1.2;text-indent:0;"
        css += f"font-weight:{700 if 'bold' in style else 400};"
        css += "font-style:italic;" if "italic" in style else ""
        css += "text-transform:uppercase;" if "caps" in style and style != "smallcaps" else ""
        css += "font-variant:small-caps;" if style == "smallcaps" else ""
        css += "text-decoration:underline;" if style == "underline" else ""
        css += f"text-align:{'center' if rng.random() < 0.2 else 'left'};"
        css += f"margin:{rng.uniform(0.5, 1.6) * size:.1f}pt 0 {rng.uniform(0.1, 0.7) * size:.1f}pt;break-after:avoid;"
        if level == 1 and rng.random() < 0.25:
            css += f"border-bottom:{rng.uniform(0.4, 2):.1f}pt solid {accent};padding-bottom:2pt;"
        elif level == 1 and rng.random() < 0.12:
            css += f"background:{accent};color:#ffffff;padding:3pt 5pt;"
        out.append(f".sh{level}{{{css}}}")
    return "".join(out)


def list_css(rng, size) -> str:
    indent = rng.uniform(4, 26)
    hang = rng.uniform(8, 18)
    return (f".li{{margin:0 0 {rng.uniform(0.1, 0.7) * size:.1f}pt {indent + hang:.0f}pt;text-indent:-{hang:.0f}pt;"
            f"text-align:left}}.mk{{display:inline-block;width:{hang:.0f}pt;text-indent:0}}")


def note_css(rng, size, body, accent) -> str:
    small = size * rng.uniform(0.68, 0.9)
    rule = f"border-top:0.5pt solid #888;width:{rng.choice(['30%', '100%', '45%'])};"
    return (f".fn{{font-size:{small:.1f}pt;line-height:1.25;margin:0 0 2pt 0;text-indent:0;text-align:left}}"
            f".fnrule{{{rule if rng.random() < 0.5 else ''}margin-top:5pt;height:0}}"
            f".cap{{font-size:{size * rng.uniform(0.78, 1.0):.1f}pt;margin:3pt 0 6pt;text-indent:0;"
            f"font-style:{rng.choice(['normal', 'italic', 'normal'])};font-weight:{rng.choice([400, 400, 400, 700])};"
            f"color:{rng.choice(['inherit', '#444444', accent])};text-align:{rng.choice(['left', 'left', 'center'])}}}"
            f".formula{{margin:{size * 0.6:.1f}pt 0;text-align:{rng.choice(['center', 'center', 'left'])};text-indent:0}}"
            f".fig{{margin:6pt 0;break-inside:avoid}}")


def table_css(rng, size, accent) -> str:
    css = [f".tab{{border-collapse:collapse;font-size:{size * rng.uniform(0.78, 1.0):.1f}pt;width:100%;margin:{rng.uniform(3, 10):.0f}pt 0;"
           f"line-height:1.2;text-align:left}}.tab td{{padding:{rng.uniform(0.4, 3.2):.1f}pt {rng.uniform(1, 5):.1f}pt;vertical-align:"
           f"{rng.choice(['bottom', 'top'])}}}.tab .n{{text-align:right;white-space:nowrap}}.tab .b{{font-weight:700}}"]
    look = rng.choices(["plain", "rules", "grid", "zebra", "headrule", "band"], [22, 20, 10, 20, 18, 10])[0]
    if look == "rules":
        css.append(".tab td{border-bottom:0.4pt solid #bbbbbb}")
    elif look == "grid":
        css.append(".tab td{border:0.5pt solid #777777}")
    elif look == "zebra":
        css.append(f".tab tr:nth-child(odd){{background:{rng.choice(['#cceeff', '#eeeeee', '#f2f2f2', '#e8f0e8', '#fdf3e1'])}}}")
    elif look == "headrule":
        css.append(f".tab{{border-top:1.2pt solid {accent};border-bottom:1.2pt solid {accent}}}.tab tr.h td{{border-bottom:0.7pt solid {accent}}}")
    elif look == "band":
        css.append(f".tab tr.h{{background:{accent}}}.tab tr.h td{{color:#ffffff;font-weight:700}}")
    if rng.random() < 0.5:
        css.append(".tab .u{border-bottom:0.7pt solid #000000}")
    if rng.random() < 0.5:
        css.append(".tab tr.h td{font-weight:700}")
    return "".join(css)


def margin_boxes(rng, codes, title: str, short: str, accent: str, size: float) -> str:
    """Running heads and feet as CSS page margin boxes."""
    quote = lambda value: '"' + value.replace('"', "'").replace("\\", "") + '"'  # noqa: E731
    grey = rgb(rng.choice(["#000000", "#555555", "#777777", accent]))
    small = size * rng.uniform(0.7, 1.0)
    style = f"font-size:{small:.1f}pt;font-family:{rng.choice(SERIF + SANS)};"
    if rng.random() < 0.2:
        style += "font-style:italic;"
    number = rng.choice(["counter(page)", "counter(page)", '"Page " counter(page)', '"F-" counter(page)',
                         '"- " counter(page) " -"', f'{quote(short)} " | " counter(page)',
                         f'counter(page) "   " {quote(title)}', f'"Page " counter(page) " of " counter(pages)'])
    first = rng.choice([1, 1, 7, 23, 58])
    out = [f"counter-increment:page {1};"] if first == 1 else []
    feet = rng.choices(["center", "right", "left", "none"], [45, 25, 15, 15])[0]
    block = 3_000_000
    if feet != "none":
        colour = codes.css_colour(block, "Page-footer", grey)
        rule = f"border-top:0.5pt solid {accent};" if rng.random() < 0.25 else ""
        out.append(f"@bottom-{feet}{{content:{number};color:{colour};{style}{rule}white-space:pre}}")
        if feet in ("right", "left") and rng.random() < 0.6:
            other = "left" if feet == "right" else "right"
            colour = codes.css_colour(block + 1, "Page-footer", grey)
            out.append(f"@bottom-{other}{{content:{quote(rng.choice([title, short, 'See accompanying notes', 'Annual report']))};color:{colour};{style}}}")
    heads = rng.choices(["left", "right", "center", "none"], [24, 28, 18, 30])[0]
    if heads != "none":
        value = rng.choice([title, short, "Table of Contents", title.upper(), f"{short} Annual Report {rng.randint(2012, 2025)}",
                            "Notes to Consolidated Financial Statements (continued)"])
        colour = codes.css_colour(block + 2, "Page-header", grey)
        rule = f"border-bottom:0.5pt solid {accent};" if rng.random() < 0.25 else ""
        out.append(f"@top-{heads}{{content:{quote(value)};color:{colour};{style}{rule}}}")
        if heads != "center" and rng.random() < 0.4:
            other = "left" if heads == "right" else "right"
            colour = codes.css_colour(block + 3, "Page-header", grey)
            out.append(f"@top-{other}{{content:{rng.choice([quote(short), 'counter(page)', quote('Form 10-K'), quote(title)])};color:{colour};{style}}}")
    return "".join(out)
