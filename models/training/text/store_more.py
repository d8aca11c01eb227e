"""Adds the second draw's labels to the label files of the repository.

WORK/reports/more_pass.json maps an id of WORK/reports/more.jsonl to p, m or n; WORK/names/marks.jsonl holds a row of
the names' draw a line with ``marks``, a list of [type, text] in the order in which they stand in the sentence.
Replaces what labels/reports_{train,validation}.jsonl hold of the second draw, writes labels/names_train.jsonl (words as
BERT's pre-tokenizer cuts them, BIO tags), and prints how a second reader (WORK/reports/second_reader.json: ids of the
first draw) agrees with the first draw.

    python store_more.py
"""

from __future__ import annotations

import json

import numpy as np
from tokenizers.pre_tokenizers import BertPreTokenizer

from common import LABELS, SENTIMENTS, WORK, bootstrap, confusion, read_jsonl, write_jsonl
from sample_more import FIRST_ID
from store_labels import NAMES, kappa

KEYS = ("id", "file", "item", "company", "stratum", "start", "end", "sha256", "text")


def tagged(text: str, marks: list[list[str]]) -> tuple[list[str], list[str]]:
    """Words and BIO tags of a sentence; stops where a mark does not begin and end with a word."""
    spans, place = [], 0
    for kind, name in marks:
        start = text.find(name, place)
        if start < 0:
            raise SystemExit(f"{name!r} does not follow in {text!r}")
        place = start + len(name)
        spans.append((start, place, kind))
    words, tags, opened = [], [], None
    for word, (start, end) in BertPreTokenizer().pre_tokenize_str(text):
        span = next((span for span in spans if span[0] <= start and end <= span[1]), None)
        words.append(word)
        tags.append("O" if span is None else ("I-" if span is opened else "B-") + span[2])
        opened = span
    return words, tags


def agreement(folder) -> None:
    path = folder / "second_reader.json"
    if not path.exists():
        return
    other = json.loads(path.read_text(encoding="utf-8"))
    first = {str(row["id"]): row["label"] for split in ("train", "validation") for row in read_jsonl(LABELS / f"reports_{split}.jsonl")}
    left = np.array([SENTIMENTS.index(first[key]) for key in other])
    right = np.array([SENTIMENTS.index(NAMES[value]) for value in other.values()])
    low, high = bootstrap(lambda pick: kappa(confusion(left[pick], right[pick], 3)), len(left))
    print(f"second reader: {len(left)} sentences, agreement {np.mean(left == right):.3f}, kappa {kappa(confusion(left, right, 3)):.3f} [{low:.3f}, {high:.3f}]")


def main() -> None:
    folder = WORK / "reports"
    labels = json.loads((folder / "more_pass.json").read_text(encoding="utf-8"))
    agreement(folder)
    more = read_jsonl(folder / "more.jsonl")
    for split in ("train", "validation"):
        kept = [row for row in read_jsonl(LABELS / f"reports_{split}.jsonl") if row["id"] < FIRST_ID]
        fresh = [{key: row[key] for key in KEYS} | {"label": NAMES[labels[str(row["id"])]]} for row in more if row["split"] == split]
        write_jsonl(LABELS / f"reports_{split}.jsonl", kept + sorted(fresh, key=lambda row: row["id"]))
        print(split, len(kept), "+", len(fresh), {name: sum(row["label"] == name for row in kept + fresh) for name in SENTIMENTS})
    rows = []
    for row in read_jsonl(WORK / "names" / "marks.jsonl"):
        tokens, tags = tagged(row["text"], row["marks"])
        rows.append({key: row[key] for key in ("file", "item", "company", "start", "end", "sha256")} | {"tokens": tokens, "tags": tags})
    write_jsonl(LABELS / "names_train.jsonl", rows)
    print(len(rows), "sentences with names marked,", sum(tag.startswith("B-") for row in rows for tag in row["tags"]), "names")


if __name__ == "__main__":
    main()
