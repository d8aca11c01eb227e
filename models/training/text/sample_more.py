"""Draws further sentences to be labelled by hand -> WORK/reports/more.jsonl and WORK/names/sample.jsonl

Sentiment: companies of the training and validation side, a third sentences with a word of praise, a third
with a word of change, a third anything else; at most a fixed number per company. No model has a say. An id is the
start of the sentence's sha256, so that a larger draw keeps the ids of a smaller one.
Names: training companies' sentences with a capitalised word that does not open them, in three draws by how
many there are.

    python sample_more.py --filings FOLDER --items FOLDER
"""

from __future__ import annotations

import argparse
import random
import re
from collections import Counter
from pathlib import Path

from common import LABELS, SEED, WORK, read_jsonl, sha256_text, write_jsonl
from sample_reports import PRAISE, gather, shape_of, split_of

WANTED = {"train": 6600, "validation": 900, "names": 2400}
PER_COMPANY = {"train": 210, "validation": 150, "names": 90}
FIRST_ID = 10_000
NAME = re.compile(r"(?<=[a-z,)] )[A-Z][A-Za-z&.]+")
# Strata that hold judgements; the other ones are mostly neutral.
JUDGING = {"mdna", "release", "business", "risk", "notes", "legal"}


def kind_of(row: dict) -> str:
    if PRAISE.search(row["text"]):
        return "praise"
    return "change" if row["change"] else "other"


def numbered(row: dict) -> dict:
    return {**row, "id": FIRST_ID + int(row["sha256"][:8], 16)}


def draw(rows: list[dict], kinds, wanted: int, per_company: int) -> list[dict]:
    """``wanted`` rows, an equal share of every kind, few per company; kinds(row) names the kind."""
    groups: dict[str, list[dict]] = {}
    for row in rows:
        groups.setdefault(kinds(row), []).append(row)
    chosen: list[dict] = []
    for kind in sorted(groups):
        taken: Counter = Counter()
        share = wanted // len(groups)
        for row in groups[kind]:
            if share == 0:
                break
            if taken[row["company"]] < per_company // len(groups):
                taken[row["company"]] += 1
                share -= 1
                chosen.append(row)
    return chosen


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--filings", type=Path, required=True)
    parser.add_argument("--items", type=Path, required=True)
    options = parser.parse_args()
    known = {row["sha256"] for split in ("train", "validation", "test") for row in read_jsonl(LABELS / f"reports_{split}.jsonl")}
    seen = {shape_of(row["text"]) for split in ("train", "validation", "test") for row in read_jsonl(LABELS / f"reports_{split}.jsonl")}
    pools: dict[str, list[dict]] = {"train": [], "validation": []}
    candidates = gather(options.filings, options.items)
    coin = random.Random(SEED + 20)
    coin.shuffle(candidates)
    for row in candidates:
        split, shape, digest = split_of(row["company"]), shape_of(row["text"]), sha256_text(row["text"])
        if split == "test" or digest in known or shape in seen:
            continue
        seen.add(shape)
        pools[split].append({**row, "split": split, "sha256": digest})
    rows = []
    for split in ("train", "validation"):
        judging = [row for row in pools[split] if row["stratum"] in JUDGING]
        part = draw(judging, kind_of, WANTED[split], PER_COMPANY[split])
        coin.shuffle(part)
        rows += [numbered(row) for row in part]
    write_jsonl(WORK / "reports" / "more.jsonl", rows)
    named = [row for row in pools["train"] if NAME.search(row["text"])]
    part = draw(named, lambda row: str(min(len(NAME.findall(row["text"])), 3)), WANTED["names"], PER_COMPANY["names"])
    coin.shuffle(part)
    write_jsonl(WORK / "names" / "sample.jsonl", [numbered(row) for row in part])
    print(Counter(row["split"] for row in rows), Counter(row["stratum"] for row in rows), len(part), "for names")


if __name__ == "__main__":
    main()
