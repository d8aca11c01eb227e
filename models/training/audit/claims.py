"""Finds the totals that a filing with inline XBRL claims, and where they are printed.

    python claims.py filing.html filing.pdf filing.claims.jsonl

Tables are read from the HTML (rows, grid columns, rules drawn above cells), amounts from the tagged facts, so that
nothing here depends on docproc's own reading of the printed page. A row is taken to claim a total when its label or a
rule above its numbers says so and when a run of the rows above it, subtotals counted once, gives its printed numbers in
every column that it fills. The numbers are then found in the PDF (poppler's pdftotext), word by word in the order of
the text. Only standard library.
"""

from __future__ import annotations

import html.parser
import itertools
import json
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
TOTAL = re.compile(
    r"\btotal\b|^net\b|^(basic|diluted) net|\bnet\s*$|^gross (profit|margin)|^(operating|consolidated) |"
    r"^(income|earnings|loss|profit|\(?loss\)?|income \(loss\)).*(before|from|operations)|balance|"
    r"\bend of|^cash (provided|used|flows)|comprehensive (income|loss)|\bat (end|january|february|march|april|may|june|july|august|september|october|november|december)",
    re.I)
DEDUCTION = re.compile(
    r"cost|expens|tax|loss|depreciation|amortization|charge|impairment|payment|repayment|purchase|dividend|interest|"
    r"less|deduct|allowance|provision|noncontrolling", re.I)
MOST_ROWS = 45


@dataclass
class Number:
    text: str
    value: float
    unit: float
    order: int                      # index among all numbers of the document
    concept: str = ""
    dollars: bool = False           # an amount that may be added up
    rule: bool = False


@dataclass
class Row:
    label: str = ""
    numbers: dict[int, Number] = field(default_factory=dict)     # by the grid column of the cell's right edge
    rule: bool = False
    nil: set[int] = field(default_factory=set)


class Filing(html.parser.HTMLParser):
    """Tables of an inline XBRL document as rows of numbers; every number of the text in order."""

    VOID = {"br", "hr", "img", "meta", "link", "input", "col"}

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[list[Row]] = []
        self.all: list[str] = []
        self.table: list[Row] | None = None
        self.cell: dict | None = None
        self.fact: dict | None = None
        self.column = 0
        self.hidden = 0
        self.depth = 0

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag in ("ix:header", "head", "script", "style"):
            self.hidden += 1
        if tag == "table":
            self.flush()
            self.depth += 1
            self.table = []
        elif tag == "tr" and self.table is not None:
            self.table.append(Row())
            self.column = 0
        elif tag in ("td", "th") and self.table:
            style = attributes.get("style") or ""
            top = re.search(r"border-top:\s*([\d.]+)pt (?!none)", style)
            self.cell = {"span": int(attributes.get("colspan") or 1), "text": "", "facts": [], "rule": bool(top and float(top[1]) > 0)}
            if "display:none" in style.replace(" ", ""):
                self.cell["span"] = 0
        elif tag == "ix:nonfraction":
            self.fact = {"name": attributes.get("name", ""), "unit": attributes.get("unitref", ""),
                         "decimals": attributes.get("decimals"), "scale": attributes.get("scale"), "text": ""}
        elif tag == "sup" and self.cell is not None:
            self.cell["sup"] = True

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if tag in ("ix:header", "head", "script", "style"):
            self.hidden -= 1
        elif tag == "table":
            self.flush()
            self.depth -= 1
            if self.table:
                self.tables.append(self.table)
            self.table = None
        elif tag in ("td", "th") and self.cell is not None and self.table:
            self.end_cell()
        elif tag == "ix:nonfraction" and self.fact is not None:
            if self.cell is not None:
                self.cell["facts"].append(self.fact)
            self.fact = None

    def handle_data(self, data):
        if self.hidden > 0:
            return
        if self.fact is not None:
            self.fact["text"] += data
        if self.cell is not None:
            self.cell["text"] += data
        else:
            self.text = getattr(self, "text", "") + data

    def flush(self):
        """Numbers of the running text so far."""
        self.all.extend(NUMBER.findall(getattr(self, "text", "")))
        self.text = ""

    def end_cell(self):
        cell, row = self.cell, self.table[-1]
        self.cell = None
        text = " ".join(cell["text"].split())
        found = NUMBER.findall(text)
        order = len(self.all)
        self.all.extend(found)
        self.column += cell["span"]
        right = self.column
        if len(cell["facts"]) == 1:
            fact = cell["facts"][0]
            printed = "".join(fact["text"].split())
            if printed in ("—", "–", "-", "— "):
                row.nil.add(right)
            match = NUMBER.search(printed)
            if match and match[0] in found:
                before = text[:text.index(match[0])]
                decimals = len(match[0].partition(".")[2])
                value = float(match[0].replace(",", "")) * (-1 if "(" in before or before.strip(" $").endswith("-") else 1)
                unit = fact["unit"].lower()
                row.numbers[right] = Number(
                    match[0], value, 10.0 ** -decimals, order + found.index(match[0]), fact["name"].split(":")[-1],
                    "share" not in unit.replace("shares", "") and "pure" not in unit and not re.search(r"per.?share", unit),
                    cell["rule"])
        elif not cell["facts"] and text and not row.numbers and re.search(r"[A-Za-z]", text):
            row.label = (row.label + " " + text).strip()


def rows_of(table: list[Row]) -> list[Row]:
    return [row for row in table if row.label or row.numbers]


