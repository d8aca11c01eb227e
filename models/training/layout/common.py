"""Shared constants of the layout training: labels, places, the split by company, seeds."""

from __future__ import annotations

import hashlib
import os
import random
from pathlib import Path

# DocLayNet's eleven classes, in the alphabetical order of the data set.
LABELS = [
    "Caption", "Footnote", "Formula", "List-item", "Page-footer", "Page-header",
    "Picture", "Section-header", "Table", "Text", "Title",
]
LABEL_ID = {name: index for index, name in enumerate(LABELS)}

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[2]
WORK = Path(os.environ.get("DOCPROC_LAYOUT_WORK", HERE.parent / "work" / "layout"))
FILINGS = Path(os.environ.get("DOCPROC_FILINGS", REPOSITORY.parent / "shared/data/filings/unpacked"))

# All filings of one company lie on one side. The name is the start of the file's name.
TEST_COMPANIES = {
    "aapl": "Apple (10-K, 10-Q)",
    "xom": "Exxon Mobil (10-Q)",
    "orcl": "Oracle (10-Q, 8-K)",
    "nke": "Nike (10-K)",
    "buckle": "Buckle (8-K earnings release)",
    "20-F_0001062993-16": "Loncor Resources (20-F)",
    "flushing": "Flushing Financial (424B5)",
}
VALIDATION_COMPANIES = {
    "hd": "Home Depot (10-K)",
    "unp": "Union Pacific (10-K, 10-Q)",
    "nordstrom": "Nordstrom (8-K)",
    "10-K_0001376474": "small filer of 2016 (10-K)",
}
# Running text without any markup of paragraphs: its DOM states no labels.
UNUSABLE = {"20-F_0000928385-01-500187"}


def company_of(stem: str) -> str:
    """The company a filing belongs to, from its file name without suffix."""
    for name in [*TEST_COMPANIES, *VALIDATION_COMPANIES]:
        if stem.startswith(name):
            return name
    return stem if stem[0].isdigit() else stem.split("-")[0]


def split_of(stem: str) -> str:
    company = company_of(stem)
    if company in TEST_COMPANIES:
        return "test"
    return "validation" if company in VALIDATION_COMPANIES else "train"


def rng_for(*parts: object) -> random.Random:
    """A generator whose state depends on its name only, not on the order of the work."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return random.Random(int.from_bytes(digest[:8], "big"))
