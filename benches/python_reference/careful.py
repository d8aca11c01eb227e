"""The same as plain.py, written with care.

The shipped int8 models; one thread per core set on the sessions; one call for a page's text, character boxes through
pypdfium2's raw interface; the page rendered once at a size near 224 pixels; the sentences of a document each computed
once, sorted by length, in batches of at most 512 padded tokens.

    python careful.py --layout FOLDER --text FOLDER [--json OUT] FILE.pdf...

The folders hold model.int8.onnx, tokenizer.json and config.json, as in models/.
"""

import argparse
import ctypes
import json
import os

import numpy as np
import onnxruntime
import pypdfium2
import pypdfium2.raw as raw
from tokenizers import Tokenizer

from common import Result, sentences

WINDOW, OVERLAP = 512, 64
PADDED_TOKENS = 512


def load(folder):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = len(os.sched_getaffinity(0))
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        f"{folder}/model.int8.onnx", options, providers=["CPUExecutionProvider"]
    )
    tokenizer = Tokenizer.from_file(f"{folder}/tokenizer.json")
    config = json.load(open(f"{folder}/config.json", encoding="utf-8"))
    labels = [config["id2label"][str(index)] for index in range(len(config["id2label"]))]
    return session, tokenizer, labels, config


def words_of(page):
    text_page = page.get_textpage()
    handle = text_page.raw
    count = raw.FPDFText_CountChars(handle)
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    unicode, char_box = raw.FPDFText_GetUnicode, raw.FPDFText_GetCharBox
    words, boxes, current = [], [], []
    x0 = y0 = x1 = y1 = 0.0
    for index in range(count):
        character = chr(unicode(handle, index))
        if character.isspace():
            if current:
                words.append("".join(current))
                boxes.append((x0, y0, x1, y1))
                current = []
            continue
        char_box(handle, index, left, right, bottom, top)
        l, r, b, t = left.value, right.value, bottom.value, top.value
        if current:
            x0, y0, x1, y1 = min(x0, l), min(y0, b), max(x1, r), max(y1, t)
        else:
            x0, y0, x1, y1 = l, b, r, t
        current.append(character)
    if current:
        words.append("".join(current))
        boxes.append((x0, y0, x1, y1))
    text_page.close()
    if not words:
        return [], [], np.zeros((0, 4), np.int64)
    width, height = page.get_size()
    array = np.array(boxes)
    array = np.stack([array[:, 0], height - array[:, 3], array[:, 2], height - array[:, 1]], 1)
    scale = np.array([width, height, width, height])
    thousandths = np.clip(array / scale * 1000, 0, 1000).astype(np.int64)
    return words, array.tolist(), thousandths


def label_words(page, words, boxes, session, tokenizer, names):
    scale = 448 / max(page.get_size())
    image = page.render(scale=scale, rev_byteorder=True).to_pil().convert("RGB").resize((224, 224), 2)
    pixels = (np.asarray(image, np.float32).transpose(2, 0, 1) / 127.5 - 1.0)[None]
    encoding = tokenizer.encode(words, is_pretokenized=True)
    labels = ["Text"] * len(words)
    with_zero = np.vstack([boxes, np.zeros((1, 4), np.int64)])
    for window in [encoding] + encoding.overflowing:
        places = np.array([-1 if word is None else word for word in window.word_ids])
        logits = session.run(
            ["logits"],
            {
                "input_ids": np.array([window.ids], np.int64),
                "attention_mask": np.ones((1, len(window.ids)), np.int64),
                "bbox": with_zero[places][None],
                "pixel_values": pixels,
            },
        )[0][0]
        best = logits[: len(places)].argmax(1)
        first = np.flatnonzero((places >= 0) & (places != np.concatenate([[-2], places[:-1]])))
        for token in first:
            labels[places[token]] = names[best[token]]
    return labels


def sentiments(texts, session, tokenizer, names):
    distinct = list(dict.fromkeys(texts))
    encodings = tokenizer.encode_batch(distinct)
    order = sorted(range(len(distinct)), key=lambda index: -len(encodings[index].ids))
    labels = {}
    while order:
        longest = len(encodings[order[0]].ids)
        count = max(1, PADDED_TOKENS // longest)
        batch, order = order[:count], order[count:]
        ids = np.zeros((len(batch), longest), np.int64)
        mask = np.zeros_like(ids)
        for row, index in enumerate(batch):
            tokens = encodings[index].ids
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        logits = session.run(["logits"], inputs)[0]
        for index, row in zip(batch, logits):
            labels[distinct[index]] = names[int(row.argmax())]
    return [labels[text] for text in texts]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--layout", required=True)
    parser.add_argument("--text", required=True)
    parser.add_argument("--json")
    parser.add_argument("files", nargs="+")
    arguments = parser.parse_args()
    result = Result()
    layout, layout_tokenizer, layout_labels, _ = load(arguments.layout)
    text, text_tokenizer, text_labels, config = load(arguments.text)
    layout_tokenizer.enable_truncation(WINDOW, stride=OVERLAP)
    text_tokenizer.enable_truncation(config["max_tokens"]["sentence"])
    for path in arguments.files:
        document = pypdfium2.PdfDocument(path)
        texts = []
        for number in range(len(document)):
            page = document[number]
            words, boxes, thousandths = words_of(page)
            labels = []
            if words:
                labels = label_words(page, words, thousandths, layout, layout_tokenizer, layout_labels)
            page.close()
            result.page(path, number + 1, words, boxes, labels)
            texts += sentences(words, labels)
        document.close()
        if texts:
            result.sentiments(path, texts, sentiments(texts, text, text_tokenizer, text_labels))
    result.write(arguments.json)


if __name__ == "__main__":
    main()
