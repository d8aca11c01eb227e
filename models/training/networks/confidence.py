"""Whether a `confidence_estimator` for sentiment answers would be better calibrated than the softmax that ships.

    DOCPROC_DATA=... python confidence.py

Runs the shipped text encoder over the validation texts (report sentences of `models/training/text/labels` and the
validation headlines of SEntFiN, as `prepare_sentiment.py` splits them), describes every answer by 24 features (its
probabilities, and what kind of sentence it is), and fits logistic regression on whether the answer is right. Prints log
loss, Brier score and calibration error, cross-validated by company or headline, beside those of the temperature-scaled
softmax on the same texts. Nothing but validation texts is looked at.
"""

import json
import pathlib
import sys

import numpy as np
import onnxruntime
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from tokenizers import Tokenizer

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "text"))
import prepare_sentiment  # noqa: E402

BUNDLE = HERE.parent.parent / "finbert"
LABELS = ["negative", "neutral", "positive"]
RISE = ("increas", "grew", "grow", "rose", "rise", "higher", "improv", "gain", "strong", "up")
FALL = ("decreas", "declin", "fell", "fall", "lower", "drop", "reduc", "loss", "weak", "down")


def texts():
    for line in (HERE.parent / "text/labels/reports_validation.jsonl").read_text().splitlines():
        row = json.loads(line)
        yield row["text"], row["label"], row["company"]
    for row in prepare_sentiment.sentfin():
        if row["split"] == "validation":
            yield row["text"], row["label"], row["text"]


def answers(rows):
    config = json.loads((BUNDLE / "config.json").read_text())
    names = [config["id2label"][str(index)] for index in range(3)]
    order = [names.index(label) for label in LABELS]
    tokenizer = Tokenizer.from_file(str(BUNDLE / "tokenizer.json"))
    tokenizer.enable_truncation(config["max_tokens"]["sentence"])
    session = onnxruntime.InferenceSession(BUNDLE / "model.int8.onnx")
    for text, *_ in rows:
        ids = np.array([tokenizer.encode(text).ids])
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        logits = session.run(["logits"], inputs)[0][0] / config["calibration"]["sentiment"]
        probabilities = np.exp(logits - logits.max())
        yield (probabilities / probabilities.sum())[order]


def features(text, probabilities):
    p = np.clip(probabilities, 1e-4, 1 - 1e-4)
    answer = int(p.argmax())
    logit = np.log(p[answer] / (1 - p[answer]))
    words = [word.strip(".,;:()\"'").lower() for word in text.split()]
    says = [float(answer == label) for label in range(3)]
    rise, fall = (sum(word.startswith(stems) for word in words) for stems in (RISE, FALL))
    has = lambda *some: float(any(word in some for word in words))
    return [
        logit, p[answer] - np.sort(p)[1], -(p * np.log(p)).sum() / np.log(3), *p, *says, *[logit * s for s in says],
        np.log1p(len(words)), np.mean([any(c.isdigit() for c in word) for word in words]),
        float("%" in text), float(any(c in text for c in "$€£")), min(rise, 3), min(fall, 3), float(rise > 0 and fall > 0),
        has("but", "although", "however", "offset", "despite", "while"), has("not", "no", "nor", "without", "never"),
        has("may", "might", "could", "would"), np.mean([word[0].isupper() for word in text.split()]),
        float(text.rstrip().endswith(".")),
    ]


def figures(probability, right):
    p = np.clip(probability, 1e-6, 1 - 1e-6)
    bins = np.minimum((p * 15).astype(int), 14)
    error = sum(abs(p[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean() for b in set(bins))
    loss = -(right * np.log(p) + (1 - right) * np.log(1 - p)).mean()
    return f"log loss {loss:.4f}  Brier {((p - right) ** 2).mean():.4f}  calibration error {error:.4f}"


def main():
    rows = list(texts())
    probabilities = np.array(list(answers(rows)))
    right = np.array([LABELS[p.argmax()] == label for p, (_, label, _) in zip(probabilities, rows)], float)
    inputs = np.array([features(text, p) for (text, *_), p in zip(rows, probabilities)])
    groups = np.array([group for *_, group in rows])
    print(f"{len(rows)} texts, {right.mean():.3f} right")
    print("softmax                      ", figures(probabilities.max(1), right))
    for name, columns in [("24 features", range(24)), ("logit by answer", [0, 6, 7, 8, 9, 10, 11]), ("logit", [0])]:
        for strength in (0.01, 0.1, 1.0):
            held_out = np.zeros(len(rows))
            part = inputs[:, list(columns)]
            for train, test in GroupKFold(8).split(part, right, groups):
                mean, spread = part[train].mean(0), part[train].std(0) + 1e-9
                model = LogisticRegression(C=strength, max_iter=2000).fit((part[train] - mean) / spread, right[train])
                held_out[test] = model.predict_proba((part[test] - mean) / spread)[:, 1]
            print(f"{name:<20} C {strength:<6}", figures(held_out, right))


if __name__ == "__main__":
    main()
