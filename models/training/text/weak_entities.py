"""Weak MONEY, PERCENT, DATE, QUANTITY, LAW and METRIC labels for training texts.

They only ever label training texts: evaluation uses the annotators' own labels. The
patterns work on the character string and are mapped to tokens by offset.
"""

from __future__ import annotations

import re

MONTH = r"(?:January|February|March|April|May|June|July|August|September|October|November|December|Jan\.?|Feb\.?|Mar\.?|Apr\.?|Jun\.?|Jul\.?|Aug\.?|Sept?\.?|Oct\.?|Nov\.?|Dec\.?)"
NUMBER = r"(?:\d{1,3}(?:\s?,\s?\d{3})+|\d+)(?:\s?\.\s?\d+)?"
WORD_NUMBER = r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty|ninety|hundred)"
SCALE = r"(?:thousand|million|billion|trillion|crore|lakh|mln|mn|bn|M|B)"
CURRENCY = r"(?:US\s?\$|C\s?\$|A\s?\$|\$|€|£|¥|USD|EUR|GBP|JPY|CHF|Rs\.?|INR|RMB)"
YEAR = r"(?:19|20)\d\d"
PERIOD = r"(?:year|quarter|month|week|period|half|day)s?"

PATTERNS = [
    ("PERCENT", rf"{NUMBER}\s?(?:%|percent\b|per\s?cent\b|percentage points?\b|basis points?\b|bps\b)"),
    ("PERCENT", rf"\b{WORD_NUMBER}(?:\s?-\s?{WORD_NUMBER})?\s(?:percent|per cent)\b(?:\s\(\s?{NUMBER}\s?%\s?\))?"),
    ("MONEY", rf"{CURRENCY}\s?\(?\s?{NUMBER}\s?\)?(?:\s?-?\s?{SCALE}\b)?"),
    ("MONEY", rf"{NUMBER}\s(?:{SCALE}\s)?(?:dollars|euros?|pounds sterling|yen|USD|EUR|cents)\b"),
    ("DATE", rf"\b(?:(?:first|second|third|fourth|last|current|prior|previous|same|next)\s(?:(?:fiscal\s)?(?:quarter|half|year|month)s?)\s(?:of\s(?:fiscal\s(?:year\s)?)?{YEAR}))"),
    ("DATE", rf"\b(?:(?:three|six|nine|twelve|thirteen|twenty-six|thirty-nine|fifty-two|fifty-three)\s(?:and\s\w+\s)?(?:months?|weeks?)\s(?:periods?\s)?ended\s{MONTH}\s\d{{1,2}}(?:\s?,\s?{YEAR})?)"),
    ("DATE", rf"\b(?:fiscal\s)?(?:years?|quarters?)\s(?:ended|ending)\s{MONTH}\s\d{{1,2}}(?:\s?,\s?{YEAR})?"),
    ("DATE", rf"\b{MONTH}\s\d{{1,2}}(?:st|nd|rd|th)?(?:\s?,\s?{YEAR})?\b"),
    ("DATE", rf"\b\d{{1,2}}(?:st|nd|rd|th)?\s(?:of\s)?{MONTH}(?:\s{YEAR})?\b"),
    ("DATE", rf"\b{MONTH}\s(?:of\s)?{YEAR}\b"),
    ("DATE", rf"\b(?:fiscal|calendar)\s(?:year\s)?{YEAR}\b|\bQ[1-4]\s?(?:FY)?\s?(?:{YEAR}|\d\d)?\b|\bFY\s?{YEAR}\b"),
    ("DATE", rf"(?<![\d.,$#-]){YEAR}(?![\d.,%-]*\d)\b"),
    ("QUANTITY", rf"\b(?:{NUMBER}(?:\s{SCALE})?|{WORD_NUMBER})\s(?:\w+\s)?(?:shares|units|barrels|tons|tonnes|acres|square feet|employees|stores|customers|locations|countries|facilities|vehicles|miles|megawatts|MW|gallons|ounces|options|warrants|members|subscribers|aircraft|restaurants|branches|properties|{PERIOD})\b"),
]

LAWS = (
    r"\b(?:the\s)?(?:[A-Z][\w'&-]*\s(?:(?:and|of|for|to|in)\s)?){1,7}(?:Act|Code|Directive|Regulation|Statute)(?:\sof\s(?:19|20)\d\d)?(?=[\s,.;)]|$)",
    r"\b(?:Section|Sections|Rule|Rules|Regulation)\s\d+\w*(?:\s?-\s?\d+)?(?:\s?\([a-z0-9]+\))*(?:\sof\sthe\s(?:Securities\s)?(?:Exchange\s)?(?:Act|Code)(?:\sof\s\d{4})?)?",
    r"\b(?:ASC|ASU|SFAS|FASB|FAS|IFRS|IAS|SAB|APB|EITF|FIN)\s(?:(?:No\.?|Topic|Statement|Interpretation|Opinion)\s)?(?:No\.?\s)?\d[\d-]*\b",
    r"\bChapter\s(?:7|11|13|15)\b",
    r"\b(?:GDPR|CCPA|ERISA|FCPA|HIPAA|Sarbanes\s?-\s?Oxley|Dodd\s?-\s?Frank)\b",
)

METRICS = [
    "total revenues?", "net revenues?", "operating revenues?", "revenues?", "net sales", "total net sales", "comparable (?:store )?sales",
    "gross profit", "gross margin", "operating margin", "operating income", "operating loss", "income from operations", "loss from operations",
    "operating profit", "net income", "net loss", "net earnings", "earnings per share", "diluted earnings per share", "diluted EPS", "EPS",
    "adjusted EBITDA", "EBITDA", "EBIT", "adjusted EPS", "adjusted net income", "net interest income", "interest income", "interest expense",
    "income tax expense", "provision for income taxes", "effective tax rate", "effective income tax rate", "income before income taxes",
    "cost of sales", "cost of revenues?", "cost of goods sold", "selling, general and administrative expenses?", "SG&A expenses?",
    "general and administrative expenses?", "research and development expenses?", "operating expenses?", "total expenses",
    "depreciation and amortization", "amortization expense", "depreciation expense", "stock-based compensation expense",
    "capital expenditures", "free cash flow", "working capital", "cash and cash equivalents", "net cash (?:provided by|used in) (?:operating|investing|financing) activities",
    "cash flows? from operations", "accounts receivable", "inventories", "total assets", "total debt", "long-term debt", "goodwill", "backlog",
    "book value", "dividends per share", "return on equity", "unrecognized tax benefits", "deferred revenue", "accumulated deficit",
    "stockholders' equity", "shareholders' equity", "retained earnings", "net interest margin", "provision for credit losses",
]
METRIC = re.compile(r"\b(?:" + "|".join(sorted(METRICS, key=len, reverse=True)) + r")\b", re.IGNORECASE)
COMPILED = [(kind, re.compile(pattern)) for kind, pattern in PATTERNS] + [("LAW", re.compile(pattern)) for pattern in LAWS]


def weak_spans(text: str, kinds: set[str]) -> list[tuple[int, int, str]]:
    """Character spans of the wanted kinds; the earliest pattern wins an overlap, then the longest."""
    found: list[tuple[int, int, str]] = []
    patterns = [(kind, pattern) for kind, pattern in COMPILED if kind in kinds]
    if "METRIC" in kinds:
        patterns.append(("METRIC", METRIC))
    for kind, pattern in patterns:
        for hit in pattern.finditer(text):
            start, end = hit.span()
            while text[start:end].startswith("the "):
                start += 4
            if all(end <= left or start >= right for left, right, _ in found):
                found.append((start, end, kind))
    return sorted(found)
