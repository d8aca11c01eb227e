"""Prints filings with inline XBRL and writes what each tagged figure says, and where it stands.

Per filing one PDF (headless Chromium) and one line of JSON: the truth of `docproc eval figures`. Positions are certain:
every tagged figure gets a code in the four low bits of its text colour (`../layout/marking.py`), all other text has the
code 0, and the glyphs of the printed page give code, text and box. A fact counts only if the glyphs of its code, on one
page, spell exactly what the tag holds; what is dropped for that is counted and printed. A PDF that is there already is not printed again: its codes are the same in every run.

Signs are those that are printed (parentheses or a minus at the number), because a reader of the page has no other: a
payment tagged as 512 and printed "(512)" is -512 here. `xbrl_sign` keeps the tag's own.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import re
import sys
import tempfile
from collections import Counter, defaultdict
from decimal import Decimal, InvalidOperation
from pathlib import Path

import pypdfium2
import pypdfium2.raw as pdfium
from lxml import html

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "layout"))
from common import FILINGS, company_of, split_of  # noqa: E402
from filings import load  # noqa: E402
from marking import SCRIPT  # noqa: E402
from printer import print_pdf  # noqa: E402

CODES = 4095
# A face statement is told by the concepts that only it has together; tables of notes and prose are the rest.
STATEMENTS = {
    "balance_sheet": [{"Assets"}, {"LiabilitiesAndStockholdersEquity"}],
    "income_statement": [{"NetIncomeLoss", "ProfitLoss", "NetIncomeLossAvailableToCommonStockholdersBasic"},
                         {"EarningsPerShareBasic", "EarningsPerShareDiluted", "EarningsPerShareBasicAndDiluted"},
                         {"IncomeTaxExpenseBenefit", "OperatingIncomeLoss", "OperatingExpenses", "CostsAndExpenses"}],
    "comprehensive_income": [{"ComprehensiveIncomeNetOfTax", "ComprehensiveIncomeNetOfTaxIncludingPortionAttributableToNoncontrollingInterest"},
                             {"OtherComprehensiveIncomeLossNetOfTax", "OtherComprehensiveIncomeLossNetOfTaxPortionAttributableToParent"}],
    "cash_flow": [{"NetCashProvidedByUsedInOperatingActivities", "NetCashProvidedByUsedInOperatingActivitiesContinuingOperations"},
                  {"NetCashProvidedByUsedInFinancingActivities", "NetCashProvidedByUsedInFinancingActivitiesContinuingOperations",
                   "NetCashProvidedByUsedInInvestingActivities"}],
    "equity": [{"StockholdersEquity", "StockholdersEquityIncludingPortionAttributableToNoncontrollingInterest"},
               {"NetIncomeLoss", "ProfitLoss"}],
}
DASHES = set("-–—−‒―")


def raw_tree(path: Path):
    raw = re.sub(rb"^\s*<\?xml[^>]*\?>", b"", path.read_bytes())
    return html.document_fromstring(raw, parser=html.HTMLParser(encoding="utf-8", huge_tree=True))


def local(tag) -> str:
    return tag.rsplit(":", 1)[-1] if isinstance(tag, str) else ""


def contexts_and_units(root):
    """Period and dimensions of every context, measure of every unit."""
    contexts, units = {}, {}
    for element in root.iter():
        if local(element.tag) == "context":
            texts = {local(child.tag): (child.text or "").strip() for child in element.iterdescendants()}
            period = texts.get("instant") or "/".join(filter(None, [texts.get("startdate"), texts.get("enddate")]))
            contexts[element.get("id")] = period
        elif local(element.tag) == "unit":
            measures = {}
            for child in element.iterdescendants():
                if local(child.tag) == "measure":
                    part = local(child.getparent().tag)
                    measures.setdefault(part, []).append(local((child.text or "").strip()))
            top = "*".join(measures.get("unitnumerator", measures.get("unit", [])))
            bottom = "*".join(measures.get("unitdenominator", []))
            units[element.get("id")] = f"{top}/{bottom}" if bottom else top
    return contexts, units


def clean(text: str) -> str:
    return re.sub(r"\s+", "", text.replace("\u200b", "").replace("\xa0", ""))


def number(text: str, form: str) -> Decimal | None:
    """The printed magnitude under the tag's transformation; None for words and what no number is printed for."""
    form = local(form).lower()
    text = clean(text)
    if form in ("fixed-zero", "zerodash", "fixedzero", "numdash"):
        return Decimal(0) if text and set(text) <= DASHES else None
    if "word" in form:
        return None
    if "comma" in form and "decimal" in form.replace("-", "") and "dot" not in form:
        text = text.replace(".", "").replace(",", ".")
    try:
        return Decimal(text.replace(",", ""))
    except InvalidOperation:
        return None


