"""Headlines, tweets and news paragraphs -> WORK/sentiment/{train,validation,test}.jsonl

SEntFiN is split by the entities a headline names (an entity belongs to one split;
a headline that names entities of several splits goes to the training side only if
none of them is held out, else it is dropped). Tweets and FinEntity paragraphs are
only used for training and validation. Near-duplicates (TF-IDF cosine >= 0.8) of a
held-out headline are removed from training, across all sources.

    python prepare_sentiment.py
"""

from __future__ import annotations

import ast
import csv
import json
import re
from collections import Counter

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from common import SEED, WORK, data_root, squeeze, stable_unit, write_jsonl

TEST_SHARE, VALIDATION_SHARE, NEAR = 0.10, 0.06, 0.8


def split_of(name: str) -> str:
    unit = stable_unit(name.casefold(), f"sentfin{SEED}")
    if unit < TEST_SHARE:
        return "test"
    return "validation" if unit < TEST_SHARE + VALIDATION_SHARE else "train"


def decisions(cell: str) -> dict[str, str]:
    try:
        return ast.literal_eval(cell)
    except (SyntaxError, ValueError):
        # A few rows hold an unescaped apostrophe inside an entity's name.
        return dict(re.findall(r"'([^:{}]+?)': '(positive|negative|neutral)'", cell))


def sentfin() -> list[dict]:
    rows = []
    with open(data_root() / "sentiment/sentfin.csv", encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            polarity = decisions(row["Decisions"])
            if len(set(polarity.values())) != 1:
                continue
            places = {split_of(entity) for entity in polarity}
            if len(places) > 1:
                # Seen and unseen entities in one headline: neither side may have it.
                continue
            text = squeeze(row["Title"])
            rows.append({"text": text, "label": next(iter(polarity.values())), "source": "sentfin", "split": places.pop()})
    return rows


def tweet_text(text: str) -> str:
    """A tweet without its links, cashtags and hashtag marks."""
    text = re.sub(r"https?://\S+", " ", text)
    text = re.sub(r"\$[A-Za-z][A-Za-z.]{0,6}\b", " ", text)
    text = re.sub(r"(^|\s)[-:,;|]+(?=\s)", " ", text)
    return squeeze(text.replace("#", " ")).lstrip("-:, ")


def tweets() -> list[dict]:
    names = {"0": "negative", "1": "positive", "2": "neutral"}
    rows = []
    with open(data_root() / "sentiment/twitter_fin_news_train.csv", encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            text = tweet_text(row["text"])
            if len(text.split()) < 3:
                continue
            held = stable_unit(text.casefold(), f"tweets{SEED}") < VALIDATION_SHARE
            rows.append({"text": text, "label": names[row["label"]], "source": "tweets", "split": "validation" if held else "train"})
    return rows


def finentity() -> list[dict]:
    rows = []
    for paragraph in json.loads((data_root() / "sentiment/finentity.json").read_text(encoding="utf-8")):
        labels = {mark["label"].lower() for mark in paragraph["annotations"]}
        if len(labels) != 1:
            continue
        text = re.sub(r"\[n[A-Z0-9]+\]|<[A-Z0-9_.]+>|\[[A-Z]+\.UL\]|\(\([^)]*\)+", " ", paragraph["content"])
        text = squeeze(text)
        held = stable_unit(text, f"finentity{SEED}") < VALIDATION_SHARE
        rows.append({"text": text, "label": labels.pop(), "source": "finentity", "split": "validation" if held else "train"})
    return rows


def drop_near_duplicates(rows: list[dict]) -> list[dict]:
    """Keeps one of each cluster; held-out headlines win over training ones."""
    rank = {"test": 0, "validation": 1, "train": 2}
    rows = sorted(rows, key=lambda row: (rank[row["split"]], row["source"] != "sentfin"))
    matrix = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit_transform(row["text"].lower() for row in rows)
    kept = np.ones(len(rows), dtype=bool)
    for start in range(0, len(rows), 1000):
        block = (matrix[start : start + 1000] @ matrix.T).tocoo()
        for left, right, value in zip(block.row + start, block.col, block.data, strict=True):
            if value >= NEAR and left < right and kept[left]:
                kept[right] = False
    return [row for row, keep in zip(rows, kept, strict=True) if keep]


def main() -> None:
    rows = sentfin() + tweets() + finentity()
    before = len(rows)
    rows = drop_near_duplicates(rows)
    print(f"{before} texts, {before - len(rows)} near-duplicates dropped")
    for split in ("train", "validation", "test"):
        part = [row for row in rows if row["split"] == split]
        write_jsonl(WORK / "sentiment" / f"{split}.jsonl", part)
        print(split, len(part), dict(Counter((row["source"], row["label"]) for row in part)))


if __name__ == "__main__":
    main()
