"""Synthetic annual reports in styles that filings lack: letters, glossy multi-column pages, figures,
captions, footnotes at the foot of the page, formulas, title pages, contents, running heads.

The prose comes from filings (of companies on the same side of the split), everything else is
made here. Two families are kept out of training and measure unseen styles.
"""

from __future__ import annotations

import json
import random
from html import escape
from pathlib import Path

import styles
from charts import svg_chart
from common import FILINGS, UNUSABLE, WORK, rng_for, split_of
from marking import SCRIPT, Codes

TRAIN_FAMILIES = ["letter", "glossy", "report", "figures", "notes", "release", "research"]
UNSEEN_FAMILIES = ["magazine", "paper"]

COMPANIES = ["Northfield Industries plc", "Halden Marine Group", "Castellan Bank", "Orchard & Vine Foods", "Meridian Water AG",
             "Tamarack Energy Corp.", "Bluestone Logistics, Inc.", "Sorrel Pharma SA", "Kestrel Aviation Ltd", "Wexmoor Retail Holdings",
             "Juniper Ridge REIT", "Arden Semiconductor, Inc.", "Pellworth Insurance", "Calder Media Group", "Ostrava Steel a.s.",
             "Lindqvist Paper AB", "Monteverde Mining Corp.", "Fairhaven Health", "Quarry Lane Capital", "Brightwater Utilities"]
ITEMS = ["Revenue", "Net sales", "Cost of sales", "Gross profit", "Selling, general and administrative expenses", "Research and development",
         "Depreciation and amortisation", "Operating income", "Interest expense", "Other income, net", "Income before taxes",
         "Provision for income taxes", "Net income", "Basic earnings per share", "Diluted earnings per share", "Cash and cash equivalents",
         "Trade receivables", "Inventories", "Prepaid expenses and other current assets", "Total current assets",
         "Property, plant and equipment, net", "Goodwill", "Intangible assets", "Deferred tax assets", "Total assets", "Trade payables",
         "Accrued liabilities", "Current portion of long-term debt", "Long-term debt", "Lease liabilities", "Total liabilities",
         "Share capital", "Retained earnings", "Treasury shares", "Total equity", "Net cash from operating activities",
         "Capital expenditure", "Acquisitions, net of cash", "Dividends paid", "Proceeds from borrowings", "Free cash flow",
         "Europe", "North America", "Asia Pacific", "Rest of world", "Services", "Products", "Licensing", "Headcount", "Return on equity",
         "Net interest margin", "Tier 1 ratio", "Loans and advances", "Customer deposits", "Loan loss provisions", "Store count"]
TOPICS = ["Revenue growth by region", "Five-year summary", "Operating margin", "Total shareholder return", "Capital structure",
          "Greenhouse gas emissions", "Order intake and backlog", "Liquidity and funding", "Net debt to EBITDA", "Cash conversion",
          "Customer satisfaction", "Workforce by function", "Segment results", "Dividend history", "Interest rate sensitivity",
          "Production volumes", "Store openings", "Risk appetite", "Pension assets by class", "Fair value hierarchy"]
HEADS = ["Our strategy", "Business review", "Financial review", "Outlook", "Market conditions", "Risk management", "Our people",
         "Sustainability", "Governance", "Capital allocation", "Segment performance", "Innovation", "Customers", "Supply chain",
         "Key performance indicators", "Dividend", "Balance sheet", "Cash flow", "Significant accounting policies", "Subsequent events",
         "Chief Executive's review", "Chairman's statement", "At a glance", "Five-year record", "Principal risks", "Going concern",
         "Revenue recognition", "Financial instruments", "Share-based payments", "Taxation", "Related parties", "Operating segments"]
