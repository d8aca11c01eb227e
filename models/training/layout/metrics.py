"""Word metrics: F1 per label, macro-F1 with a bootstrap over documents, calibration error."""

from __future__ import annotations

import numpy

from common import LABELS


def confusion(truth: numpy.ndarray, guess: numpy.ndarray) -> numpy.ndarray:
    return numpy.bincount(truth * len(LABELS) + guess, minlength=len(LABELS) ** 2).reshape(len(LABELS), len(LABELS))


def f1_of(matrix: numpy.ndarray) -> numpy.ndarray:
    hit = numpy.diag(matrix).astype(float)
    total = matrix.sum(0) + matrix.sum(1)
    return numpy.divide(2 * hit, total, out=numpy.full(len(hit), numpy.nan), where=total > 0)


def macro_of(matrix: numpy.ndarray) -> float:
    """Mean F1 over the labels that occur in the truth."""
    scores = numpy.nan_to_num(f1_of(matrix))
    present = matrix.sum(1) > 0
    return float(scores[present].mean())


def calibration_error(confidence: numpy.ndarray, right: numpy.ndarray, bins: int = 15) -> float:
    """Expected calibration error with bins of equal width (Guo et al. 2017)."""
    place = numpy.minimum((confidence * bins).astype(int), bins - 1)
    error = 0.0
    for index in range(bins):
        members = place == index
        if members.any():
            error += members.mean() * abs(confidence[members].mean() - right[members].mean())
    return float(error)


def summary(results: list[tuple[str, numpy.ndarray, numpy.ndarray]], rounds: int = 500, seed: int = 0) -> dict:
    """`results`: per page the document's name, true labels (-1 unknown) and probabilities (words x labels)."""
    documents: dict[str, numpy.ndarray] = {}
    confidences, rights = [], []
    for name, truth, probabilities in results:
        known = truth >= 0
        guess = probabilities.argmax(1)
        matrix = confusion(truth[known], guess[known])
        documents[name] = documents.get(name, 0) + matrix
        confidences.append(probabilities.max(1)[known])
        rights.append((guess == truth)[known])
    matrices = numpy.stack(list(documents.values()))
    whole = matrices.sum(0)
    generator = numpy.random.default_rng(seed)
    samples = [macro_of(matrices[generator.integers(0, len(matrices), len(matrices))].sum(0)) for _ in range(rounds)]
    scores = f1_of(whole)
    return {
        "n": int(whole.sum()), "documents": len(matrices), "pages": len(results),
        "accuracy": float(numpy.diag(whole).sum() / whole.sum()), "macro_f1": macro_of(whole),
        "macro_f1_interval": [float(v) for v in numpy.percentile(samples, [2.5, 97.5])],
        "per_label": {name: {"f1": None if numpy.isnan(score) else round(float(score), 4), "words": int(whole[i].sum())}
                      for i, (name, score) in enumerate(zip(LABELS, scores))},
        "calibration_error": calibration_error(numpy.concatenate(confidences), numpy.concatenate(rights)),
        "confusion": whole.tolist(),
    }


def table(result: dict) -> str:
    low, high = result["macro_f1_interval"]
    lines = [f"macro-F1 {result['macro_f1']:.3f} [{low:.3f}, {high:.3f}]  accuracy {result['accuracy']:.3f}  "
             f"ECE {result['calibration_error']:.3f}  words {result['n']} pages {result['pages']} documents {result['documents']}"]
    for name, entry in result["per_label"].items():
        if entry["words"]:
            lines.append(f"  {name:15s} {entry['f1'] if entry['f1'] is not None else float('nan'):.3f}  ({entry['words']})")
    return "\n".join(lines)