def mark(body) -> list[dict]:
    """Gives every tagged figure its code and notes what its tag says."""
    tags = [e for e in body.iter() if isinstance(e.tag, str) and e.tag == "ix:nonfraction"
            and not any(a.tag == "ix:nonfraction" for a in e.iterancestors())]
    facts, tables, numbers = [], defaultdict(list), []
    body.set("data-c", "000")
    for element in tags[:CODES]:
        element.set("data-c", f"{len(facts) + 1:03x}")
        table = next((a for a in element.iterancestors("table")), None)
        fact = {"element": element, "table": table, "concept": local(element.get("name", ""))}
        facts.append(fact)
        if table is not None:
            tables[table].append(fact)
    if len(tags) > CODES:
        print(f"  {len(tags) - CODES} figures beyond the {CODES}th are left out")
    for members in tables.values():
        concepts = {fact["concept"] for fact in members}
        kind = next((name for name, needs in STATEMENTS.items() if all(concepts & need for need in needs)), None)
        enough = len(members) >= (12 if kind != "comprehensive_income" else 6)
        for fact in members:
            fact["statement"] = kind if enough else None
            fact["number"] = len(numbers)
        numbers.append(members)
    return facts


UNITS_LINE = re.compile(
    r"\(?\s*(?:(?:all|tabular|dollar|dollars|amounts|u\.?s\.?|expressed|stated|are|and)[\s,]*)*"
    r"\bin\s+(?P<scale>thousands|millions|billions)\b[^()]{0,80}\)?\s*", re.I)


def restyle(body) -> str | None:
    """Takes the units lines off the tables and states the unit once, where the first of them stood.

    Only lines of the filing's usual scale are taken away: an exception keeps its own. The sentence is what reports of other
    houses print at the beginning of their statements. None where lines of units are too few to speak for the filing.
    """
    places = []
    for element in body.iter():
        if not isinstance(element.tag, str) or element.tag in ("script", "style"):
            continue
        for part in ("text", "tail"):
            text = re.sub(r"\s+", " ", getattr(element, part) or "").strip()
            line = UNITS_LINE.fullmatch(text)
            if line and len(text) < 110:
                places.append((element, part, line["scale"].lower(), text))
    scales = Counter(scale for _, _, scale, _ in places)
    if not places or scales.most_common(1)[0][1] < 5:
        return None
    scale = scales.most_common(1)[0][0]
    usual = [place for place in places if place[2] == scale]
    first = usual[0][0]
    for element, part, _, _ in usual:
        setattr(element, part, "")
    while first.getparent() is not body and first.getparent() is not None:
        first = first.getparent()
    statement = f"Unless otherwise stated, all amounts in this report are in {scale} of dollars, except per share amounts."
    sentence = html.fragment_fromstring(f'<p style="font-size:10pt;font-family:serif">{statement}</p>')
    sentence.set("data-c", "000")
    first.addprevious(sentence)
    return f"{len(usual)} units lines in {scale} taken away, {len(places) - len(usual)} others left"


def glyphs_of(pdf_path: Path):
    """Per code and page: text, box, and the characters before and after; with the pages' sizes."""
    runs: dict[int, dict[int, dict]] = defaultdict(dict)
    document = pypdfium2.PdfDocument(pdf_path)
    for index in range(len(document)):
        page = document[index]
        height = page.get_height()
        text_page = page.get_textpage()
        handle = text_page.raw
        count = pdfium.FPDFText_CountChars(handle)
        characters = [chr(pdfium.FPDFText_GetUnicode(handle, at)) for at in range(count)]
        r, g, b, a = (ctypes.c_uint() for _ in range(4))
        left, right, bottom, top = (ctypes.c_double() for _ in range(4))
        for at, character in enumerate(characters):
            if character.isspace() or pdfium.FPDFText_IsGenerated(handle, at) == 1:
                continue
            if not pdfium.FPDFText_GetFillColor(handle, at, r, g, b, a):
                continue
            code = (r.value & 15) << 8 | (g.value & 15) << 4 | (b.value & 15)
            if code == 0:
                continue
            pdfium.FPDFText_GetCharBox(handle, at, left, right, bottom, top)
            box = [left.value, height - top.value, right.value, height - bottom.value]
            run = runs[code].get(index + 1)
            if run is None:
                run = runs[code][index + 1] = {"text": "", "box": box, "first": at, "last": at}
            run["text"] += "-" if character in "\x02\ufffe" else character
            run["last"] = at
            run["box"] = [min(run["box"][0], box[0]), min(run["box"][1], box[1]),
                          max(run["box"][2], box[2]), max(run["box"][3], box[3])]
        for pages in runs.values():
            run = pages.get(index + 1)
            if run is not None and "before" not in run:
                before = "".join(characters[max(0, run["first"] - 8):run["first"]])
                run["before"] = clean(before)
                # A dash with a blank behind it is the zero of the cell before, no sign.
                run["apart"] = before[-1:].isspace()
                run["after"] = clean("".join(characters[run["last"] + 1:run["last"] + 9]))
        page.close()
    pages = len(document)
    document.close()
    return runs, pages


