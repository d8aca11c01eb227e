"""Fills the model card's figures from WORK/eval/figures.json -> WORK/bundle/MODEL_CARD.md

    python card.py
"""

from __future__ import annotations

import json
import shutil

from common import HERE, WORK

SENTIMENT = [("sentiment_sentfin", "SEntFiN, entities not in training"), ("sentiment_reports", "report sentences, companies not in training")]
SECTIONS = [
    ("sections_item", "items of 10-Ks (title and text)"), ("sections_part", "main parts of other filings (title and text)"),
    ("sections_statement", "statements, notes, auditor's reports (text only)"), ("sections_sub", "headings inside a part (title and text)"), ("sections_all", "all of these"),
]
ENTITIES = [
    ("entities_fin5", "FIN5 document 5: ORG, PER, LOC"), ("entities_fin5_without_borrower_lender_sentences", "the same, sentences without Borrower or Lender"),
    ("entities_hand", "100 report sentences marked by hand: ORG, PER, LOC"), ("entities_hand_MONEY", "the same: MONEY"),
    ("entities_hand_PERCENT", "the same: PERCENT"), ("entities_hand_DATE", "the same: DATE"), ("entities_wikigold", "wikigold: ORG, PER, LOC"), ("entities_fire", "FIRE: ORG, PER, LOC"), ("entities_fire_MONEY", "FIRE: MONEY"), ("entities_fire_DATE", "FIRE: DATE"),
    ("entities_fire_METRIC", "FIRE: METRIC"), ("entities_kpi_edgar_METRIC", "KPI-EDGAR: METRIC"),
]


def interval(figure: dict, name: str) -> str:
    low, high = figure[f"{name}_interval"]
    return f"{figure[name]:.3f} [{low:.3f}, {high:.3f}]"


def tables(figures: dict) -> str:
    lines = ["| sentiment (int8) | n | macro-F1 | accuracy | positive / negative / neutral F1 | calibration error before, after | macro-F1 fp32 |", "|---|---|---|---|---|---|---|"]
    int8, fp32 = figures["int8"], figures["fp32"]
    for name, title in SENTIMENT:
        one = int8[name]
        per = " / ".join(f"{one['per_label'][label]:.2f}" for label in ("positive", "negative", "neutral"))
        lines.append(f"| {title} | {one['n']} | {interval(one, 'macro_f1')} | {interval(one, 'accuracy')} | {per} | {one['calibration_error_uncalibrated']:.3f}, {one['calibration_error']:.3f} | {fp32[name]['macro_f1']:.3f} |")
    lines += ["", "| entities, strict spans (int8) | gold spans | precision | recall | F1 | F1 fp32 |", "|---|---|---|---|---|---|"]
    for name, title in ENTITIES:
        one = int8[name]
        lines.append(f"| {title} | {one['gold']} | {one['precision']:.3f} | {one['recall']:.3f} | {interval(one, 'f1')} | {fp32[name]['f1']:.3f} |")
    words = int8["entities_words"]
    lines += ["", f"Calibration error of the word labels: {words['calibration_error_uncalibrated']:.3f} before, {words['calibration_error']:.3f} after scaling.", ""]
    lines += ["| section kinds (int8) | n | accuracy | macro-F1 | calibration error before, after | accuracy fp32 |", "|---|---|---|---|---|---|"]
    for name, title in SECTIONS:
        one = int8[name]
        lines.append(f"| {title} | {one['n']} | {interval(one, 'accuracy')} | {interval(one, 'macro_f1')} | {one['calibration_error_uncalibrated']:.3f}, {one['calibration_error']:.3f} | {fp32[name]['accuracy']:.3f} |")
    lines += ["", "Reliability of the sentiment probabilities (int8, after scaling):", "", "| set | " + " | ".join(f"{index / 10:.1f} to {(index + 1) / 10:.1f}" for index in range(3, 10)) + " |", "|---|" + "---|" * 7]
    for name, title in SENTIMENT:
        cells = {min(9, int(row["confidence"] * 10)): f"{row['accuracy']:.2f} of {row['n']}" for row in int8[name]["reliability"]}
        lines.append(f"| {title} | " + " | ".join(cells.get(index, "") for index in range(3, 10)) + " |")
    agree = figures["agreement_reports"], figures["agreement_sentfin"]
    lines += ["", f"int8 and fp32 give the same sentiment label for {agree[0]['same_label']:.1%} of the report sentences and {agree[1]['same_label']:.1%} of the headlines; the largest logit difference is {max(one['largest_logit_difference'] for one in agree):.2f}."]
    return "\n".join(lines)


def main() -> None:
    figures = json.loads((WORK / "eval" / "figures.json").read_text(encoding="utf-8"))
    template = (HERE / "card_template.md").read_text(encoding="utf-8")
    one = figures["int8"]
    values = {
        "figures": tables(figures), "sentfin": f"{one['sentiment_sentfin']['macro_f1']:.3f}", "reports": f"{one['sentiment_reports']['macro_f1']:.3f}",
        "calibration": f"{one['sentiment_sentfin']['calibration_error']:.3f} and {one['sentiment_reports']['calibration_error']:.3f}",
        "fin5": f"{one['entities_fin5']['f1']:.3f}", "items": f"{one['sections_item']['accuracy']:.3f}", "parts": f"{one['sections_part']['accuracy']:.3f}",
    }
    for name, value in values.items():
        template = template.replace("{" + name + "}", value)
    (WORK / "bundle" / "MODEL_CARD.md").write_text(template, encoding="utf-8")
    shutil.copyfile(HERE / "notice.txt", WORK / "bundle" / "LICENSE-NOTICE")


if __name__ == "__main__":
    main()
