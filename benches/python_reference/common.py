"""What both reference scripts share: sentences, and what they print."""

import json
import re
import sys
import time

SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"(])")
PROSE = {"Text", "List-item", "Footnote", "Caption"}


def sentences(words, labels):
    """Sentences of a page: runs of prose words in text order, cut after . ! or ? before a capital."""
    runs, run = [], []
    for word, label in zip(words, labels):
        if label in PROSE:
            run.append(word)
        elif run:
            runs.append(" ".join(run))
            run = []
    if run:
        runs.append(" ".join(run))
    found = []
    for text in runs:
        found.extend(part for part in SENTENCE_END.split(text) if part)
    return found


class Result:
    """Labels of words and sentiments of sentences, written where --json says."""

    def __init__(self):
        self.started = time.perf_counter()
        self.documents = {}
        self.pages = 0

    def page(self, path, number, words, boxes, labels):
        self.pages += 1
        document = self.documents.setdefault(path, {"pages": [], "sentences": []})
        document["pages"].append({"number": number, "words": list(zip(words, boxes, labels))})

    def sentiments(self, path, texts, labels):
        self.documents[path]["sentences"].extend(zip(texts, labels))

    def write(self, target):
        seconds = time.perf_counter() - self.started
        if target:
            with open(target, "w", encoding="utf-8") as out:
                json.dump(self.documents, out)
        count = sum(len(document["sentences"]) for document in self.documents.values())
        print(f"{self.pages} pages, {count} sentences, {seconds:.2f} s", file=sys.stderr)
