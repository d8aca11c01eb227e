"""Pages to model inputs: tokens with boxes, windows, augmentation, batches."""

from __future__ import annotations

import json
import math
import random
from dataclasses import dataclass
from pathlib import Path

import numpy
import torch
from PIL import Image, ImageFilter
from tokenizers import Tokenizer

from common import LABEL_ID

CLS, PAD, SEP = 0, 1, 2
OVERLAP = 64                      # tokens that a window repeats from the one before it, outside training
CONTENT = 510                     # tokens of a window between <s> and </s>
CONFUSIONS = {"l": "1", "1": "l", "0": "O", "O": "0", "S": "5", "5": "S", "rn": "m", "e": "c", ",": ".", ".": ",", "I": "l", "B": "8"}


@dataclass
class Page:
    job: str
    style: str
    index: int
    texts: list[str]
    boxes: numpy.ndarray          # words x 4, in 0..1000
    labels: numpy.ndarray         # words, -1 unknown
    blocks: numpy.ndarray
    image: numpy.ndarray          # 224 x 224 x 3, uint8


def normalised(words: list[dict], width: float, height: float) -> numpy.ndarray:
    """Boxes scaled to 0..1000 by truncation, as docproc and LayoutLMv3's processor do."""
    boxes = numpy.array([word["bbox"] for word in words], dtype=numpy.float64).reshape(-1, 4)
    boxes = boxes * 1000 / numpy.array([width, height, width, height])
    return numpy.clip(boxes, 0, 1000).astype(numpy.int64)


def load_pages(folders: list[Path]) -> list[Page]:
    """Pages of all jobs in the folders; a job found in several is read from the first."""
    pages, paths = [], {}
    for folder in folders:
        for path in folder.glob("*.jsonl"):
            paths.setdefault(path.name, path)
    for _, path in sorted(paths.items()):
        try:
            images = numpy.load(path.with_suffix(".npy"))
        except (OSError, ValueError):
            continue
        for line, image in zip(path.read_text().splitlines(), images):
            page = json.loads(line)
            pages.append(Page(page["job"], page["style"], page["page"], [w["text"] for w in page["words"]],
                              normalised(page["words"], page["width"], page["height"]),
                              numpy.array(page["labels"]), numpy.array(page["blocks"]), image))
    return pages


