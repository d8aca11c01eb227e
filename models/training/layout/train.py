"""Step 3: trains the layout model. Resumable (from the start of the epoch that was cut off); the learning rate follows steps or minutes."""

from __future__ import annotations

import argparse
import json
import math
import random
import time

import numpy
import torch
from tokenizers import Tokenizer

import metrics
from common import WORK
from dataset import Encoder, augment, batches, class_weights, collate, load_pages, windows_of
from model import new_config, new_model, use_fast_attention


def predict(model, encoder: Encoder, pages, budget: int = 6000) -> list[numpy.ndarray]:
    """Logits of every word (words x labels), page by page."""
    model.eval()
    out = [numpy.zeros((len(page.texts), model.config.num_labels), dtype=numpy.float32) for page in pages]
    where = {id(page): index for index, page in enumerate(pages)}
    items = [window for page in pages for window in windows_of(page, encoder)]
    device = next(model.parameters()).device
    with torch.no_grad():
        for batch in batches(items, budget):
            inputs, starts = collate(batch)
            inputs.pop("labels")
            logits = model(**{name: value.to(device) for name, value in inputs.items()}).logits.float().cpu().numpy()
            for row, (window, firsts) in enumerate(zip(batch, starts)):
                begin, end = window.answers
                out[where[id(window.page)]][begin:end] = logits[row, firsts[begin - window.first:end - window.first]]
    return out


def softmax(logits: numpy.ndarray, temperature: float = 1.0) -> numpy.ndarray:
    values = logits / temperature
    values = numpy.exp(values - values.max(-1, keepdims=True))
    return values / values.sum(-1, keepdims=True)


def score(model, encoder, pages) -> dict:
    logits = predict(model, encoder, pages)
    return metrics.summary([(page.job, page.labels, softmax(values)) for page, values in zip(pages, logits)], rounds=50)


