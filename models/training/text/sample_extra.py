"""Chooses further training sentences by a first model's doubt -> WORK/reports/extra.jsonl

Only companies of the training side. Half of the rows are those where the two best
classes are closest, half those it calls positive or negative. A second draw takes
sentences at random that hold a word of praise or growth, because positive ones are the
rarest and the most various. All are labelled by hand like the first sample, without
showing the model's opinion.

    python sample_extra.py --filings FOLDER --items FOLDER --model WORK/bundle/model.int8.onnx
"""

from __future__ import annotations

import argparse
import random
import re
from collections import Counter
from pathlib import Path

import numpy as np

from common import SEED, WORK, read_jsonl, sha256_text, softmax, write_jsonl
from modeling import load_tokenizer
from runtime import OnnxEncoder
from sample_reports import PRAISE, gather, shape_of, split_of
from train import sentiment_items

POOL, WANTED, PER_COMPANY = 3000, 320, 26
PRAISE_WANTED, PRAISE_PER_COMPANY, PRAISE_WORDS = 200, 9, 45


def praised(rows: list[dict], known: set[str]) -> list[dict]:
    """Random sentences with a word of praise, few per company."""
    coin = random.Random(SEED + 7)
    rows = rows[:]
    coin.shuffle(rows)
    chosen, taken, seen = [], Counter(), set()
    for row in rows:
        shape = shape_of(row["text"])
        if sha256_text(row["text"]) in known or shape in seen or not PRAISE.search(row["text"]):
            continue
        if taken[row["company"]] >= PRAISE_PER_COMPANY or len(row["text"].split()) > PRAISE_WORDS:
            continue
        seen.add(shape)
        taken[row["company"]] += 1
        chosen.append(row)
        if len(chosen) == PRAISE_WANTED:
            break
    return chosen


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--filings", type=Path, required=True)
    parser.add_argument("--items", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    options = parser.parse_args()
    coin = random.Random(SEED + 1)
    known = {row["sha256"] for row in read_jsonl(WORK / "reports" / "sample.jsonl")}
    pool, seen = [], set()
    train = [row for row in gather(options.filings, options.items) if split_of(row["company"]) == "train"]
    for row in train:
        shape = re.sub(r"\W+", " ", re.sub(r"\d+", "0", row["text"].lower()))[:100]
        if row["stratum"] in {"mdna", "release", "notes", "business"} and row["change"] and sha256_text(row["text"]) not in known and shape not in seen:
            seen.add(shape)
            pool.append(row)
    coin.shuffle(pool)
    pool = pool[:POOL]
    items = sentiment_items(load_tokenizer(), [{**row, "source": "report", "label": "neutral"} for row in pool])
    chances = softmax(np.stack(OnnxEncoder(options.model).run("sentiment", items)))
    ranked = np.sort(chances, axis=1)
    doubtful = np.argsort(ranked[:, 2] - ranked[:, 1])
    toned = np.argsort(chances[:, 2])
    chosen, taken = [], Counter()
    for order in (doubtful, toned):
        count = 0
        for place in order:
            if count == WANTED // 2:
                break
            row = pool[place]
            if row in chosen or taken[row["company"]] >= PER_COMPANY:
                continue
            taken[row["company"]] += 1
            chosen.append(row)
            count += 1
    coin.shuffle(chosen)
    rows = [{"split": "train", **row, "id": 2000 + number, "sha256": sha256_text(row["text"])} for number, row in enumerate(chosen)]
    known |= {row["sha256"] for row in rows}
    rows += [{"split": "train", **row, "id": 3000 + number, "sha256": sha256_text(row["text"])} for number, row in enumerate(praised(train, known))]
    write_jsonl(WORK / "reports" / "extra.jsonl", rows)
    print(len(rows), taken.most_common(8))


if __name__ == "__main__":
    main()
