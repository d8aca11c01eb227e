"""Step 6: labels of printed PDFs by word, for training `line_labels` on docproc's own lines.

One page per line: {"pdf", "page" (from 1), "group" (company), "split", "labels" (docproc's words in order, null
where unknown)}. Only pages read with `--source docproc` have docproc's words.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from common import LABELS, WORK, company_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", default="pages-docproc")
    parser.add_argument("--out", type=Path, default=WORK.parent / "eval" / "layout" / "lines.jsonl")
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with options.out.open("w", encoding="utf-8") as out:
        for path in sorted((WORK / options.pages).glob("*/*.jsonl")):
            for line in path.read_text().splitlines():
                page = json.loads(line)
                job = page["job"].rsplit(".", 1)[0]
                out.write(json.dumps({
                    "pdf": str(WORK / "pdf" / f"{page['job']}.pdf"), "page": page["page"] + 1,
                    "group": page["job"] if job.startswith("synthetic") else company_of(job), "split": path.parent.name,
                    "labels": [LABELS[label] if label >= 0 else None for label in page["labels"]]}) + "\n")
                count += 1
    print(count, "pages")


if __name__ == "__main__":
    main()
