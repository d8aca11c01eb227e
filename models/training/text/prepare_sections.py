"""Sections of the filings -> WORK/sections/{train,validation,test}.jsonl

Row: ``{"title", "text", "label", "level", "source", "company"}``; ``text`` is the first 60
words after the heading. Three levels, told apart in the evaluation:

* ``item``: an item of a 10-K; its label is the item's number in the form (of the items
  whose content changed number over the years, 14 and 15 are told apart by title).
* ``sub``: a heading inside an item or a filing's main part; its label is the part it
  stands in, so neither its title nor its text made the label.
* ``statement``: a primary statement, note or auditor's report, found by its title. The
  title made the label, so the evaluation shows these with the title removed.

Companies are split as in ``sample_reports.py``. Training rows are doubled by a variant
with the item number dropped, the title emptied or the text cut. Letters to shareholders
are not in the data; training ones are composed (``letters.py``) and nothing measures them.

    python prepare_sections.py --filings FOLDER --items FOLDER
"""

from __future__ import annotations

import argparse
import random
import re
from collections import Counter
from pathlib import Path

from common import SEED, WORK, write_jsonl
from filings import filings, ten_k_items
from letters import letters
from sample_reports import RELEASES, split_of

WORDS = 60
PER_COMPANY_AND_KIND = 10
# Running headers and footers that are set in bold like headings.
RUNNING = re.compile(r"form 10-[kq]|^\d+$|^page \d|proxy statement$|^\d+ .{0,40} corporation|corporation \d+$|^table of contents", re.IGNORECASE)
ITEMS = {
    "item_1": "business", "item_1A": "risk_factors", "item_1B": "other", "item_2": "other", "item_3": "legal_proceedings",
    "item_4": "other", "item_5": "other", "item_6": "other", "item_7": "mdna", "item_7A": "market_risk",
    "item_8": "financial_statements", "item_9": "other", "item_9A": "controls", "item_9B": "other", "item_10": "governance",
    "item_11": "compensation", "item_12": "governance", "item_13": "governance", "item_14": "governance", "item_15": "exhibits", "item_16": "other",
}
STATEMENTS = [
    ("auditor_report", r"^reports? of (?:the )?independent (?:registered|auditors|public|certified|account)|^independent auditors?['’]? report|^report of .{0,30}(?:independent accountants|auditors)"),
    ("notes", r"^notes? to (?:the )?(?:\w+ )?(?:condensed |consolidated |unaudited |interim )*financial statements|^note \d+\b"),
    ("cash_flow", r"statements? of cash flows?"),
    ("equity", r"statements? of (?:changes in |consolidated )?(?:\w+ )?(?:stockholders|shareholders|shareowners|owners|partners|convertible|deficit|equity|redeemable)"),
    ("balance_sheet", r"^(?:[\w&,.\- ]{0,60})?(?:consolidated |condensed )*(?:balance sheets?$|balance sheets? \(|statements? of financial (?:position|condition))"),
    ("income_statement", r"statements? of (?:consolidated )?(?:operations|income|earnings|comprehensive|loss)"),
]
PARTS = [
    ("risk_factors", r"^risk factors$|^risk factors summary|^summary of risk"),
    ("legal_proceedings", r"^legal proceedings$"),
    ("mdna", r"^management.{0,3}s discussion and analysis|^operating and financial review"),
    ("market_risk", r"^quantitative and qualitative disclosures? about market risk"),
    ("controls", r"^controls and procedures$"),
    ("exhibits", r"^exhibits?(?:$|,| and)|^exhibit index"),
    ("compensation", r"^executive (?:and director )?compensation|^compensation discussion and analysis|^compensation of (?:directors|executive)"),
    ("governance", r"^directors,? (?:and )?executive officers|^corporate governance|^board of directors|^security ownership|^beneficial (?:stock )?ownership|^certain relationships|^principal accountant|^directors, senior management|^management$"),
    ("financial_statements", r"^(?:consolidated )?financial statements(?: and supplementary data)?(?: \(unaudited\))?$"),
    ("business", r"^(?:description of )?business$|^information on the company|^our business$|^business overview$"),
    ("other", r"^properties$|^mine safety|^market for (?:the )?registrant|^selected (?:consolidated )?financial data|^unresolved staff|^signatures?$|^use of proceeds|^dilution$|^capitalization$|^underwriting$|^dividend policy|^changes in and disagreements|^cautionary|^special note|^forward-looking|^available information|^glossary|^legal matters$|^experts$|^where you can find|^description of (?:capital stock|securities|the notes)|^material u\.?s\.? federal|^summary$|^the offering$|^annual meeting|^general information|^about the annual meeting|^description of preferred|^plan of distribution|^cybersecurity$"),
]
ITEM_PREFIX = re.compile(r"^(?:part\s+[iv]+\W+)?item\s*\d+[a-c]?\s*[.:\-—–]*\s*", re.IGNORECASE)


def kind_of(title: str, table: list[tuple[str, str]]) -> str | None:
    bare = ITEM_PREFIX.sub("", title).strip(" .:—–-").lower()
    return next((kind for kind, pattern in table if re.search(pattern, bare)), None)


def first_words(texts: list[str]) -> str:
    return " ".join(re.sub(r"-(?:\s?-){2,}", " ", " ".join(texts)).split()[:WORDS])


