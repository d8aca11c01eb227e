"""Draws the report sentences to be labelled by hand -> WORK/reports/sample.jsonl

Prose sentences of 8 to 60 words from the filings and the split 10-Ks. Companies are
split first (test, validation, train); then strata are drawn with fixed shares, so that
the three classes are all present: MD&A and earnings text dominate, and half of the rows
come from sentences that hold a word of change or judgement (the list below only chooses
what is read, it says nothing about the label). At most a fixed number per company, and
near-duplicates (same words but digits) only once.

    python sample_reports.py --filings FOLDER --items FOLDER
"""

from __future__ import annotations

import argparse
import random
import re
from collections import Counter, defaultdict
from pathlib import Path

from common import SEED, WORK, sha256_text, stable_unit, write_jsonl
from filings import filings, item_blocks, plain_text, sentences, ten_k_items

SIZES = {"test": 560, "validation": 240, "train": 1000}
CHANGE = re.compile(
    r"\b(increas|decreas|declin|grew|growth|higher|lower|improv|rose|fell|drop|reduc|record|strong|weak|loss|losses|adverse|favorabl|unfavorabl|"
    r"impair|gain|benefit|offset|compared (?:to|with)|exceed|below|success|unable|default|terminat|decline|deteriorat|expand|approval|award|charge)",
    re.IGNORECASE,
)
PRAISE = re.compile(
    r"\b(improv|strong|success|approv|award|gain|benefit|exceed|record|leader|leading|growth|efficien|opportunit|advantage|expand|achiev|launch|enhanc|"
    r"favorabl|saving|accelerat|upgrade)",
    re.IGNORECASE,
)
KIND = {"item_7": "mdna", "item_7A": "market", "item_1": "business", "item_1A": "risk", "item_3": "legal", "item_8": "notes", "item_9A": "other", "item_10": "other", "item_11": "other", "item_5": "other"}
# Share of the draw per stratum; the second figure is the share with a word of change.
STRATA = {"mdna": (0.46, 0.75), "release": (0.12, 0.6), "business": (0.12, 0.4), "notes": (0.12, 0.5), "risk": (0.08, 0.6), "legal": (0.05, 0.5), "other": (0.05, 0.3)}
RELEASES = {"1800flowers-8-k", "buckle-8-k-ex99", "nordstrom-8-k", "orcl-8-k", "philips-6-k", "athena-6-k", "beyondair"}
HEADINGS = [
    ("mdna", r"management.s discussion and analysis|results of operations|operating and financial review|liquidity and capital"),
    ("risk", r"risk factors"), ("legal", r"legal proceedings"), ("notes", r"notes to (?:the )?(?:condensed )?consolidated|financial statements and supplementary"),
    ("business", r"^(?:item\s*\d+\.?\s*)?business\b|information on the company|prospectus summary"), ("other", r"controls and procedures|executive compensation|corporate governance|unresolved staff|market for registrant|use of proceeds|dilution"),
]


# The few companies with earnings releases are placed by hand, so that every split has some.
PLACED = {"buckle": "test", "philips": "test", "beyond air": "test", "nordstrom": "validation", "orcl": "train", "1800flowers": "train"}


def shape_of(text: str) -> str:
    return re.sub(r"\d+", "0", text.lower())[:100]


def split_of(company: str) -> str:
    unit = stable_unit(company, f"reports{SEED}")
    return PLACED.get(company) or ("test" if unit < 0.30 else "validation" if unit < 0.45 else "train")


def candidate(row: dict, text: str, start: int, end: int) -> dict | None:
    sentence = text[start:end]
    words = sentence.split()
    letters = sum(c.isalpha() for c in sentence)
    if not 8 <= len(words) <= 60 or letters < 0.55 * len(sentence) or sentence[0].islower() or not sentence.rstrip("\"”)’").endswith("."):
        return None
    if " | " in sentence or sentence.isupper() or sum(word[0].isupper() for word in words) > 0.6 * len(words):
        return None
    return {**row, "start": start, "end": end, "text": sentence, "change": bool(CHANGE.search(sentence))}


def gather(filing_folder: Path, item_folder: Path) -> list[dict]:
    """Every candidate sentence; ``start`` and ``end`` count characters of the plain text."""
    found = []
    for path, company, blocks in filings(filing_folder):
        text, offset, kind = plain_text(blocks), 0, "release" if path.stem in RELEASES else "other"
        for block in blocks:
            if block["heading"] and kind != "release":
                kind = next((name for name, pattern in HEADINGS if re.search(pattern, block["text"], re.IGNORECASE)), kind)
            if not block["table"] and not block["heading"]:
                for start, end in sentences(block["text"]):
                    found.append(candidate({"file": path.name, "item": "", "company": company, "stratum": kind}, text, offset + start, offset + end))
            offset += len(block["text"]) + 1
    for path, company, items in ten_k_items(item_folder):
        for item, raw in items.items():
            blocks = item_blocks(raw)
            text, offset = plain_text(blocks), 0
            for block in blocks:
                if not block["table"]:
                    for start, end in sentences(block["text"]):
                        found.append(candidate({"file": path.name, "item": item, "company": company, "stratum": KIND.get(item, "other")}, text, offset + start, offset + end))
                offset += len(block["text"]) + 1
    return [row for row in found if row]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--filings", type=Path, required=True)
    parser.add_argument("--items", type=Path, required=True)
    options = parser.parse_args()
    seen, pools = set(), defaultdict(list)
    for row in gather(options.filings, options.items):
        shape = re.sub(r"\W+", " ", re.sub(r"\d+", "0", row["text"].lower()))[:120]
        if shape not in seen:
            seen.add(shape)
            pools[split_of(row["company"]), row["stratum"], row["change"]].append(row)
    coin, sample = random.Random(SEED), []
    for split, size in SIZES.items():
        taken: Counter = Counter()
        ceiling = max(45, size // 8)
        for stratum, (share, changing) in STRATA.items():
            for change, part in ((True, changing), (False, 1 - changing)):
                pool = pools[split, stratum, change]
                coin.shuffle(pool)
                wanted = round(size * share * part)
                for row in pool:
                    if wanted == 0:
                        break
                    if taken[row["company"]] < ceiling:
                        taken[row["company"]] += 1
                        wanted -= 1
                        sample.append({"split": split, **row})
        print(split, sum(taken.values()), len(taken), "companies", taken.most_common(6))
    coin.shuffle(sample)
    for number, row in enumerate(sample):
        row["id"] = number
        row["sha256"] = sha256_text(row["text"])
    write_jsonl(WORK / "reports" / "sample.jsonl", sample)
    print(len(sample), Counter((row["split"], row["stratum"]) for row in sample))


if __name__ == "__main__":
    main()