def printed_sign(run: dict, in_table: bool) -> int:
    before = run["before"].rstrip("$€£¥")
    after = run["after"].lstrip("%")
    if before.endswith("(") and (after.startswith(")") or run["before"].endswith("$(")):
        # In a sentence "(12%)" and "($5 million)" are asides; "$(5)" and a bare "(1,234)" are negative.
        aside = run["after"].startswith("%") or not run["before"].endswith("(")
        return 1 if not in_table and aside else -1
    return -1 if before[-1:] in "-−–" and before and not run["apart"] else 1


def kind_of(unit: str, scale: int) -> str:
    if "/" in unit:
        return "PER_SHARE" if unit.endswith("/shares") else "OTHER"
    if re.fullmatch(r"[A-Z]{3}", unit):
        return "MONEY"
    if unit == "pure":
        return "PERCENT" if scale == -2 else "NUMBER"
    return "QUANTITY"


def truth_of(path: Path, out: Path, restyled: bool) -> dict | None:
    contexts, units = contexts_and_units(raw_tree(path))
    root, body = load(path)
    facts = mark(body)
    if len(facts) < 50:
        return None
    if restyled:
        done = restyle(body)
        if done is None:
            print(f"{path.stem}: too few units lines")
            return None
        print(f"{path.stem}: {done}")
    body.append(html.fragment_fromstring(SCRIPT.strip()))
    pdf = out / f"{path.stem}.pdf"
    if not pdf.exists():
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder) / "page.html"
            page.write_bytes(b'<!DOCTYPE html><meta charset="utf-8">' + html.tostring(root, encoding="utf-8", method="html"))
            if not print_pdf(page, pdf, 400):
                print(f"  {path.stem}: the browser failed")
                return None
    runs, pages = glyphs_of(pdf)
    lines, dropped, words = [], 0, 0
    for code, fact in enumerate(facts, 1):
        element = fact["element"]
        inside = clean(element.text_content())
        # A row cut by a page's end is drawn on both pages, mostly with glyphs left out on one.
        found = {page: run for page, run in runs.get(code, {}).items() if run["text"] == inside}
        scale = int(element.get("scale") or 0)
        magnitude = number(inside, element.get("format") or "")
        if magnitude is None:
            words += 1
            continue
        if len(found) != 1:
            dropped += 1
            continue
        (page_number, run), = found.items()
        sign = printed_sign(run, fact["table"] is not None) if magnitude else 1
        unit = units.get(element.get("unitref"), "")
        kind = kind_of(unit, scale)
        value = magnitude * sign * (Decimal(10) ** (0 if kind == "PERCENT" else scale))
        lines.append({
            "text": run["text"], "value": float(value), "scale": scale, "printed_sign": sign,
            "xbrl_sign": -1 if element.get("sign") == "-" else 1, "decimals": element.get("decimals"),
            "type": kind, "unit": unit, "period": contexts.get(element.get("contextref"), ""),
            "page": page_number, "box": [round(value, 2) for value in run["box"]],
            "place": "statement" if fact.get("statement") else "table" if fact["table"] is not None else "prose",
            "table": fact.get("number"), "statement": fact.get("statement"), "concept": fact["concept"],
        })
    kinds = sorted({line["statement"] for line in lines if line["statement"]})
    print(f"{path.stem}: {pages} pages, {len(lines)} facts, {sum(l['place'] == 'statement' for l in lines)} in statements "
          f"({', '.join(kinds)}), {words} in words, {dropped} not found in print", flush=True)
    return {"document": pdf.name, "group": company_of(path.stem), "facts": lines}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for PDFs and SPLIT.jsonl")
    parser.add_argument("--split", choices=["train", "validation", "test"], required=True)
    parser.add_argument("--only", help="start of file names")
    parser.add_argument("--restyle", action="store_true",
                        help="state the unit once instead of over each table; use another --out than for plain prints")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    lines = []
    for path in sorted(FILINGS.glob("*.html")):
        if split_of(path.stem) != options.split or (options.only and not path.stem.startswith(options.only)):
            continue
        truth = truth_of(path, options.out, options.restyle)
        if truth is not None:
            lines.append(json.dumps(truth, ensure_ascii=False))
            target = options.out / f"{options.split}.jsonl"
            target.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
