"""Optional: turns a shipped bundle back into a run, so that training can go on from it (`train.py --init`).

    python restore.py --bundle ../../layoutlmv3 --run shipped

The linear layers come back at the precision of their eight bits; everything else is exact. The
bundle's tokenizer becomes the tokenizer of the work folder: the vocabulary must stay the same.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import numpy
import onnx
import torch
from onnx import numpy_helper
from tokenizers import Tokenizer

from common import WORK
from model import new_config, new_model

# Tables that the exporter stores transposed and without a name, in the order of the graph.
RELATIVE = ["rel_pos_bias", "rel_pos_x_bias", "rel_pos_y_bias"]


def weights_of(path: Path) -> dict[str, torch.Tensor]:
    """Parameters by the model's own names."""
    graph = onnx.load(str(path)).graph
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    found = {name.removeprefix("model."): torch.tensor(value) for name, value in stored.items() if name.startswith("model.")}
    for node in graph.node:
        if node.op_type not in ("MatMulInteger", "MatMul"):
            continue
        name = node.input[1]
        if name not in stored:
            continue
        value = stored[name].astype(numpy.float32)
        if node.op_type == "MatMulInteger":
            value = value * stored[name.removesuffix("_quantized") + "_scale"]
        place = node.name.removeprefix("/model/").rsplit("/", 1)[0].replace("/", ".")
        found[f"{place}.weight"] = torch.tensor(value.T.copy())
    tables = sorted(name for name in stored if name.startswith("onnx::Gather"))
    for name, table in zip(RELATIVE, tables, strict=True):
        found[f"layoutlmv3.encoder.{name}.weight"] = torch.tensor(stored[table].T.copy())
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--run", required=True)
    options = parser.parse_args()
    folder = WORK / "runs" / options.run
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(options.bundle / "tokenizer.json", WORK / "tokenizer.json")
    model = new_model(new_config(Tokenizer.from_file(str(WORK / "tokenizer.json")).get_vocab_size()))
    source = options.bundle / "model.onnx"
    found = weights_of(source if source.exists() else options.bundle / "model.int8.onnx")
    missing, unknown = model.load_state_dict(found, strict=False)
    if missing or unknown:
        raise SystemExit(f"not a bundle of this model: without {missing}, with {unknown}")
    torch.save(model.state_dict(), folder / "model.pt")
    print(f"{folder / 'model.pt'}: {sum(value.numel() for value in found.values()):,} parameters")


if __name__ == "__main__":
    main()