def holds(total: Number, terms: list[tuple[int, Number]]) -> bool:
    sum_ = sum(sign * number.value for sign, number in terms)
    # A unit of rounding for every four terms; more is not honest rounding in a filing whose facts are whole units.
    return abs(sum_ - total.value) <= total.unit * (0.01 + len(terms) // 4 * (len(terms) > 3))


def signs_of(parts: list[Row]) -> list[list[int]]:
    """Choices of signs worth trying: all added, deductions by their concept, one at a time, all for few rows."""
    count = len(parts)
    choices = [[1] * count]
    by_name = [-1 if DEDUCTION.search(next(iter(part.numbers.values())).concept) and index else 1
               for index, part in enumerate(parts)]
    choices.append(by_name)
    choices.append([1] + [-1] * (count - 1))
    if count <= 5:
        choices.extend([1, *signs] for signs in itertools.product((1, -1), repeat=count - 1))
    else:
        for one in range(1, count):
            choices.append([-1 if index == one else 1 for index in range(count)])
    return choices


def claims_of(table: list[Row]) -> list[dict]:
    rows = rows_of(table)
    open_rows: list[int] = []
    found = []
    for index, row in enumerate(rows):
        if not row.numbers:
            continue
        if not all(number.dollars for number in row.numbers.values()):
            continue
        said = bool(TOTAL.search(row.label))
        ruled = any(number.rule for number in row.numbers.values())
        best = None
        for start in range(len(open_rows) - 2, max(-1, len(open_rows) - MOST_ROWS), -1):
            parts = [rows[open_] for open_ in open_rows[start:]]
            for tried, signs in enumerate(signs_of(parts)):
                verdicts, filled, bits = [], 0, 0.0
                for column, total in row.numbers.items():
                    terms = [(sign, part.numbers[column]) for sign, part in zip(signs, parts) if column in part.numbers]
                    if not terms:
                        continue
                    verdicts.append(holds(total, terms))
                    filled = max(filled, len(terms))
                    if len(terms) > 1:
                        bits += min(20.0, len(f"{abs(total.value) / total.unit:.0f}") * 3.3)
                if not verdicts or not all(verdicts) or filled < 2:
                    continue
                plus = all(sign > 0 for sign in signs)
                needed = 8 if said and plus else 12 if (said or ruled) else 30
                score = bits - (0 if plus else 4) - (0 if tried < 2 else 3)
                if score >= needed and (best is None or len(parts) < len(best[1])):
                    best = (start, parts, signs)
            if best:
                break
        if best and (said or ruled):
            start, parts, signs = best
            for column, total in row.numbers.items():
                terms = [(sign, part, part.numbers[column]) for sign, part in zip(signs, parts) if column in part.numbers]
                if sum(number.value != 0 for _, _, number in terms) > 1:
                    found.append({"result": (row, total), "terms": terms})
            del open_rows[start:]
        open_rows.append(index)
    return found


def words_of(pdf: Path) -> list[tuple[str, int, list[float]]]:
    """Numbers of the PDF in the order of the text: digits, page, box of the word in points."""
    text = subprocess.run(["pdftotext", "-raw", "-bbox", str(pdf), "-"], check=True, capture_output=True).stdout.decode()
    numbers, page = [], 0
    for line in text.splitlines():
        if "<page " in line:
            page += 1
        match = re.search(r'xMin="([\d.-]+)" yMin="([\d.-]+)" xMax="([\d.-]+)" yMax="([\d.-]+)">(.*)</word>', line)
        if match:
            box = [round(float(match[place]), 2) for place in range(1, 5)]
            numbers.extend((digits, page, box) for digits in NUMBER.findall(match[5]))
    return numbers


def align(first: list[str], second: list[str]) -> dict[int, int]:
    """Index in `first` to index in `second` of two nearly equal sequences."""
    pairs, a, b = {}, 0, 0
    while a < len(first) and b < len(second):
        if first[a] == second[b]:
            pairs[a] = b
            a, b = a + 1, b + 1
            continue
        best = None
        for total in range(1, 400):
            for skip in range(total + 1):
                i, j = a + skip, b + total - skip
                if first[i:i + 4] == second[j:j + 4] and len(first[i:i + 4]) == 4:
                    best = (i, j)
                    break
            if best:
                break
        if best is None:
            a += 1
            continue
        a, b = best
    return pairs


def main() -> None:
    source, pdf, target = map(Path, sys.argv[1:4])
    filing = Filing()
    filing.feed(source.read_text(errors="replace"))
    filing.flush()
    printed = words_of(pdf)
    pairs = align(filing.all, [digits for digits, _, _ in printed])
    lines, lost = [], 0
    for table in filing.tables:
        for claim in claims_of(table):
            row, total = claim["result"]
            numbers = [(sign, part.label, number) for sign, part, number in claim["terms"]] + [(1, row.label, total)]
            if any(number.order not in pairs for _, _, number in numbers):
                lost += 1
                continue
            places = [printed[pairs[number.order]] for _, _, number in numbers]
            entries = [{"text": number.text, "page": page, "box": box, "factor": sign, "value": number.value,
                        "label": label, "concept": number.concept}
                       for (sign, label, number), (_, page, box) in zip(numbers, places)]
            lines.append(json.dumps({"terms": entries[:-1], "result": entries[-1]}, ensure_ascii=False))
    target.write_text("".join(line + "\n" for line in lines))
    print(f"{source.stem}: {len(lines)} claims, {lost} not found in print, "
          f"{len(pairs)} of {len(filing.all)} numbers aligned", file=sys.stderr)


if __name__ == "__main__":
    main()
