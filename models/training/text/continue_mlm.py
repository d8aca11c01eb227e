"""Continued masked-language training of the base encoder on report prose (optional).

    python continue_mlm.py --tokens 700000

Reads WORK/mlm/reports.txt (training companies only), writes a BERT checkpoint folder
WORK/mlm/encoder that ``train.py --base`` starts from. The output layer shares the
word vectors, which stay fixed; only its transform is new and is thrown away after.
"""

from __future__ import annotations

import argparse
import math
import random
import time

import torch
from torch import nn
from torch.nn import functional
from transformers import BertModel

from common import SEED, WORK, base_model, seed_everything, token_batches
from modeling import encode_text, load_tokenizer, pad

MASK, SHARE = 103, 0.15


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tokens", type=int, default=700_000)
    parser.add_argument("--rate", type=float, default=1e-4)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    seed_everything()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    tokenizer = load_tokenizer()
    encoder = BertModel.from_pretrained(base_model(), add_pooling_layer=False).to(device)
    hidden = encoder.config.hidden_size
    words = encoder.embeddings.word_embeddings.weight.requires_grad_(False)
    head = nn.Sequential(nn.Linear(hidden, hidden), nn.GELU(), nn.LayerNorm(hidden)).to(device)
    bias = nn.Parameter(torch.zeros(words.shape[0], device=device))
    weights = [weight for weight in encoder.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(
        [{"params": weights, "lr": options.rate}, {"params": [*head.parameters(), bias], "lr": 1e-3}], weight_decay=0.01, fused=True
    )
    coin = random.Random(SEED)
    lines = (WORK / "mlm" / "reports.txt").read_text(encoding="utf-8").splitlines()
    rows, count = [], 0
    for line in lines:
        ids = encode_text(tokenizer, line, 128)[0]
        count += len(ids)
        rows.append(ids)
        if count > options.tokens:
            break
    batches = token_batches([len(row) for row in rows], 1536, 48, coin)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / 40, max(0.02, 0.5 * (1 + math.cos(math.pi * step / len(batches)))))
    )
    encoder.train()
    began, running = time.time(), None
    for step, batch in enumerate(batches):
        ids = pad([rows[item] for item in batch]).to(device)
        mask = (ids != 0).long()
        chosen = (torch.rand(ids.shape, device=device) < SHARE) & (ids > 103)
        noise = torch.rand(ids.shape, device=device)
        shown = torch.where(chosen & (noise < 0.8), MASK, ids)
        shown = torch.where(chosen & (noise > 0.9), torch.randint_like(ids, 1000, words.shape[0]), shown)
        with torch.autocast(device.type, torch.bfloat16):
            out = encoder(input_ids=shown, attention_mask=mask).last_hidden_state[chosen]
            logits = head(out) @ words.T + bias
        loss = functional.cross_entropy(logits.float(), ids[chosen])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        schedule.step()
        running = loss.item() if running is None else 0.97 * running + 0.03 * loss.item()
        if (step + 1) % 25 == 0:
            print(f"step {step + 1}/{len(batches)} loss {running:.3f} {(step + 1) / (time.time() - began):.2f} steps/s", flush=True)
    encoder.save_pretrained(WORK / "mlm" / "encoder")
    (WORK / "mlm" / "encoder" / "tokenizer.json").write_bytes((base_model() / "tokenizer.json").read_bytes())


if __name__ == "__main__":
    main()