class Encoder:
    """Sub-tokens of single words, remembered: pages repeat their words."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer, self.known = tokenizer, {}

    def words(self, texts: list[str]) -> list[list[int]]:
        fresh = sorted({text for text in texts if text not in self.known})
        if fresh:
            for text, encoding in zip(fresh, self.tokenizer.encode_batch(fresh, add_special_tokens=False)):
                self.known[text] = encoding.ids or [3]
        return [self.known[text] for text in texts]


def overlapping(lengths: list[int]) -> list[tuple[int, int, int, int]]:
    """Windows as docproc cuts them: (first, last, answers from, answers to) as word indices.

    Windows repeat about OVERLAP tokens; a word seen twice is answered where it is farther from a cut."""
    starts = numpy.concatenate([[0], numpy.cumsum([min(n, CONTENT) for n in lengths])]).astype(int)
    spans, first = [], 0
    while True:
        last = int(numpy.searchsorted(starts, starts[first] + CONTENT, side="right")) - 1
        last = max(last, first + 1)
        spans.append((first, last))
        if last >= len(lengths):
            break
        first = max(int(numpy.searchsorted(starts, starts[last] - OVERLAP)), first + 1)
    out, done = [], 0
    for number, (first, last) in enumerate(spans):
        end = last
        if number + 1 < len(spans):
            following = spans[number + 1][0]
            end = (following + last + 1) // 2
        out.append((first, last, done, end))
        done = end
    return out


def windows(lengths: list[int], rng: random.Random) -> list[tuple[int, int]]:
    """Word ranges of at most CONTENT tokens that cover the page, cut at random places: for training."""
    if not lengths:
        return []
    target = CONTENT if sum(lengths) <= CONTENT else rng.uniform(0.55, 1.0) * CONTENT
    out, start, count = [], 0, 0
    for index, length in enumerate(lengths):
        length = min(length, CONTENT)
        if count and count + length > target:
            out.append((start, index))
            start, count, target = index, 0, rng.uniform(0.55, 1.0) * CONTENT
        count += length
    out.append((start, len(lengths)))
    return out


def pixels(image: numpy.ndarray) -> numpy.ndarray:
    """(3, 224, 224) float32, normalised with mean and standard deviation 0.5."""
    return (image.astype(numpy.float32) / 127.5 - 1.0).transpose(2, 0, 1)


def augment(page: Page, rng: random.Random) -> Page:
    """Scan noise, skew, moved and scaled content, lost words, misread letters."""
    boxes, image, texts, labels = page.boxes.astype(numpy.float64), page.image, page.texts, page.labels
    noise = numpy.random.default_rng(rng.getrandbits(32))
    if rng.random() < 0.6:
        scale = numpy.array([rng.uniform(0.9, 1.06), rng.uniform(0.94, 1.04)] * 2)
        shift = numpy.array([rng.uniform(-25, 25), rng.uniform(-18, 18)] * 2)
        boxes = (boxes - 500) * scale + 500 + shift
        size = image.shape[0]
        picture = Image.fromarray(image)
        matrix = (1 / scale[0], 0, (500 - (500 + shift[0]) / scale[0]) * size / 1000,
                  0, 1 / scale[1], (500 - (500 + shift[1]) / scale[1]) * size / 1000)
        image = numpy.asarray(picture.transform((size, size), Image.AFFINE, matrix, Image.BILINEAR, fillcolor=(255, 255, 255)))
    scanned = rng.random() < 0.25
    if scanned:
        angle = rng.uniform(-1.6, 1.6)
        radians = math.radians(angle)
        cx, cy = (boxes[:, 0] + boxes[:, 2]) / 2 - 500, (boxes[:, 1] + boxes[:, 3]) / 2 - 500
        dx, dy = cx * (math.cos(radians) - 1) + cy * math.sin(radians), -cx * math.sin(radians) + cy * (math.cos(radians) - 1)
        boxes = boxes + numpy.stack([dx, dy, dx, dy], 1)
        picture = Image.fromarray(image).rotate(angle, Image.BILINEAR, fillcolor=(250, 250, 250))
        if rng.random() < 0.5:
            picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 0.9)))
        image = numpy.asarray(picture).astype(numpy.float32)
        if rng.random() < 0.7:
            image = image.mean(2, keepdims=True).repeat(3, 2)
        image = image * rng.uniform(0.8, 1.05) + rng.uniform(-12, 12) + noise.normal(0, rng.uniform(1, 12), image.shape[:2])[..., None]
        image = numpy.clip(image, 0, 255).astype(numpy.uint8)
    if rng.random() < 0.5:
        boxes = boxes + noise.normal(0, rng.uniform(0.3, 1.6), boxes.shape)
    if scanned and rng.random() < 0.6:
        texts = [misread(text, rng) if rng.random() < 0.07 else text for text in texts]
    elif rng.random() < 0.05:
        texts = [text.upper() for text in texts] if rng.random() < 0.4 else [text.lower() for text in texts]
    keep = numpy.ones(len(texts), dtype=bool)
    if rng.random() < 0.2:
        keep = noise.random(len(texts)) > rng.uniform(0.01, 0.12)
        if not keep.any():
            keep[:] = True
        texts = [text for text, kept in zip(texts, keep) if kept]
    boxes = numpy.clip(boxes, 0, 1000).astype(numpy.int64)
    boxes[:, 2] = numpy.maximum(boxes[:, 0], boxes[:, 2])
    boxes[:, 3] = numpy.maximum(boxes[:, 1], boxes[:, 3])
    return Page(page.job, page.style, page.index, texts, boxes[keep], labels[keep], page.blocks[keep], image)


def misread(text: str, rng: random.Random) -> str:
    if rng.random() < 0.3 and len(text) > 3:
        cut = rng.randrange(len(text))
        return text[:cut] + text[cut + 1:]
    for old in rng.sample(list(CONFUSIONS), len(CONFUSIONS)):
        if old in text:
            return text.replace(old, CONFUSIONS[old], 1)
    return text


@dataclass
class Window:
    page: Page
    ids: list[list[int]]          # per word
    first: int
    last: int
    answers: tuple[int, int] | None = None   # words this window answers for; all where None

    @property
    def tokens(self) -> int:
        return sum(min(len(ids), CONTENT) for ids in self.ids[self.first:self.last]) + 2


def windows_of(page: Page, encoder: Encoder, rng: random.Random | None = None) -> list[Window]:
    ids = encoder.words(page.texts)
    if rng is None:
        return [Window(page, ids, first, last, (start, end)) for first, last, start, end in overlapping([len(i) for i in ids])] if ids else []
    return [Window(page, ids, first, last) for first, last in windows([len(i) for i in ids], rng)]


def collate(batch: list[Window]) -> tuple[dict[str, torch.Tensor], list[list[int]]]:
    """Inputs and, for every window, the token index of each word's first sub-token."""
    length = max(window.tokens for window in batch)
    ids = numpy.full((len(batch), length), PAD, dtype=numpy.int64)
    boxes = numpy.zeros((len(batch), length, 4), dtype=numpy.int64)
    labels = numpy.full((len(batch), length), -100, dtype=numpy.int64)
    starts = []
    for row, window in enumerate(batch):
        ids[row, 0] = CLS
        place, firsts = 1, []
        for word in range(window.first, window.last):
            pieces = window.ids[word][:CONTENT]
            ids[row, place:place + len(pieces)] = pieces
            boxes[row, place:place + len(pieces)] = window.page.boxes[word]
            label = window.page.labels[word]
            labels[row, place] = label if label >= 0 else -100
            firsts.append(place)
            place += len(pieces)
        ids[row, place] = SEP
        starts.append(firsts)
    images = numpy.stack([pixels(window.page.image) for window in batch])
    return {"input_ids": torch.from_numpy(ids), "bbox": torch.from_numpy(boxes),
            "attention_mask": torch.from_numpy((ids != PAD).astype(numpy.int64)),
            "pixel_values": torch.from_numpy(images), "labels": torch.from_numpy(labels)}, starts


def batches(items: list[Window], budget: int, rng: random.Random | None = None) -> list[list[Window]]:
    """Windows of like length together; a batch has at most `budget` text and image tokens."""
    order = sorted(items, key=lambda w: (w.tokens + (rng.uniform(0, 40) if rng else 0)))
    out: list[list[Window]] = [[]]
    for window in order:
        if out[-1] and (len(out[-1]) + 1) * (window.tokens + 197) > budget:
            out.append([])
        out[-1].append(window)
    if rng:
        rng.shuffle(out)
    return out


def class_weights(pages: list[Page], power: float = 0.35) -> torch.Tensor:
    counts = numpy.ones(len(LABEL_ID))
    for page in pages:
        counts += numpy.bincount(page.labels[page.labels >= 0], minlength=len(LABEL_ID))
    weights = (counts / counts.sum()) ** -power
    return torch.tensor(weights / (weights * counts).sum() * counts.sum(), dtype=torch.float32)
