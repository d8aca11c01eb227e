"""Measures the exported models on held-out data, fp32 and int8, with 95% intervals.

    python evaluate.py                 # all of it: WORK/eval/figures.json and a table
    python evaluate.py --files-only    # only the JSONL files for `docproc eval`

Writes WORK/eval/{sentiment_sentfin,sentiment_reports}.jsonl ({"text","label"}),
entities_*.jsonl ({"tokens","tags"}) and section_kinds_*.jsonl ({"title","text","label"}).
Intervals are percentile bootstraps over 1,000 resamples of items (texts); those of the
report sentences and sections resample companies, because rows of one company are alike.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict

import numpy as np

from common import ENTITY_TYPES, SECTION_KINDS, SEED, SENTIMENTS, WORK, bootstrap, calibration_error, confusion, f1_per_class, read_jsonl, softmax, write_jsonl
from modeling import load_tokenizer
from runtime import OnnxEncoder, entity_counts, gold_words, source_tags
from train import entity_items, section_items, sentiment_items

MODELS = {"fp32": "model.onnx", "int8": "model.int8.onnx"}
PLACES = {"ORG", "PER", "LOC"}
# The number types that a source's annotators marked.
NUMBERS = {"fire": ["DATE", "METRIC", "MONEY", "PERCENT", "QUANTITY"], "kpi_edgar": ["METRIC"], "hand": ["DATE", "MONEY", "PERCENT"]}
ROLES = {"borrower", "lender", "borrowers", "lenders"}


def by_group(groups: list[str], statistic, rounds: int = 1000) -> tuple[float, float]:
    """95% interval over resampled groups (companies)."""
    members = defaultdict(list)
    for place, group in enumerate(groups):
        members[group].append(place)
    names, generator, values = sorted(members), np.random.default_rng(SEED), []
    for _ in range(rounds):
        pick = generator.integers(0, len(names), len(names))
        values.append(statistic(np.concatenate([members[names[place]] for place in pick])))
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def classes(logits: np.ndarray, gold: np.ndarray, labels: list[str], temperature: float, groups: list[str] | None) -> dict:
    guess, size = logits.argmax(1), len(labels)
    table = confusion(gold, guess, size)
    present = np.flatnonzero(table.sum(1))

    def macro(pick) -> float:
        # Over the classes that occur, so that a resample without one is not punished.
        return float(np.nanmean(f1_per_class(confusion(gold[pick], guess[pick], size))[np.unique(gold[pick])]))

    def accuracy(pick) -> float:
        return float((gold[pick] == guess[pick]).mean())

    def interval(statistic):
        low, high = by_group(groups, statistic) if groups else bootstrap(statistic, len(gold))
        return [round(low, 4), round(high, 4)]

    chances = softmax(logits / temperature)
    everything = np.arange(len(gold))
    return {
        "n": len(gold), "accuracy": round(accuracy(everything), 4), "accuracy_interval": interval(accuracy),
        "macro_f1": round(macro(everything), 4), "macro_f1_interval": interval(macro),
        "per_label": {labels[place]: round(float(f1_per_class(table)[place]), 4) for place in present},
        "confusion": {labels[row]: {labels[column]: int(table[row, column]) for column in np.flatnonzero(table[row])} for row in present},
        "calibration_error_uncalibrated": round(calibration_error(softmax(logits), gold), 4),
        "calibration_error": round(calibration_error(chances, gold), 4), "reliability": reliability(chances, gold),
    }


def reliability(chances: np.ndarray, gold: np.ndarray) -> list[dict]:
    """Mean confidence, accuracy and count in ten bins of the top probability."""
    top, right, rows = chances.max(1), chances.argmax(1) == gold, []
    for index in range(10):
        inside = (top > index / 10) & (top <= (index + 1) / 10)
        if inside.any():
            rows.append({"confidence": round(float(top[inside].mean()), 3), "accuracy": round(float(right[inside].mean()), 3), "n": int(inside.sum())})
    return rows


def spans_report(items, logits, kinds: set[str]) -> dict:
    counts = []
    for item, rows in zip(items, logits, strict=True):
        counts.append(entity_counts(item, source_tags(item, rows), kinds))
    counts = np.array(counts)

    def f1(pick) -> float:
        right, found, gold = counts[pick].sum(0)
        return float(2 * right / max(found + gold, 1))

    low, high = bootstrap(f1, len(items))
    right, found, gold = counts.sum(0)
    return {
        "precision": round(float(right / max(found, 1)), 4), "recall": round(float(right / max(gold, 1)), 4),
        "f1": round(f1(np.arange(len(items))), 4), "f1_interval": [round(low, 4), round(high, 4)], "gold": int(gold), "texts": len(items),
    }


def load_test() -> dict:
    tokenizer = load_tokenizer()
    sentiment, reports = read_jsonl(WORK / "sentiment" / "test.jsonl"), read_jsonl(WORK / "reports" / "test.jsonl")
    entities, sections = read_jsonl(WORK / "entities" / "test.jsonl"), read_jsonl(WORK / "sections" / "test.jsonl")
    return {
        "sentfin": (sentiment, sentiment_items(tokenizer, sentiment)), "reports": (reports, sentiment_items(tokenizer, reports)),
        "entities": (entities, entity_items(tokenizer, entities)), "sections": (sections, section_items(tokenizer, sections)),
    }


def write_files(test: dict) -> None:
    folder = WORK / "eval"
    for name in ("sentfin", "reports"):
        write_jsonl(folder / f"sentiment_{name}.jsonl", [{"text": row["text"], "label": row["label"]} for row in test[name][0]])
    for source in sorted({row["source"] for row in test["entities"][0]}):
        rows = [row for row in test["entities"][0] if row["source"] == source]
        write_jsonl(folder / f"entities_{source}.jsonl", [{"tokens": row["tokens"], "tags": row["tags"], "types": [kind for kind in ENTITY_TYPES if kind not in row["open"]]} for row in rows])
    for level in sorted({row["level"] for row in test["sections"][0]}):
        rows = [row for row in test["sections"][0] if row["level"] == level]
        write_jsonl(folder / f"section_kinds_{level}.jsonl", [{key: row[key] for key in ("title", "text", "label")} for row in rows])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--files-only", action="store_true")
    options = parser.parse_args()
    test = load_test()
    write_files(test)
    if options.files_only:
        return
    scale = json.loads((WORK / "bundle" / "config.json").read_text(encoding="utf-8"))["calibration"]
    figures, sentiment_logits = {}, {}
    for precision, name in MODELS.items():
        session, out = OnnxEncoder(WORK / "bundle" / name), {}
        for task in ("sentfin", "reports"):
            rows, items = test[task]
            logits, gold = np.stack(session.run("sentiment", items)), np.array([item.label for item in items])
            sentiment_logits[precision, task] = logits
            out[f"sentiment_{task}"] = classes(logits, gold, SENTIMENTS, scale["sentiment"], [row["company"] for row in rows] if task == "reports" else None)
        rows, items = test["entities"]
        logits = session.run("entities", items)
        for source in sorted({item.source for item in items}):
            part = [place for place, item in enumerate(items) if item.source == source]
            chosen = [items[place] for place in part], [logits[place] for place in part]
            if source != "kpi_edgar":
                out[f"entities_{source}"] = spans_report(*chosen, PLACES)
                for kind in sorted(PLACES):
                    out[f"entities_{source}_{kind}"] = spans_report(*chosen, {kind})
            if source in NUMBERS:
                for kind in NUMBERS[source]:
                    out[f"entities_{source}_{kind}"] = spans_report(*chosen, {kind})
        fin5 = [place for place, item in enumerate(items) if item.source == "fin5"]
        bare = [place for place in fin5 if not ROLES & {token.lower() for token in rows[place]["tokens"]}]
        out["entities_fin5_without_borrower_lender_sentences"] = spans_report([items[place] for place in bare], [logits[place] for place in bare], PLACES)
        word_logits, gold = gold_words(items, logits, {"fin5", "fire", "wikigold"})
        out["entities_words"] = {"calibration_error_uncalibrated": round(calibration_error(softmax(word_logits), gold), 4), "calibration_error": round(calibration_error(softmax(word_logits / scale["entities"]), gold), 4)}
        rows, items = test["sections"]
        logits, gold = np.stack(session.run("sections", items)), np.array([item.label for item in items])
        levels = np.array([row["level"] for row in rows])
        out["sections_all"] = classes(logits, gold, SECTION_KINDS, scale["section_kinds"], [row["company"] for row in rows])
        for level in sorted(set(levels)):
            part = np.flatnonzero(levels == level)
            out[f"sections_{level}"] = classes(logits[part], gold[part], SECTION_KINDS, scale["section_kinds"], [rows[place]["company"] for place in part])
        figures[precision] = out
    for task in ("sentfin", "reports"):
        left, right = sentiment_logits["fp32", task], sentiment_logits["int8", task]
        figures[f"agreement_{task}"] = {"same_label": round(float((left.argmax(1) == right.argmax(1)).mean()), 4), "largest_logit_difference": round(float(np.abs(left - right).max()), 3)}
    path = WORK / "eval" / "figures.json"
    path.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    for precision in MODELS:
        for name, figure in figures[precision].items():
            brief = {key: figure[key] for key in ("n", "accuracy", "macro_f1", "macro_f1_interval", "precision", "recall", "f1", "f1_interval", "gold", "calibration_error_uncalibrated", "calibration_error") if key in figure}
            print(precision, name, json.dumps(brief))
    print({name: value for name, value in figures.items() if name.startswith("agreement")})


if __name__ == "__main__":
    main()
