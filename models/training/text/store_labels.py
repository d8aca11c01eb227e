"""Turns the annotator's passes into the label files of the repository.

WORK/reports/pass1.json and pass2.json map a sample's id to p, m or n (positive,
negative, neutral). Writes labels/reports_{train,validation,test}.jsonl: file, item,
character range in the filing's plain text (see ``filings.py``), sha256, sentence, label
and, where the second pass read it, ``second``. Prints the agreement of the passes.

    python store_labels.py
"""

from __future__ import annotations

import json

import numpy as np

from common import LABELS, SENTIMENTS, WORK, bootstrap, confusion, read_jsonl, write_jsonl

NAMES = {"p": "positive", "m": "negative", "n": "neutral"}


def kappa(table: np.ndarray) -> float:
    """Cohen's kappa of a confusion table."""
    total = table.sum()
    observed = np.trace(table) / total
    chance = (table.sum(0) * table.sum(1)).sum() / total**2
    return float((observed - chance) / (1 - chance))


def main() -> None:
    folder = WORK / "reports"
    sample = read_jsonl(folder / "sample.jsonl")
    extra = folder / "extra.jsonl"
    if extra.exists():
        sample += read_jsonl(extra)
    first = json.loads((folder / "pass1.json").read_text(encoding="utf-8"))
    path = folder / "pass2.json"
    second = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    keys = ("id", "file", "item", "company", "stratum", "start", "end", "sha256", "text")
    rows = {"train": [], "validation": [], "test": []}
    for row in sample:
        if str(row["id"]) not in first:
            continue
        out = {key: row[key] for key in keys} | {"label": NAMES[first[str(row["id"])]]}
        if str(row["id"]) in second:
            out["second"] = NAMES[second[str(row["id"])]]
        rows[row["split"]].append(out)
    for split, part in rows.items():
        write_jsonl(LABELS / f"reports_{split}.jsonl", part)
        print(split, len(part), {name: sum(row["label"] == name for row in part) for name in SENTIMENTS})
    both = [row for part in rows.values() for row in part if "second" in row]
    if both:
        left = np.array([SENTIMENTS.index(row["label"]) for row in both])
        right = np.array([SENTIMENTS.index(row["second"]) for row in both])
        low, high = bootstrap(lambda pick: kappa(confusion(left[pick], right[pick], 3)), len(both))
        print(f"second pass: {len(both)} sentences, agreement {np.mean(left == right):.3f}, kappa {kappa(confusion(left, right, 3)):.3f} [{low:.3f}, {high:.3f}]")
        print(confusion(left, right, 3))


if __name__ == "__main__":
    main()