FORMULAS = [
    ("ROE", "Net income", "Average shareholders' equity"), ("EPS", "Net income attributable to owners", "Weighted average shares"),
    ("Leverage", "Net debt", "Adjusted EBITDA"), ("CET1", "Common equity tier 1 capital", "Risk-weighted assets"),
    ("ROIC", "NOPAT", "Invested capital"), ("DSO", "Receivables × 365", "Revenue"), ("Payout", "Dividends", "Net income"),
]
SYMBOLIC = [
    "<i>V</i> = Σ<sub><i>t</i>=1..<i>n</i></sub> <i>CF<sub>t</sub></i> / (1 + <i>r</i>)<sup><i>t</i></sup>",
    "<i>E</i>(<i>R<sub>i</sub></i>) = <i>R<sub>f</sub></i> + β<sub><i>i</i></sub>(<i>E</i>(<i>R<sub>m</sub></i>) − <i>R<sub>f</sub></i>)",
    "WACC = <i>E</i>/<i>V</i> × <i>R<sub>e</sub></i> + <i>D</i>/<i>V</i> × <i>R<sub>d</sub></i> × (1 − <i>T</i>)",
    "ECL = PD × LGD × EAD × <i>d</i>", "<i>C</i> = <i>S</i> N(<i>d</i><sub>1</sub>) − <i>K</i> e<sup>−<i>rT</i></sup> N(<i>d</i><sub>2</sub>)",
    "<i>d</i><sub>1</sub> = [ln(<i>S</i>/<i>K</i>) + (<i>r</i> + σ<sup>2</sup>/2)<i>T</i>] / (σ√<i>T</i>)",
    "VaR<sub>99%</sub> = μ + 2.326 σ √<i>h</i>", "Δ<i>EVE</i> = Σ<sub><i>k</i></sub> <i>w<sub>k</sub></i> · <i>D<sub>k</sub></i> · Δ<i>y<sub>k</sub></i>",
]


def bank(split: str) -> dict[str, list[str]]:
    """Texts of filings on one side of the split, by label; read once, kept on disk."""
    side = "train" if split == "train" else "validation"
    path = WORK / f"bank-{side}.json"
    if path.exists():
        return json.loads(path.read_text())
    import filings
    out: dict[str, list[str]] = {"Text": [], "List-item": [], "Footnote": [], "Section-header": []}
    limits = {"Text": (18, 140), "List-item": (5, 60), "Footnote": (6, 60), "Section-header": (1, 9)}
    for source in sorted(FILINGS.glob("*.html")):
        if source.stem in UNUSABLE or split_of(source.stem) != side:
            continue
        per: dict[str, list[str]] = {name: [] for name in out}
        for block in filings.read(source)[2].blocks:
            if block.label in out and block.kind == "text" and limits[block.label][0] <= block.words <= limits[block.label][1]:
                per[block.label].append(block.text.lstrip("•●■·–—-*() 0123456789"))
        rng = rng_for("bank", source.stem)
        for name, texts in per.items():
            out[name] += rng.sample(texts, min(len(texts), 150))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(out))
    return out