class Feed(torch.utils.data.IterableDataset):
    """Augmented batches without end, as (epoch, inputs). With several workers each has its share of the pages.

    Windows of nothing but running text are kept with chance ``thin``."""

    def __init__(self, pages, encoder, seed: int, budget: int, thin: float, epoch: int = 0) -> None:
        self.pages, self.encoder, self.seed, self.budget, self.thin, self.epoch = pages, encoder, seed, budget, thin, epoch

    def __iter__(self):
        torch.set_num_threads(1)
        worker = torch.utils.data.get_worker_info()
        share, count = (worker.id, worker.num_workers) if worker else (0, 1)
        epoch = self.epoch
        while True:
            order = list(range(len(self.pages)))
            random.Random(f"{self.seed}/{epoch}").shuffle(order)
            rng = random.Random(f"{self.seed}/{epoch}/{share}")
            items = []
            for place in order[share::count]:
                for window in windows_of(augment(self.pages[place], rng), self.encoder, rng):
                    labels = window.page.labels[window.first:window.last]
                    if len(labels) > 60 and (labels == 9).mean() > 0.95 and rng.random() > self.thin:
                        continue
                    items.append(window)
            for batch in batches(items, self.budget, rng):
                yield epoch, collate(batch)[0]
            epoch += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", required=True, help="name of the run; its folder holds checkpoint, log and result")
    parser.add_argument("--pages", default="pages", help="folders under work/layout, the preferred one first")
    parser.add_argument("--minutes", type=float, default=0.0, help="train for this long; the schedule follows the clock")
    parser.add_argument("--steps", type=int, default=0, help="train for this many steps instead")
    parser.add_argument("--rate", type=float, default=8e-4)
    parser.add_argument("--budget", type=int, default=2000, help="text and image tokens per batch")
    parser.add_argument("--keep-patches", type=float, default=0.4, help="share of image patches kept while training")
    parser.add_argument("--thin", type=float, default=0.3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=0, help="processes that prepare batches; 0 prepares them in this one")
    parser.add_argument("--check", type=int, default=400, help="steps between measurements on held-out pages")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--init", default="", help="start from the weights of this run")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    folder = WORK / "runs" / options.run
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer.from_file(str(WORK / "tokenizer.json"))
    encoder = Encoder(tokenizer)
    sources = [WORK / name for name in options.pages.split(",")]
    pages = load_pages([source / "train" for source in sources])
    held = load_pages([source / "validation" for source in sources])
    held = random.Random(1).sample(held, min(70, len(held)))
    vocabulary = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get)
    model = new_model(new_config(len(vocabulary)), vocabulary)
    if options.init:
        model.load_state_dict(torch.load(WORK / "runs" / options.init / "model.pt", map_location="cpu"))
    model.to(device)
    use_fast_attention(model, options.keep_patches)
    weights = class_weights(pages).to(device)
    print(f"{len(pages)} pages, {len(held)} held out, {sum(p.numel() for p in model.parameters()):,} parameters, "
          f"weights {[round(float(w), 2) for w in weights]}", flush=True)
    decay = [p for p in model.parameters() if p.dim() > 1]
    rest = [p for p in model.parameters() if p.dim() <= 1]
    optimizer = torch.optim.AdamW([{"params": decay, "weight_decay": 0.05}, {"params": rest, "weight_decay": 0.0}],
                                  lr=options.rate, betas=(0.9, 0.98))
    state = {"step": 0, "epoch": 0, "spent": 0.0}
    checkpoint = folder / "checkpoint.pt"
    if checkpoint.exists():
        saved = torch.load(checkpoint, map_location="cpu")
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        state = saved["state"]
        print("resumed", state, flush=True)
    total = options.minutes * 60
    begun, earlier = time.time(), state["spent"]

    def progress() -> float:
        return state["step"] / options.steps if options.steps else (time.time() - begun + earlier) / total

    def save():
        state["spent"] = time.time() - begun + earlier
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "state": state}, folder / "checkpoint.tmp")
        (folder / "checkpoint.tmp").replace(checkpoint)

    running, saved_at, words = 0.0, time.time(), 0
    feed = Feed(pages, encoder, options.seed, options.budget, options.thin, state["epoch"])
    loader = torch.utils.data.DataLoader(feed, batch_size=None, num_workers=options.workers, prefetch_factor=4 if options.workers else None,
                                         pin_memory=device == "cuda")
    for state["epoch"], inputs in loader:
        done = progress()
        if done >= 1:
            break
        warm = min(1.0, (state["step"] + 1) / 60)
        rate = options.rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))
        for group in optimizer.param_groups:
            group["lr"] = rate
        model.train()
        model.layoutlmv3.encoder.keep_patches = options.keep_patches if done < 0.85 else 1.0
        inputs = {name: value.to(device, non_blocking=True) for name, value in inputs.items()}
        labels = inputs.pop("labels")
        with torch.autocast("cuda", torch.bfloat16, enabled=device == "cuda"):
            logits = model(**inputs).logits
        loss = torch.nn.functional.cross_entropy(logits.float().flatten(0, 1), labels.flatten(), weight=weights, ignore_index=-100)
        if not torch.isfinite(loss):
            continue
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        state["step"] += 1
        running = 0.97 * running + 0.03 * loss.item() if running else loss.item()
        words += int((labels >= 0).sum())
        if state["step"] % 25 == 0:
            print(f"step {state['step']} epoch {state['epoch']} loss {running:.3f} rate {rate:.2e} progress {done:.2f} "
                  f"words/s {words / (time.time() - begun):.0f}", flush=True)
        if state["step"] % options.check == 0 and done < 0.95:
            result = score(model, encoder, held)
            print(f"step {state['step']}: held-out macro-F1 {result['macro_f1']:.3f} accuracy {result['accuracy']:.3f}", flush=True)
        if time.time() - saved_at > 150:
            save()
            saved_at = time.time()
    save()
    torch.save(model.state_dict(), folder / "model.pt")
    result = score(model, encoder, held)
    print(metrics.table(result))
    (folder / "result.json").write_text(json.dumps({"options": vars(options), "state": state, "held_out": result}, indent=1))


if __name__ == "__main__":
    main()
