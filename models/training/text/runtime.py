"""Runs an exported text encoder in ONNX Runtime and reads its heads as docproc does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime

from common import ENTITY_LABELS, softmax, spans, token_batches

OUTPUTS = {"sentiment": "logits", "entities": "entity_logits", "sections": "section_logits"}


def adds_in_32_bits() -> bool:
    """Whether the processor has VNNI, by Linux's list of its features."""
    features = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    return "avx512_vnni" in features or "avx_vnni" in features


class OnnxEncoder:
    """A session on one thread; batches hold texts of one length, so nothing is padded."""

    def __init__(self, path: Path, threads: int = 1):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        if not adds_in_32_bits():
            # As docproc: sums of 8-bit products that do not saturate on processors without VNNI. Slower elsewhere.
            options.add_session_config_entry("session.x64quantprecision", "1")
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def run(self, task: str, items: list) -> list[np.ndarray]:
        """Logits per item, in order; for entities one row per word (its first WordPiece)."""
        out: list = [None] * len(items)
        for batch in token_batches([len(item.ids) for item in items], 1024, 32, None):
            width = max(len(items[place].ids) for place in batch)

            def padded(rows):
                return np.array([row + [0] * (width - len(row)) for row in rows], dtype=np.int64)

            chosen = [items[place] for place in batch]
            feed = {
                "input_ids": padded([item.ids for item in chosen]),
                "attention_mask": padded([[1] * len(item.ids) for item in chosen]),
                "token_type_ids": padded([item.types for item in chosen]),
            }
            (logits,) = self.session.run([OUTPUTS[task]], feed)
            for row, place in enumerate(batch):
                firsts = items[place].firsts
                out[place] = logits[row, [max(first, 0) for first in firsts]] if task == "entities" else logits[row]
        return out


def fit_temperature(logits: np.ndarray, gold: np.ndarray) -> float:
    """The temperature of least negative log likelihood (Guo et al. 2017), by golden section."""

    def loss(log_temperature: float) -> float:
        chances = softmax(logits / np.exp(log_temperature))[np.arange(len(gold)), gold]
        return float(-np.log(np.maximum(chances, 1e-12)).mean())

    low, high, ratio = np.log(0.3), np.log(5.0), (np.sqrt(5) - 1) / 2
    while high - low > 1e-4:
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if loss(left) < loss(right):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))


def gold_words(items: list, logits: list[np.ndarray], sources: set[str]) -> tuple[np.ndarray, np.ndarray]:
    """Word logits and gold labels of the words whose label the annotation settles."""
    scores, gold = [], []
    for item, rows in zip(items, logits, strict=True):
        if item.source not in sources:
            continue
        for row, allowed, first in zip(rows, item.allowed, item.firsts, strict=True):
            if first >= 0 and sum(allowed) == 1:
                scores.append(row)
                gold.append(allowed.index(True))
    return np.array(scores), np.array(gold)


def word_tags(rows: np.ndarray) -> list[str]:
    """BIO tags of words by the most probable label."""
    return [ENTITY_LABELS[index] for index in rows.argmax(-1)]


def source_tags(item, rows: np.ndarray) -> list[str]:
    """Tags of the source's own tokens: a token has its first word's label."""
    tags = word_tags(rows)
    return [tags[first] if first < len(tags) else "O" for first in item.tokens_first]


def entity_counts(item, tags: list[str], kinds: set[str]) -> tuple[int, int, int]:
    """Right, predicted and gold spans of one text."""
    gold = {span for span in spans(item.tags) if span[2] in kinds}
    found = {span for span in spans(tags) if span[2] in kinds}
    return len(gold & found), len(found), len(gold)