def filing_sections(company: str, blocks: list[dict]) -> list[dict]:
    repeated = Counter(block["text"] for block in blocks if block["heading"])
    rows, part, place = [], None, 0
    while place < len(blocks):
        block = blocks[place]
        title = block["text"]
        place += 1
        if not block["heading"] or re.fullmatch(r"[\W\d]*", title) or (RUNNING.search(title) and not ITEM_PREFIX.match(title)):
            continue
        if not ITEM_PREFIX.sub("", title).strip(" .") and place < len(blocks) and len(blocks[place]["text"]) < 160:
            title, place = f"{title} {blocks[place]['text']}", place + 1
        statement, major = kind_of(title, STATEMENTS), kind_of(title, PARTS)
        if ITEM_PREFIX.match(title) and statement is None and major is None:
            major = "other"
        if statement is None and major is None and repeated[block["text"]] > 2:
            continue
        text = first_words([after["text"] for after in blocks[place : place + 12]])
        if len(text.split()) < 8:
            continue
        if statement:
            part, level, label = "notes" if statement == "notes" else part, "statement", statement
        elif major:
            part, level, label = major, "part", major
        elif part and part != "financial_statements":
            level, label = "sub", part
        else:
            continue
        rows.append({"title": title, "text": text, "label": label, "level": level, "source": "filing", "company": company})
    return rows


def looks_like_heading(line: str) -> bool:
    words = line.split()
    if not 1 <= len(words) <= 12 or line[-1] in ".,;:" or not line[0].isupper() or re.search(r"\d{3}|\.\.\.|\t", line):
        return False
    capital = sum(word[0].isupper() or word.lower() in {"and", "of", "the", "in", "to", "for", "on", "a", "or", "with", "by"} for word in words)
    return capital == len(words) and any(len(word) > 3 for word in words)


def item_sections(company: str, items: dict[str, str]) -> list[dict]:
    rows = []
    for item, raw in items.items():
        lines = [line.strip() for line in raw.split("\n") if line.strip()]
        if not lines:
            continue
        title, place = lines[0], 1
        if not ITEM_PREFIX.sub("", title).strip(" .") and len(lines) > 1:
            title, place = f"{title} {lines[1]}", 2
        if len(title) > 160:
            # A one-line item: its heading ends where its first sentence does.
            cut = re.search(r"(?<=[a-zA-Z])\.\s", title[12:])
            if not cut:
                continue
            title, lines, place = title[: 12 + cut.end()].strip(), [title[12 + cut.end() :], *lines[1:]], 0
        bare = ITEM_PREFIX.sub("", title).lower()
        label = ITEMS.get(item)
        if item in {"item_13", "item_14", "item_15"}:
            label = "exhibits" if bare.startswith(("exhibit", "financial statement")) else "controls" if bare.startswith("controls") else "governance"
        if label is None:
            continue
        text = first_words(lines[place : place + 40])
        if text:
            rows.append({"title": title, "text": text, "label": label, "level": "item", "source": "items_10k", "company": company})
        part = label
        for number in range(place, len(lines) - 1):
            line = lines[number]
            if not looks_like_heading(line):
                continue
            text = first_words(lines[number + 1 : number + 30])
            statement = kind_of(line, STATEMENTS) if item in {"item_8", "item_14", "item_15"} else None
            if len(text.split()) < 25:
                continue
            if statement:
                rows.append({"title": line, "text": text, "label": statement, "level": "statement", "source": "items_10k", "company": company})
                part = statement
            elif part in {"notes", "auditor_report"} or item not in {"item_8", "item_14", "item_15"}:
                rows.append({"title": line, "text": text, "label": part, "level": "sub", "source": "items_10k", "company": company})
    return rows


def capped(rows: list[dict], coin: random.Random) -> list[dict]:
    """All items and parts; at most a number of the other rows per company and kind."""
    coin.shuffle(rows)
    taken: Counter = Counter()
    kept, seen = [], set()
    for row in rows:
        key = row["company"], row["label"], row["level"]
        shape = row["company"], re.sub(r"\W+|\d+", "", row["title"] + row["text"])[:120]
        if shape in seen or (row["level"] != "item" and taken[key] >= PER_COMPANY_AND_KIND):
            continue
        seen.add(shape)
        taken[key] += 1
        kept.append(row)
    return kept


def variant(row: dict, coin: random.Random) -> dict:
    """What the pipeline may also meet: no item number, no title, a short text."""
    title, text = ITEM_PREFIX.sub("", row["title"]), row["text"]
    draw = coin.random()
    if draw < (0.7 if row["level"] == "statement" else 0.35) and row["level"] != "sub":
        title = ""
    elif draw < 0.6:
        text = " ".join(text.split()[: coin.randrange(0, 30)])
    return {**row, "title": title, "text": text}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--filings", type=Path, required=True)
    parser.add_argument("--items", type=Path, required=True)
    options = parser.parse_args()
    coin, rows = random.Random(SEED), []
    for path, company, blocks in filings(options.filings):
        if path.stem not in RELEASES:
            rows += filing_sections(company, blocks)
    for _, company, items in ten_k_items(options.items):
        rows += item_sections(company, items)
    rows = capped(rows, coin)
    for split in ("train", "validation", "test"):
        part = [row for row in rows if split_of(row["company"]) == split]
        if split == "train":
            part += letters(coin)
            part += [variant(row, coin) for row in part]
        else:
            part = [{**row, "title": "" if row["level"] == "statement" else row["title"]} for row in part]
        part = [row for row in part if row["title"] or row["text"]]
        write_jsonl(WORK / "sections" / f"{split}.jsonl", part)
        print(split, len(part), dict(Counter(row["level"] for row in part)))
        print("  ", dict(Counter(row["label"] for row in part)))


if __name__ == "__main__":
    main()