class Maker:
    """Makes marked elements; every element is a block with a code of its own."""

    def __init__(self, rng: random.Random, codes: Codes, texts: dict[str, list[str]]) -> None:
        self.rng, self.codes, self.texts, self.number = rng, codes, texts, 0
        self.company = rng.choice(COMPANIES)
        self.year = rng.randint(2009, 2025)
        self.tables = self.figures = self.formulas = 0
        self.caption_word = rng.choice(["Figure", "Fig.", "Chart", "Exhibit", "Figure"])
        self.caption_above = rng.random() < 0.4
        self.caption_end = rng.choice([":", ".", " –", ""])
        self.numbered = rng.random() < 0.3
        self.section = 0

    def tag(self, label: str, content: str, css: str = "p", element: str = "div", extra: str = "") -> str:
        self.number += 1
        return f'<{element} class="{css}" {self.codes.attribute(self.number, label)} {extra}>{content}</{element}>'

    def head(self, level: int | None = None) -> str:
        level = level or self.rng.choice([1, 2, 2, 3])
        text = self.rng.choice(HEADS) if self.rng.random() < 0.6 else self.rng.choice(self.texts["Section-header"])
        if level == 1:
            self.section += 1
        if self.numbered and level < 3:
            text = f"{self.section}{f'.{self.rng.randint(1, 9)}' if level == 2 else '.'} {text}"
        return self.tag("Section-header", escape(text), f"sh{level}")

    def paragraph(self, css: str = "p") -> str:
        text = escape(self.rng.choice(self.texts["Text"]))
        if self.rng.random() < 0.08:
            cut = text.find(" ", 15)
            text = f"<b>{text[:cut]}.</b> {text[cut:]}"
        return self.tag("Text", text, css)

    def items(self) -> str:
        mark = self.rng.choice(["•", "•", "–", "■", "num", "(a)", "▪", "✓"])
        out = []
        for index in range(self.rng.randint(2, 6)):
            shown = {"num": f"{index + 1}.", "(a)": f"({'abcdefgh'[index]})"}.get(mark, mark)
            out.append(self.tag("List-item", f"<span class=mk>{shown}</span>{escape(self.rng.choice(self.texts['List-item'] or self.texts['Text']))}", "li"))
        return "".join(out)

    def figure_value(self) -> str:
        kind = self.rng.random()
        if kind < 0.5:
            text = f"{self.rng.randint(1, 9) * 10 ** self.rng.randint(1, 5) + self.rng.randint(0, 999):,}"
        elif kind < 0.75:
            text = f"{self.rng.uniform(0, 99):.1f}"
        elif kind < 0.9:
            return f"{self.rng.uniform(-30, 60):.1f}%"
        else:
            return self.rng.choice(["—", "-", "n/a", "n.m."])
        return f"({text})" if self.rng.random() < 0.2 else text

    def table(self, narrow: bool) -> str:
        rng = self.rng
        columns = rng.randint(1, 3) if narrow else rng.randint(2, 6)
        rows = rng.sample(ITEMS, rng.randint(4, 14))
        years = [str(self.year - i) for i in range(columns)]
        heads = rng.choice([years, [f"FY{y[2:]}" for y in years], [f"31 Dec {y}" for y in years], (["Change", "Q4", "Q3", "Q2", "Q1", "Total"])[:columns]])
        unit = rng.choice(["", "$ million", "EUR m", "(in thousands)", "%", "(dollars in millions)"])
        body = [f"<tr class=h><td>{unit}</td>" + "".join(f"<td class=n>{h}</td>" for h in heads) + "</tr>"]
        for row in rows:
            total = row.startswith(("Total", "Net ", "Gross", "Operating")) and rng.random() < 0.7
            body.append(f"<tr><td{' class=b' if total else ''}>{escape(row)}</td>" +
                        "".join(f"<td class='n{' b' if total else ''}{' u' if total else ''}'>{self.figure_value()}</td>" for _ in heads) + "</tr>")
        table = self.tag("Table", "".join(body), f"tab{' wide' if not narrow and columns > 4 else ''}", "table")
        out = [table]
        if rng.random() < 0.55:
            self.tables += 1
            caption = self.tag("Caption", f"{rng.choice(['Table', 'Table', 'TABLE'])} {self.tables}{self.caption_end} {rng.choice(TOPICS)}"
                               f"{rng.choice(['', f', {self.year}', ' (in millions)'])}", "cap")
            out = [caption, table] if rng.random() < 0.8 else [table, caption]
        if rng.random() < 0.3:
            for index in range(rng.randint(1, 3)):
                out.append(self.tag("Footnote", f"<sup>{rng.choice([str(index + 1), '(' + str(index + 1) + ')', 'abc'[index], '*' * (index + 1)])}</sup> "
                                    f"{escape(rng.choice(self.texts['Footnote'] or self.texts['List-item']))}", "fn"))
        return "".join(out)

    def picture(self, width: float) -> str:
        rng = self.rng
        svg = svg_chart(rng, width, width * rng.uniform(0.45, 0.75))
        self.number += 1
        svg = svg.replace("<svg ", f'<svg {self.codes.attribute(self.number, "Picture")} ', 1)
        self.figures += 1
        source = rng.choice(["", "", " Source: company data.", f" Index, {self.year - 5} = 100.", f" {self.year - 4} to {self.year}."])
        if rng.random() < 0.8:
            caption = self.tag("Caption", f"{self.caption_word} {self.figures}{self.caption_end} {rng.choice(TOPICS)}.{source}", "cap")
        else:
            caption = self.tag("Caption", f"{rng.choice(TOPICS)}{source}", "cap") if rng.random() < 0.5 else ""
        return f'<div class="fig">{caption + svg if self.caption_above else svg + caption}</div>'

    def formula(self) -> str:
        rng = self.rng
        self.formulas += 1
        if rng.random() < 0.5:
            name, top, bottom = rng.choice(FORMULAS)
            body = (f"<math><mi>{name}</mi><mo>=</mo><mfrac><mtext>{escape(top)}</mtext><mtext>{escape(bottom)}</mtext></mfrac>"
                    f"{rng.choice(['', '<mo>×</mo><mn>100</mn>'])}</math>")
        else:
            body = rng.choice(SYMBOLIC)
        number = f' <span style="padding-left:40px">({rng.choice([str(self.formulas), f"{self.section}.{self.formulas}"])})</span>' if rng.random() < 0.5 else ""
        where = ""
        if rng.random() < 0.6:
            where = self.tag("Text", rng.choice(["where all amounts are taken from the consolidated statements.",
                                                 "where r denotes the discount rate and T the remaining term in years.",
                                                 "We use this measure to compare periods and segments.",
                                                 "in which the inputs are those of the balance sheet date."]))
        lead = self.tag("Text", rng.choice(["The ratio is computed as follows:", "The fair value is estimated with the model", "We define",
                                            "Management measures performance by", "The expected credit loss is"])) if rng.random() < 0.7 else ""
        return lead + self.tag("Formula", body + number, "formula") + where

    def notes(self) -> str:
        return '<div class="fnrule"></div>' + "".join(
            self.tag("Footnote", f"<sup>{index + 1}</sup> {escape(self.rng.choice(self.texts['Footnote'] or self.texts['List-item']))}", "fn")
            for index in range(self.rng.randint(1, 4)))

    def contents(self) -> str:
        rows = "".join(f"<tr><td>{escape(self.rng.choice(HEADS))}</td><td class=n>{page}</td></tr>"
                       for page in sorted(self.rng.sample(range(2, 160), self.rng.randint(7, 22))))
        return self.tag("Section-header", self.rng.choice(["Contents", "Table of contents", "In this report"]), "sh1") + self.tag("Table", rows, "tab", "table")

    def title_page(self) -> str:
        rng = self.rng
        title = rng.choice([f"Annual Report {self.year}", f"{self.company}", f"Annual Report and Accounts {self.year}",
                            f"Half-year report {self.year}", f"{self.year} Annual Review", "Consolidated Financial Statements"])
        out = [f'<div style="height:{rng.uniform(0, 260):.0f}pt"></div>', self.tag("Title", escape(title), "title")]
        if title != self.company and rng.random() < 0.8:
            line = self.tag(*(("Title", escape(self.company), "title") if rng.random() < 0.4 else ("Text", escape(self.company), "p")))
            out.insert(rng.choice([1, 2]), line)
        for line in rng.sample(["For the year ended 31 December " + str(self.year), "Building for the long term", "Audited", "Registered in England No. 0451288",
                                "Delivering on our strategy", "www.investors.example"], rng.randint(0, 3)):
            out.append(self.tag("Text", line, "p form"))
        return "".join(out)


