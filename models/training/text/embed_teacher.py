"""Sentence embeddings of the unchanged base model for the training texts.

The ``sentence_embedding`` head is trained to reproduce them (one minus cosine), so that
fine-tuning for sentiment does not collapse the geometry that makes similar sentences
near. Writes WORK/teacher/<split of sentiment>.npy, row by row as the JSONL files.

    python embed_teacher.py
"""

from __future__ import annotations

import numpy as np
import torch

from common import WORK, read_jsonl, sha256_text, token_batches
from modeling import TextEncoder, encode_text, load_tokenizer, pad


def main() -> None:
    torch.set_num_threads(1)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    tokenizer, model = load_tokenizer(), TextEncoder.from_base().eval().to(device)
    folder = WORK / "teacher"
    folder.mkdir(parents=True, exist_ok=True)
    store = folder / "embeddings.npz"
    known: dict[str, np.ndarray] = {}
    if store.exists():
        saved = np.load(store)
        known = dict(zip(saved["key"].tolist(), saved["vector"], strict=True))
    texts = set()
    for name in ("sentiment/train", "sentiment/validation", "reports/train"):
        path = WORK / f"{name}.jsonl"
        if path.exists():
            texts.update(row["text"] for row in read_jsonl(path))
    wanted = sorted(text for text in texts if sha256_text(text)[:16] not in known)
    rows = [encode_text(tokenizer, text, 128)[0] for text in wanted]
    batches = token_batches([len(row) for row in rows], 4096, 64, None)
    for number, batch in enumerate(batches):
        ids = pad([rows[item] for item in batch]).to(device)
        mask = (ids != 0).long()
        with torch.no_grad(), torch.autocast(device.type, torch.bfloat16):
            hidden = model.hidden(ids, mask, torch.zeros_like(ids)).float()
            pooled = model.mean_pool(hidden, mask)
        vectors = torch.nn.functional.normalize(pooled, dim=-1).half().cpu().numpy()
        for item, vector in zip(batch, vectors, strict=True):
            known[sha256_text(wanted[item])[:16]] = vector
        if number % 50 == 0:
            print(f"{number}/{len(batches)} batches", flush=True)
    keys = sorted(known)
    np.savez(store, key=np.array(keys), vector=np.stack([known[key] for key in keys]))
    print(f"{len(keys)} embeddings")


if __name__ == "__main__":
    main()
