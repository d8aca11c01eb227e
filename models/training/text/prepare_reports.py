"""Hand-labelled report sentences and unlabelled report text for training.

labels/reports_*.jsonl -> WORK/reports/{train,validation,test}.jsonl (checks each
sentence against its sha256) and, from companies of the training side only,
WORK/entities/reports.jsonl (sentences for weak number and metric labels) and
WORK/mlm/reports.txt (prose for continued masked-language training and for the teacher's soft labels).

    python prepare_reports.py --filings FOLDER --items FOLDER
"""

from __future__ import annotations

import argparse
import random
import re
from pathlib import Path

from common import LABELS, SEED, WORK, read_jsonl, sha256_text, write_jsonl
from sample_reports import gather, split_of

ENTITY_SENTENCES, PER_COMPANY, MLM_SENTENCES = 1800, 90, 30000


def words_of(text: str) -> list[str]:
    return re.findall(r"[A-Za-z][A-Za-z'’&-]*(?:\.[A-Za-z]\.?)*|\d+(?:[.,]\d+)*|[^\sA-Za-z\d]", text)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--filings", type=Path, required=True)
    parser.add_argument("--items", type=Path, required=True)
    options = parser.parse_args()
    for split in ("train", "validation", "test"):
        rows = read_jsonl(LABELS / f"reports_{split}.jsonl")
        for row in rows:
            if sha256_text(row["text"]) != row["sha256"]:
                raise SystemExit(f"labels/reports_{split}.jsonl: sentence {row['id']} does not match its sha256")
        write_jsonl(WORK / "reports" / f"{split}.jsonl", [{"text": row["text"], "label": row["label"], "source": "report", "company": row["company"]} for row in rows])
        print(split, len(rows))
    coin = random.Random(SEED)
    pool = [row for row in gather(options.filings, options.items) if split_of(row["company"]) == "train"]
    coin.shuffle(pool)
    chosen, taken, seen = [], {}, set()
    for row in pool:
        shape = re.sub(r"\d", "0", row["text"])[:80]
        if not re.search(r"\d", row["text"]) or shape in seen or taken.get(row["company"], 0) >= PER_COMPANY:
            continue
        seen.add(shape)
        taken[row["company"]] = taken.get(row["company"], 0) + 1
        tokens = words_of(row["text"])
        chosen.append({"tokens": tokens, "tags": ["O"] * len(tokens), "source": "reports", "document": row["company"], "split": "train"})
        if len(chosen) == ENTITY_SENTENCES:
            break
    write_jsonl(WORK / "entities" / "reports.jsonl", chosen)
    (WORK / "mlm").mkdir(parents=True, exist_ok=True)
    (WORK / "mlm" / "reports.txt").write_text("\n".join(row["text"] for row in pool[:MLM_SENTENCES]), encoding="utf-8")
    print(len(chosen), "sentences for weak entities,", min(len(pool), MLM_SENTENCES), "for masked-language training")


if __name__ == "__main__":
    main()
