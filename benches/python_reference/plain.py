"""Layout labels and sentiments of PDFs with pypdfium2, tokenizers and onnxruntime, as most such scripts are written.

One process, page by page; float32 models; sentences in batches of 32 as they come, padded to the longest.

    python plain.py --layout FOLDER --text FOLDER [--json OUT] FILE.pdf...

The folders hold model.onnx (float32.py makes it), tokenizer.json and config.json.
"""

import argparse
import json

import numpy as np
import onnxruntime
import pypdfium2
from tokenizers import Tokenizer

from common import Result, sentences

BATCH = 32
WINDOW, OVERLAP = 512, 64


def load(folder):
    session = onnxruntime.InferenceSession(f"{folder}/model.onnx", providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(f"{folder}/tokenizer.json")
    config = json.load(open(f"{folder}/config.json", encoding="utf-8"))
    labels = [config["id2label"][str(index)] for index in range(len(config["id2label"]))]
    return session, tokenizer, labels, config


def words_of(page):
    text_page = page.get_textpage()
    width, height = page.get_size()
    words, boxes, current, box = [], [], "", None
    for index in range(text_page.count_chars()):
        character = text_page.get_text_range(index, 1)
        if not character.strip():
            if current:
                words.append(current)
                boxes.append(box)
            current, box = "", None
            continue
        left, bottom, right, top = text_page.get_charbox(index)
        if box is None:
            box = [left, height - top, right, height - bottom]
        else:
            box = [
                min(box[0], left),
                min(box[1], height - top),
                max(box[2], right),
                max(box[3], height - bottom),
            ]
        current += character
    if current:
        words.append(current)
        boxes.append(box)
    thousandths = [
        [
            min(1000, max(0, int(1000 * x0 / width))),
            min(1000, max(0, int(1000 * y0 / height))),
            min(1000, max(0, int(1000 * x1 / width))),
            min(1000, max(0, int(1000 * y1 / height))),
        ]
        for x0, y0, x1, y1 in boxes
    ]
    return words, boxes, thousandths


def label_words(page, words, boxes, session, tokenizer, names):
    image = page.render(scale=1).to_pil().convert("RGB").resize((224, 224), 2)
    pixels = np.asarray(image, np.float32).transpose(2, 0, 1) / 255.0
    pixels = ((pixels - 0.5) / 0.5)[None]
    encoding = tokenizer.encode(words, is_pretokenized=True)
    labels = ["Text"] * len(words)
    for window in [encoding] + encoding.overflowing:
        token_boxes = [[0, 0, 0, 0] if word is None else boxes[word] for word in window.word_ids]
        logits = session.run(
            ["logits"],
            {
                "input_ids": np.array([window.ids], np.int64),
                "attention_mask": np.array([window.attention_mask], np.int64),
                "bbox": np.array([token_boxes], np.int64),
                "pixel_values": pixels.astype(np.float32),
            },
        )[0][0]
        previous = None
        for token, word in enumerate(window.word_ids):
            if word is not None and word != previous:
                labels[word] = names[int(logits[token].argmax())]
            previous = word
    return labels


def sentiments(texts, session, tokenizer, names):
    encodings = tokenizer.encode_batch(texts)
    logits = session.run(
        ["logits"],
        {
            "input_ids": np.array([encoding.ids for encoding in encodings], np.int64),
            "attention_mask": np.array([encoding.attention_mask for encoding in encodings], np.int64),
            "token_type_ids": np.array([encoding.type_ids for encoding in encodings], np.int64),
        },
    )[0]
    return [names[int(row.argmax())] for row in logits]


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
    text_tokenizer.enable_padding()
    for path in arguments.files:
        document = pypdfium2.PdfDocument(path)
        waiting = []
        for number, page in enumerate(document, 1):
            words, boxes, thousandths = words_of(page)
            labels = []
            if words:
                labels = label_words(page, words, thousandths, layout, layout_tokenizer, layout_labels)
            result.page(path, number, words, boxes, labels)
            waiting += sentences(words, labels)
            while len(waiting) >= BATCH:
                batch, waiting = waiting[:BATCH], waiting[BATCH:]
                result.sentiments(path, batch, sentiments(batch, text, text_tokenizer, text_labels))
        if waiting:
            result.sentiments(path, waiting, sentiments(waiting, text, text_tokenizer, text_labels))
    result.write(arguments.json)


if __name__ == "__main__":
    main()