def report(family: str, job: str):
    """Marked HTML and codes of one synthetic report."""
    rng = rng_for("synthetic", job)
    split = "train" if "-train." in job else "validation"
    codes = Codes(rng)
    maker = Maker(rng, codes, bank(split))
    columns = {"letter": 1, "glossy": rng.choice([2, 3]), "report": rng.choice([1, 1, 2]), "figures": rng.choice([1, 2]), "notes": rng.choice([1, 2]),
               "release": 1, "research": rng.choice([1, 2]), "magazine": 3, "paper": 2}[family]
    sheet = styles.draw(rng, codes, maker.company + rng.choice(["", " Annual Report", f" | {maker.year}"]), maker.company.split()[0], True, columns)
    weights = {
        "letter": dict(p=10, head=1.2, items=1, table=0.3, picture=0.2, quote=0.6),
        "glossy": dict(p=6, head=2.5, items=1.2, table=1, picture=1.4, quote=1),
        "report": dict(p=6, head=2.2, items=1.5, table=1.5, picture=0.7, formula=0.4),
        "figures": dict(p=4, head=1.5, items=0.5, table=1, picture=3),
        "notes": dict(p=5, head=2, items=1, table=2, formula=1.2),
        "release": dict(p=6, head=1.2, items=2, table=1.2),
        "research": dict(p=5, head=1.8, items=0.8, table=0.8, picture=1, formula=2),
        "magazine": dict(p=6, head=2, items=1, table=0.8, picture=1.2, quote=1.2),
        "paper": dict(p=6, head=1.5, items=0.6, table=1, picture=0.8, formula=1.6),
    }[family]
    css = sheet.css + (f".quote{{font-size:{sheet.size * 1.35:.1f}pt;color:{sheet.accent};font-style:italic;margin:10pt 6pt;line-height:1.25;text-indent:0}}"
                       f".box{{background:{rng.choice(['#eef3f8', '#f4f1ea', '#eeeeee'])};padding:8pt;margin:8pt 0;{'border-left:3pt solid ' + sheet.accent if rng.random() < .5 else ''}}}"
                       ".page{break-after:page;display:flex;flex-direction:column}.page>.foot{margin-top:auto}")
    body = []
    if family == "magazine":
        css += f"body{{font-family:Caladea}}.sh1{{font-family:'DejaVu Sans';text-transform:lowercase;letter-spacing:1pt;color:{sheet.accent};font-weight:400;font-size:19pt}}.sh2{{border-top:2pt solid {sheet.accent};padding-top:3pt}}"
    if family == "paper":
        css += "body{font-family:'DejaVu Serif';font-size:8.4pt}.sh1,.sh2{font-variant:small-caps;text-align:center;font-weight:400;font-size:10pt}.title{font-size:18pt;text-align:center;font-weight:400}.cap{font-size:7.4pt;text-align:justify}"
        body += [maker.tag("Title", escape(rng.choice(TOPICS) + ": evidence from " + maker.company), "title"), maker.tag("Text", "Working group on reporting, " + str(maker.year), "p form")]
    if family in ("glossy", "report", "magazine") or (family != "paper" and rng.random() < 0.5):
        body.append(f'<div style="break-after:page">{maker.title_page()}</div>')
        if rng.random() < 0.5:
            body.append(f'<div style="break-after:page">{maker.contents()}</div>')
    if family == "release":
        body += [maker.tag("Title", escape(f"{maker.company} reports {rng.choice(['first', 'second', 'third', 'fourth'])} quarter results"), "title")]
    if family == "letter":
        body += [maker.tag("Title" if rng.random() < 0.5 else "Section-header", rng.choice(["Letter to shareholders", "Dear fellow shareholders", "A message from our Chairman"]), "title"),
                 maker.tag("Text", rng.choice(["Dear Shareholders,", "To our shareholders:", "Dear friends and partners,"]))]
    width = (sheet.width - (columns - 1) * 24) / columns

    def part(kind: str) -> str:
        if kind == "p":
            return maker.paragraph()
        if kind == "quote":
            return maker.tag("Text", "“" + escape(rng.choice(maker.texts["Text"])[:160]) + "”", "quote")
        if kind == "table":
            return maker.table(columns > 1)
        if kind == "picture":
            return maker.picture(width * rng.uniform(0.7, 1.0))
        if kind == "items":
            return maker.items()
        return maker.head() if kind == "head" else maker.formula()

    for _ in range(rng.randint(3, 6)):
        words, out = 0, [maker.head(1)] if rng.random() < 0.6 else []
        budget = rng.randint(120, 380) * (1.3 if sheet.size < 9 else 1) * (sheet.page[1] - 150) / 620
        previous = "head"
        while words < budget:
            kind = rng.choices(list(weights), list(weights.values()))[0]
            if kind == previous and kind in ("head", "picture", "table", "formula"):
                continue
            previous = kind
            piece = part(kind)
            if kind == "p" and rng.random() < 0.06:
                piece = f'<div class="box">{maker.head(3)}{piece}</div>'
            out.append(piece)
            words += {"picture": 130, "table": 120, "head": 12, "formula": 50}.get(kind, len(piece.split()))
        foot = maker.notes() if family in ("notes", "paper", "research", "report") and rng.random() < 0.6 or rng.random() < 0.1 else ""
        if rng.random() < 0.65 or foot:
            height = sheet.page[1] - 190
            body.append(f'<div class="page" style="min-height:{height:.0f}pt"><div class="flow">{"".join(out)}</div><div class="foot">{foot}</div></div>')
        else:
            body.append(f'<div class="flow">{"".join(out)}</div>')
    if family == "letter":
        body += [maker.tag("Text", "Sincerely,"), maker.tag("Text", rng.choice(["Anna Lindqvist<br>Chair of the Board", "R. J. Calder<br>Chief Executive Officer"]))]
    html = (f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(job)}</title><style>{css}</style></head>'
            f'<body>{"".join(body)}{SCRIPT}</body></html>')
    return html, codes
