"""Training data of `risk_scorer`: passages of 10-Ks, labelled by the item that they stand in.

    python risk_scorer.py ITEMS_DIR -o risk_scorer.jsonl
    docproc train risk_scorer --data risk_scorer.jsonl

Positive: passages of Item 1A (risk factors) and Item 3 (legal proceedings) of 300 words or more; shorter ones mostly say
that there is nothing to report. Negative: passages of the items that describe: 1 (business) of filings whose risk factors
are apart in Item 1A, 2 (properties), 5 (market for the shares), 10 to 14 (directors, pay, ownership, fees). Items 7, 7A, 8 and 9A mix both and are left out. Labels never look at words,
because words are the features. Headings that name the item are cut off. The group is the company (CIK).
Hand-written paragraphs (risk_paragraphs.jsonl) with near misses in both classes are added, each its own group.
"""

import argparse
import json
import pathlib
import random
import re

POSITIVE = ["item_1A", "item_3"]
NEGATIVE = ["item_1", "item_2", "item_5", "item_10", "item_11", "item_12", "item_13", "item_14"]
PASSAGES_PER_ITEM = 80


def paragraphs(text):
    for line in text.split("\n"):
        line = re.sub(r"\s+", " ", line).strip()
        if re.match(r"(?i)^item\s*\d+[ab]?\b", line) or len(line.split()) < 8:
            continue  # headings, table cells, page numbers
        yield line


def passages(text, rng):
    """Runs of neighbouring paragraphs of 30 to 500 words, of changing length as sections are."""
    current, words, goal = [], 0, rng.choice([30, 60, 120, 250, 500])
    for paragraph in paragraphs(text):
        current.append(paragraph)
        words += len(paragraph.split())
        if words >= goal:
            yield "\n".join(current)
            current, words, goal = [], 0, rng.choice([30, 60, 120, 250, 500])
    if words >= 30:
        yield "\n".join(current)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("items", type=pathlib.Path)
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    rows = []
    for path in sorted(arguments.items.glob("*.json")):
        filing = json.loads(path.read_text())
        long = {item for item in filing if item.startswith("item") and len((filing[item] or "").split()) >= 300}
        for items, label in [(POSITIVE, 1), (NEGATIVE, 0)]:
            for item in items:
                if (label == 1 and item not in long) or (item == "item_1" and "item_1A" not in long):
                    continue
                rng = random.Random(f"{path.name} {item}")
                found = list(passages(filing.get(item) or "", rng))
                for text in rng.sample(found, min(PASSAGES_PER_ITEM, len(found))):
                    rows.append({"text": text, "label": label, "group": str(filing["cik"])})
    own = pathlib.Path(__file__).with_name("risk_paragraphs.jsonl")
    for number, line in enumerate(own.read_text().splitlines()):
        row = json.loads(line)
        rows.append({"text": row["text"], "label": row["label"], "group": f"own {number}"})
    with arguments.output.open("w") as output:
        for row in rows:
            output.write(json.dumps(row, ensure_ascii=False) + "\n")
    positives = sum(row["label"] for row in rows)
    print(f"{len(rows)} passages, {positives} adverse, {len({row['group'] for row in rows})} groups")


if __name__ == "__main__":
    main()
