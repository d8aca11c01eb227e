"""Named-entity corpora -> WORK/entities/{train,validation,test}.jsonl

Row: ``{"tokens", "tags", "open", "source", "document"}``. ``tags`` are BIO over
``ENTITY_TYPES``. ``open`` lists the types that the source does not annotate: there an
``O`` means "O or one of these", and training sums the probability of all of them
(partial-annotation likelihood, Tsuboi et al. 2008), so that a corpus without, say,
METRIC does not teach that revenue is no metric. Number types that a source lacks are
filled in by ``weak_entities`` in training rows only.

FIN5's fifth document (11% of its tokens) is the test, the other four are training.

    python prepare_entities.py
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

from common import ENTITY_TYPES, LABELS, SEED, WORK, data_root, read_jsonl, stable_unit, write_jsonl
from weak_entities import weak_spans

FIN5_TEST = 4
NUMBER_TYPES = {"MONEY", "PERCENT", "DATE", "QUANTITY"}
# FIRE's FinancialEntity covers instruments too; these heads are no figures of a report.
INSTRUMENTS = {
    "shares", "share", "stock", "stocks", "bonds", "bond", "notes", "note", "securities", "debentures", "warrants", "options",
    "loan", "loans", "ipo", "credit", "facility", "tax", "taxes", "rate", "funds", "fund", "index", "series", "obligations",
}


def from_flags(kinds: list[str | None]) -> list[str]:
    """BIO tags from one type per token, neighbours of one type joined (IO scheme)."""
    tags, before = [], None
    for kind in kinds:
        tags.append("O" if kind is None else ("I-" if kind == before else "B-") + kind)
        before = kind
    return tags


def conll(path: Path, word: int, tag: int, separator: str | None, names: dict[str, str], source: str, bio: bool) -> list[dict]:
    """Sentences of a CoNLL file; documents by -DOCSTART- or by a hundred sentences."""
    rows, tokens, kinds, starts, document, marked = [], [], [], [], -1, False

    def close() -> None:
        if tokens:
            tags = from_flags(kinds)
            for place, begins in enumerate(starts):
                if bio and begins and tags[place].startswith("I-"):
                    tags[place] = "B-" + tags[place][2:]
            number = document if marked else len(rows) // 100
            rows.append({"tokens": tokens[:], "tags": tags, "source": source, "document": f"{source}/{path.stem}/{number}"})
            tokens.clear(), kinds.clear(), starts.clear()

    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("-DOCSTART"):
            close()
            document, marked = document + 1, True
            continue
        cells = line.split(separator)
        if not line.strip() or len(cells) <= tag:
            close()
            continue
        prefix, _, name = cells[tag].strip().partition("-")
        tokens.append(cells[word].strip())
        kinds.append(names.get(name.lower()) if prefix in "BI" else None)
        starts.append(prefix == "B")
    close()
    return rows


def wikigold(path: Path) -> list[dict]:
    """wikigold marks documents by a -DOCSTART- line after each of them."""
    rows = conll(path, 0, 1, " ", {"per": "PER", "org": "ORG", "loc": "LOC"}, "wikigold", False)
    return [row for row in rows if row["tokens"][0] != "-DOCSTART-"]


def fire(path: Path) -> list[dict]:
    rows = []
    names = {"Company": "ORG", "Person": "PER", "Location": "LOC", "GeopoliticalEntity": "LOC", "Date": "DATE", "Money": "MONEY"}
    for number, item in enumerate(json.loads(path.read_text(encoding="utf-8"))):
        tokens, tags = item["tokens"], ["O"] * len(item["tokens"])
        for entity in item["entities"]:
            start, end, kind = entity["start"], entity["end"], names.get(entity["type"])
            words = [token.lower() for token in tokens[start:end]]
            if not words:
                continue
            if entity["type"] == "Quantity":
                kind = "PERCENT" if "%" in entity["text"] or "percent" in entity["text"] else "QUANTITY"
            if entity["type"] == "FinancialEntity":
                kind = None if words[-1] in INSTRUMENTS and "tax rate" not in " ".join(words) else "METRIC"
            if entity["type"] == "Company":
                while end - start > 1 and tokens[end - 1] in {"'s", "’s"}:
                    end -= 1
            if kind:
                tags[start:end] = [f"B-{kind}"] + [f"I-{kind}"] * (end - start - 1)
        rows.append({"tokens": tokens, "tags": tags, "source": "fire", "document": f"fire/{number}"})
    return rows


def kpi_edgar(path: Path) -> list[dict]:
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        item = json.loads(line)
        marks = dict(item["layers"])["Secondary Annotation"]
        tags, before = [], None
        for mark in marks:
            role = (mark or "").split("_")[0]
            if role in {"kpi", "thereof"}:
                tags.append(("I-" if mark == before else "B-") + "METRIC")
            else:
                tags.append("O")
            before = mark
        rows.append({"tokens": item["tokens"], "tags": tags, "source": "kpi_edgar", "document": "kpi_edgar/" + item["doc"]})
    return rows


def add_weak(row: dict, kinds: set[str]) -> None:
    """Fills untagged stretches with weak labels of the given types."""
    starts, text = [], ""
    for token in row["tokens"]:
        starts.append(len(text))
        text += token + " "
    for left, right, kind in weak_spans(text, kinds):
        inside = [place for place, start in enumerate(starts) if left <= start < right]
        if inside and all(row["tags"][place] == "O" for place in inside):
            for place in inside:
                row["tags"][place] = ("B-" if place == inside[0] else "I-") + kind


def hand_labelled() -> list[dict]:
    """A hundred report sentences of held-out companies, marked by hand; test only."""
    rows = read_jsonl(LABELS / "entities_test.jsonl")
    return [{"tokens": row["tokens"], "tags": row["tags"], "source": "hand", "document": f"hand/{row['id']}", "split": "test"} for row in rows]


def marked_names() -> list[dict]:
    """Report sentences of training companies with ORG, PER and LOC marked by hand; a tenth of the companies is validation."""
    rows = []
    for row in read_jsonl(LABELS / "names_train.jsonl"):
        split = "validation" if stable_unit(row["company"], f"names{SEED}") < 0.12 else "train"
        rows.append({"tokens": row["tokens"], "tags": row["tags"], "source": "names", "document": f"names/{row['company']}", "split": split})
    return rows


# What each source's annotators marked; everything else is filled weakly or left open.
ANNOTATED = {
    "fin5": {"ORG", "PER", "LOC"},
    "wikigold": {"ORG", "PER", "LOC"},
    "wnut17": {"ORG", "PER", "LOC"},
    "btc": {"ORG", "PER", "LOC"},
    "fire": {"ORG", "PER", "LOC", "MONEY", "PERCENT", "DATE", "QUANTITY", "METRIC"},
    "kpi_edgar": {"METRIC"},
    "hand": {"ORG", "PER", "LOC", "MONEY", "PERCENT", "DATE"},
    "names": {"ORG", "PER", "LOC"},
}


def split_of(row: dict) -> str:
    if row["source"] == "fin5":
        number = int(row["document"].rsplit("/", 1)[1])
        return "test" if number == FIN5_TEST else "train"
    if row["source"] in {"wnut17", "btc"}:
        return "train"
    document = row["document"]
    if row["source"] == "kpi_edgar":
        document = document.split("_10-K")[0]
    unit = stable_unit(document, f"entities{SEED}")
    return "test" if unit < 0.1 else "validation" if unit < 0.2 else "train"


def main() -> None:
    root = data_root() / "ner"
    general = {"per": "PER", "org": "ORG", "loc": "LOC", "person": "PER", "location": "LOC", "corporation": "ORG", "group": "ORG"}
    rows = conll(root / "fin5.conll", 0, 3, " ", general, "fin5", False)
    rows += wikigold(root / "wikigold.conll") + fire(root / "fire_dev.json") + kpi_edgar(root / "kpi_edgar_train_valid.jsonl")
    rows += conll(root / "wnut17/wnut17train.conll", 0, 1, "\t", general, "wnut17", True)
    rows += conll(root / "wnut17/emerging.dev.conll", 0, 1, "\t", general, "wnut17", True)
    for name in "abf":
        rows += conll(root / f"btc/{name}.conll", 0, 1, "\t", general, "btc", True)
    rows += hand_labelled() + marked_names()
    reports = WORK / "entities" / "reports.jsonl"
    if reports.exists():
        rows += read_jsonl(reports)
    for row in rows:
        row["split"] = row.get("split") or split_of(row)
        annotated = ANNOTATED.get(row["source"], set())
        missing = set(ENTITY_TYPES) - annotated
        if row["source"] == "kpi_edgar" and not any(tag != "O" for tag in row["tags"]):
            missing.add("METRIC")
        if row["split"] == "train":
            add_weak(row, missing & (NUMBER_TYPES | {"LAW"}))
            if row["source"] == "reports":
                add_weak(row, {"METRIC"})
            # A number type filled by patterns is trusted where they are silent, too.
            row["open"] = sorted(missing - NUMBER_TYPES - {"LAW"})
        else:
            row["open"] = sorted(missing)
    rows = [row for row in rows if any(re.search(r"\w", token) for token in row["tokens"])]
    # Handles and hashtags are no words of a report; their tags only teach Twitter.
    rows = [row for row in rows if row["source"] not in {"btc", "wnut17"} or not set("@#_") & set("".join(row["tokens"]))]
    for split in ("train", "validation", "test"):
        part = [row for row in rows if row["split"] == split]
        write_jsonl(WORK / "entities" / f"{split}.jsonl", part)
        print(split, len(part), dict(Counter(row["source"] for row in part)), sum(len(row["tokens"]) for row in part), "tokens")
        print("  ", dict(Counter(tag[2:] for row in part for tag in row["tags"] if tag.startswith("B-"))))


if __name__ == "__main__":
    main()
