"""Training data of `distress`: the 64 ratios of Polish companies, with ratios left out at random.

    python distress.py 5year.arff -o distress.jsonl
    docproc train distress --data distress.jsonl --note distress.md -o ../../networks/distress

Every company gives one row with all its ratios (part `all ratios`) and one in which some of the amounts behind them are
taken to be unknown, each with the chance of not being found in a report (part `as in reports`). A ratio is kept where every
amount that it needs is known. The rows of one company share a group. Values are stored as the feature set `ratios` says:
sign(r) ln(1 + |r|). x06, x29 and x55 are left out everywhere, as the feature set does.
"""

import argparse
import json
import math
import pathlib
import random

# The amounts behind x01 to x64, as in src/scoring/features/ratios.rs.
NEEDS = """net ta|tl ta|ca cl ta|ca cl|cash rec cl opex dep||pre ta|eq tl|sales ta|eq ta|pre int ta|pre cl|pre dep sales
pre ta|tl pre dep|pre dep tl|ta tl|pre ta|pre sales|inv sales|sales before|op ta|net sales|pre3 ta|eq cap ta|net dep tl
op int|ca cl ta|-|tl cash sales|pre sales|cl opex|opex cl|opex tl|op ta|sales ta|ca inv tl cl|eq tl cl ta|op sales
ca inv rec cl|tl op dep|op sales|rec inv sales|rec sales|net inv|ca inv cl|inv opex|op dep ta|op dep sales|ca tl|cl ta
cl opex|eq ca ta|eq tl cl ca ta|-|sales opex|net eq|opex sales|tl cl eq|sales inv|sales rec|cl sales|sales cl|sales ca ta"""
NEEDS = [need.split() for need in NEEDS.replace("\n", "|").split("|")]
LEFT_OUT = {5, 28, 54}
AMOUNTS = sorted({amount for need in NEEDS for amount in need if amount != "-"})
# Share of reports in which an amount was not found, roughly, among the training companies' filings.
MISSING = {"inv": 0.5, "int": 0.5, "pre3": 0.4, "before": 0.2, "cap": 0.3, "dep": 0.3, "rec": 0.3, "op": 0.3, "opex": 0.3,
           "cash": 0.15, "pre": 0.15, "ca": 0.15, "cl": 0.15, "tl": 0.1, "eq": 0.05, "sales": 0.1, "net": 0.1, "ta": 0.0}


def compressed(text):
    if text == "?":
        return None
    value = float(text)
    return round(math.copysign(math.log1p(abs(value)), value), 6)


def masked(values, unknown):
    return [None if set(need) & unknown else value for need, value in zip(NEEDS, values)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("arff", type=pathlib.Path)
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    assert len(NEEDS) == 64
    lines = arguments.arff.read_text().split("@data", 1)[1].split()
    rng = random.Random(5)
    with arguments.output.open("w") as output:
        for number, line in enumerate(lines):
            *texts, bankrupt = line.split(",")
            values = [None if index in LEFT_OUT else compressed(text) for index, text in enumerate(texts)]
            usual = {amount for amount in AMOUNTS if rng.random() < MISSING[amount]}
            for part, unknown in [("all ratios", set()), ("as in reports", usual)]:
                row = masked(values, unknown)
                if sum(value is not None for value in row) < 25:
                    continue
                output.write(json.dumps({"set": "ratios/1", "features": row, "label": int(bankrupt),
                                         "group": f"company {number}", "part": part}) + "\n")


if __name__ == "__main__":
    main()
