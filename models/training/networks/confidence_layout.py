"""Whether a `confidence_estimator` for the labels of blocks would be better calibrated than the probabilities that ship.

    docproc analyze PDFS -o OUT --ocr never
    python confidence_layout.py --data validation.jsonl --analyses OUT

The data are labelled pages as `docproc eval layout` reads them (`models/training/layout`), the analyses those of the PDFs
that the pages were printed to. A block is right if its label is that of most of its labelled words. It is described by its
confidence, that of the page and of its neighbours, its text, its place and its label; logistic regression learns
whether it is right, cross-validated by company. Prints the figures beside those of the confidence that ships.
"""

import argparse
import json
import pathlib
from collections import Counter, defaultdict

import numpy as np
from confidence import figures
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

STRENGTHS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)


def logit(probability):
    p = np.clip(probability, 1e-4, 1 - 1e-4)
    return np.log(p / (1 - p))


def describe(block, before_and_after, mean, row, labels):
    left, top, right, bottom = block["box"]
    text = block.get("text") or ""
    said = [float(block["label"] == label) for label in labels]
    return [
        logit(block["confidence"]), logit(mean),
        np.mean([logit(other["confidence"]) for other in before_and_after] or [0.0]),
        np.mean([other["label"] == block["label"] for other in before_and_after] or [0.0]),
        np.log1p(len(text)), np.mean([c.isdigit() for c in text] or [0.0]), np.mean([c.isupper() for c in text] or [0.0]),
        float(text.rstrip().endswith((".", ";"))), top / row["height"], (bottom - top) / row["height"],
        (right - left) / row["width"], left / row["width"], *said, *[logit(block["confidence"]) * one for one in said],
    ]


def votes_of(blocks, row):
    """Labels of the words whose middle lies in each block."""
    votes = [Counter() for _ in blocks]
    for word, label in zip(row["words"], row["labels"]):
        x, y = (word["bbox"][0] + word["bbox"][2]) / 2, (word["bbox"][1] + word["bbox"][3]) / 2
        for block, vote in zip(blocks, votes):
            left, top, right, bottom = block["box"]
            if label and left <= x <= right and top <= y <= bottom:
                vote[label] += 1
    return votes


def answers(data, analyses):
    """Confidence, whether it is right, description and company of every block."""
    rows = [json.loads(line) for line in pathlib.Path(data).read_text(encoding="utf-8").splitlines()]
    labels = sorted({label for row in rows for label in row["labels"] if label})
    documents = defaultdict(list)
    for row in rows:
        # `validation/NAME.STYLE.PAGE.png`: the PDF is NAME.STYLE.pdf.
        documents[pathlib.Path(row["image"]).name.rsplit(".", 2)[0]].append(row)
    for name, pages in documents.items():
        analysis = json.loads((pathlib.Path(analyses) / f"{name}.pdf.json").read_text())
        for row in pages:
            blocks = [block for block in analysis["blocks"] if block["page"] == row["page"]]
            mean = np.mean([block["confidence"] for block in blocks]) if blocks else 0.5
            for place, (block, vote) in enumerate(zip(blocks, votes_of(blocks, row))):
                if vote:
                    around = [blocks[other] for other in (place - 1, place + 1) if 0 <= other < len(blocks)]
                    right = float(vote.most_common(1)[0][0] == block["label"])
                    yield block["confidence"], right, describe(block, around, mean, row, labels), row["group"]


def held_out(inputs, right, groups, strength):
    out = np.zeros(len(right))
    for train, test in GroupKFold(min(8, len(set(groups)))).split(inputs, right, groups):
        mean, spread = inputs[train].mean(0), inputs[train].std(0) + 1e-9
        model = LogisticRegression(C=strength, max_iter=5000).fit((inputs[train] - mean) / spread, right[train])
        out[test] = model.predict_proba((inputs[test] - mean) / spread)[:, 1]
    return out


def log_loss(probability, right):
    p = np.clip(probability, 1e-6, 1 - 1e-6)
    return -(right * np.log(p) + (1 - right) * np.log(1 - p))


def gain(first, second, right, groups, rounds=1000):
    """Mean of (first's log loss - second's) with its 95% interval, companies drawn with replacement."""
    difference = log_loss(first, right) - log_loss(second, right)
    names, generator = sorted(set(groups)), np.random.default_rng(1)
    sums = np.array([[difference[groups == name].sum(), (groups == name).sum()] for name in names])
    drawn = [sums[generator.integers(0, len(names), len(names))].sum(0) for _ in range(rounds)]
    low, high = np.percentile([total / count for total, count in drawn], [2.5, 97.5])
    return f"log loss smaller by {difference.mean():.4f} [{low:.4f}, {high:.4f}]"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--analyses", required=True)
    options = parser.parse_args()
    confidence, right, inputs, groups = (np.array(column) for column in zip(*answers(options.data, options.analyses)))
    print(f"{len(right)} blocks of {len(set(groups))} companies, {right.mean():.3f} right")
    print("as it ships         ", figures(confidence, right))
    for name, part in {"all features": inputs, "confidence": inputs[:, :1]}.items():
        tried = {strength: held_out(part, right, groups, strength) for strength in STRENGTHS}
        best = min(tried, key=lambda strength: log_loss(tried[strength], right).mean())
        print(f"{name:<13} C {best:<5}", figures(tried[best], right), gain(confidence, tried[best], right, groups))


if __name__ == "__main__":
    main()
