"""Compares what `docproc pages` reads on simulated scans with their truth: README.md beside this file."""

import argparse
import json
import re
import unicodedata
from collections import Counter, defaultdict
from pathlib import Path

NUMBER = re.compile(r"\d[\d,.]*\d|\d")
SAME = str.maketrans("\u2019\u2018\u201c\u201d\u2013\u2014\u2212\u2010", "''\"\"----")
EDGES = [0, 0.2, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1.01]


def plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).translate(SAME)


def numbers(words: list[str]) -> Counter:
    return Counter(number for word in words for number in NUMBER.findall(plain(word)))


def tokens(words: list[str]) -> Counter:
    bare = (re.sub(r"^[^\w$%]+|[^\w$%]+$", "", plain(word)) for word in words)
    return Counter(token for token in bare if token)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scans", type=Path)
    parser.add_argument("read", type=Path)
    parser.add_argument("--list", action="store_true", help="print the numbers that are missing or wrong")
    arguments = parser.parse_args()
    pages = {Path(page["document"]).name: page for page in map(json.loads, arguments.read.open())}
    sums: dict[str, Counter] = defaultdict(Counter)
    sure: list[tuple[float, bool]] = []
    for truth in json.loads((arguments.scans / "truth.json").read_text()):
        words = pages[truth["file"]]["words"] if truth["file"] in pages else []
        wanted, found = [word[0] for word in truth["words"]], [word["text"] for word in words]
        for kind, count in (("numbers", numbers), ("words", tokens)):
            there, read = count(wanted), count(found)
            for key in (truth["way"], "all"):
                sums[key] += Counter({f"{kind} there": there.total(), f"{kind} read": read.total()})
                sums[key][f"{kind} right"] += (there & read).total()
            if arguments.list and kind == "numbers" and there != read:
                print(truth["file"], "missing", dict(there - read), "wrong", dict(read - there))
        left = Counter(map(plain, wanted))
        for word in words:
            text = plain(word["text"])
            sure.append((word["confidence"], left[text] > 0))
            left[text] -= 1
    for key, sum_ in sorted(sums.items()):
        print(f"{key:8}", end="")
        for kind in ("numbers", "words"):
            there, read, right = (sum_[f"{kind} {what}"] for what in ("there", "read", "right"))
            print(f"  {there:6} {kind}, recall {right / max(there, 1):.4f}, precision {right / max(read, 1):.4f}", end="")
        print()
    error = 0.0
    for low, high in zip(EDGES, EDGES[1:]):
        inside = [(confidence, right) for confidence, right in sure if low <= confidence < high]
        if inside:
            mean = sum(confidence for confidence, _ in inside) / len(inside)
            share = sum(right for _, right in inside) / len(inside)
            error += abs(mean - share) * len(inside) / len(sure)
            print(f"confidence {low:.3f} to {min(high, 1):.3f}: {len(inside):6} words, mean {mean:.4f}, right {share:.4f}")
    print(f"expected calibration error {error:.4f}")


if __name__ == "__main__":
    main()
