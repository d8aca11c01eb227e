"""Composed report sentences with a known direction -> WORK/templates/train.jsonl

Weak labels for training only. They entered together with the hand labels, so their own
share of the gain is not measured (README.md). Sentences state how a figure moved, in words
or by its two values alone, in the styles of annual reports and earnings releases;
neutral ones state figures without a comparison, policies and terms. All patterns are
written for this file.

    python templates.py
"""

from __future__ import annotations

import random
from collections import Counter

from common import SEED, WORK, write_jsonl

GOOD = [
    "net sales", "revenue", "total revenue", "operating profit", "operating income", "net income", "net profit", "gross profit", "gross margin",
    "EBITDA", "adjusted EBITDA", "earnings per share", "diluted EPS", "cash flow from operations", "free cash flow", "order intake", "order backlog",
    "turnover", "profit before tax", "pretax profit", "interest income", "net interest income", "same-store sales", "comparable sales", "deliveries",
    "return on equity", "operating margin", "sales volume", "production", "subscription revenue", "export sales", "segment profit", "fee income", "total deposits",
]
BAD = [
    "cost of sales", "cost of revenue", "operating expenses", "selling, general and administrative expenses", "interest expense", "net loss", "operating loss",
    "provision for credit losses", "loan losses", "restructuring charges", "raw material costs", "the effective tax rate", "personnel expenses", "net debt",
    "impairment charges", "bad debt expense", "fuel costs", "marketing expenses", "income tax expense", "litigation expense", "non-performing loans",
    "depreciation and amortization", "total debt", "loss before tax", "net charge-offs",
]
UP = ["increased", "rose", "grew", "climbed", "went up", "was up", "advanced", "expanded"]
DOWN = ["decreased", "fell", "declined", "dropped", "went down", "was down", "slipped", "contracted"]
OWNERS = ["", "", "", "the Company's ", "our ", "the Group's ", "consolidated ", "the segment's ", "the Bank's "]
PERIODS = [
    "in fiscal {y}", "in {y}", "in the third quarter of {y}", "for the year ended December 31, {y}", "during the first half of {y}", "in the quarter",
    "for the three months ended June 30, {y}", "in the first quarter", "in January-September {y}", "for fiscal year {y}", "in the reporting period",
]
BEFORE = [
    "compared to {b}", "compared with {b} a year earlier", "from {b} in the prior year", "from {b} in the corresponding period of {z}", "as compared to {b} in {z}",
    "versus {b} in the previous year", "against {b} the year before", "from {b}",
]
CAUSES_GOOD = ["higher volumes", "strong demand in all regions", "favorable pricing", "cost savings", "new customer wins", "a better product mix", "the successful launch of new products"]
CAUSES_BAD = ["lower volumes", "weak demand in Europe", "unfavorable exchange rates", "higher raw material prices", "the loss of a large customer", "pricing pressure", "production stoppages", "higher wages"]
EVENTS_GOOD = [
    "The Company won a contract worth {a} with a large utility.", "We received regulatory approval for our new product in {y}.",
    "The board proposes to raise the dividend to {e} per share from {f}.", "The settlement was concluded in favor of the Company, and {a} was recognized as a gain.",
    "Our market share grew in each of our main markets.", "The rating agency raised its rating of our senior notes.",
    "The acquisition is expected to add {a} to annual sales and to lift earnings from the first year.", "We exceeded our full-year targets for growth and margin.",
    "The Company raised its outlook for {y}.", "The plant reached full capacity ahead of schedule.", "Customer satisfaction improved again and churn fell.",
    "Construction was completed on time and below budget.", "We expect sales and margins to improve further in {y}.", "Demand for our services remains strong.",
]
EVENTS_BAD = [
    "The Company will close its plant and cut {n} jobs.", "We recorded an impairment of goodwill of {a}.", "The lender declared an event of default under the credit agreement.",
    "A class action was filed against the Company alleging misleading statements.", "The board decided not to pay a dividend for {y}.",
    "The rating agency lowered its rating of our notes.", "The Company lowered its outlook for {y}.", "There is substantial doubt about our ability to continue as a going concern.",
    "A failure of our suppliers could materially and adversely affect our results.", "The product was recalled, at a cost of {a}.",
    "We may be unable to obtain financing on acceptable terms, which would harm our business.", "Our largest customer did not renew its contract.",
    "Management identified a material weakness in internal control over financial reporting.", "Demand weakened further toward the end of the year.",
]
EVENTS_NEUTRAL = [
    "{M} {was} {a} {p}.", "The Company employs {n} people in {k} countries.", "The agreement has a term of {k} years and may be extended by mutual consent.",
    "Inventories are stated at the lower of cost and net realizable value.", "The annual general meeting will be held on {k} May {y}.",
    "The head office is located in a leased building of {n} square meters.", "{M} includes the results of the businesses described in Note {k}.",
    "The financial statements were prepared in accordance with IFRS.", "Revenue is recognized when control passes to the customer.",
    "The shares are listed on the stock exchange under the symbol shown above.", "The facility bears interest at a margin over the reference rate and matures in {y}.",
    "{M} consists mainly of sales of goods and services.", "The value of the contract was not disclosed.", "The Company will publish its interim report on {k} August {y}.",
    "See Note {k} to the consolidated financial statements.", "The new standard will be adopted in {y} and is not expected to have a material effect.",
    "The transaction is subject to approval by the authorities.", "The Company has {k} production sites in {k} countries.",
    "The options vest over {k} years and expire ten years after the grant date.", "{M} {was} {a} in {y}, of which {k}% was generated outside the home market.",
]
COUNT = 2400


def amount(value: float, style: int) -> str:
    if style == 0:
        return f"${value:,.1f} million"
    if style == 1:
        return f"EUR {value:,.1f} million"
    if style == 2:
        return f"${value / 10:,.2f} billion"
    if style == 3:
        return f"EUR {value:.1f}mn"
    if style == 4:
        return f"${value * 1000:,.0f} thousand"
    return f"${value * 1_000_000:,.0f}"


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def moved(coin: random.Random) -> tuple[str, str]:
    """A sentence on a figure that moved, and whether that is good."""
    good, up = coin.random() < 0.6, coin.random() < 0.5
    metric = coin.choice(OWNERS) + coin.choice(GOOD if good else BAD)
    year, style = coin.randrange(1996, 2026), coin.randrange(6)
    before = round(coin.uniform(1, 900), 1)
    share = coin.uniform(0.02, 0.6)
    after = round(before * (1 + share if up else 1 - share * 0.8), 1)
    if after == before:
        after += 0.2 if up else -0.2
    percent = f"{100 * abs(after / before - 1):.1f}%" if coin.random() < 0.6 else f"{max(1, round(100 * abs(after / before - 1)))} percent"
    period = coin.choice(PERIODS).format(y=year)
    a, b = amount(after, style), amount(before, style)
    past = coin.choice(BEFORE).format(b=b, z=year - 1)
    verb = coin.choice(UP if up else DOWN)
    was = "were" if metric.endswith("s") and not metric.endswith(("loss", "EPS")) else "was"
    verb = verb.replace("was", was)
    positive = good == up
    main_causes, other_causes = (CAUSES_GOOD, CAUSES_BAD) if positive else (CAUSES_BAD, CAUSES_GOOD)
    cause = coin.choice(["", "", f", mainly due to {coin.choice(main_causes)}", f", driven by {coin.choice(main_causes)}", f", partly offset by {coin.choice(other_causes)}"])
    noun = ("increase" if up else "decrease")
    pattern = coin.randrange(9)
    if pattern == 0:
        text = f"{metric} {was} {a} {period}, {past}"
    elif pattern == 1:
        text = f"{metric} {verb} {percent} to {a} {period}{cause}"
    elif pattern == 2:
        text = f"{metric} {verb} to {a} {past}{cause}"
    elif pattern == 3:
        text = f"{period}, {metric} {verb} by {percent}{cause}"
    elif pattern == 4:
        text = f"{metric} {was} {a}, an {noun} of {percent} from the prior year{cause}" if up else f"{metric} {was} {a}, a {noun} of {percent} from the prior year{cause}"
    elif pattern == 5:
        text = f"{metric} totaled {a} {period} ({year - 1}: {b})"
    elif pattern == 6:
        text = f"the {noun} in {metric} {period} was primarily due to {coin.choice(main_causes)}"
    elif pattern == 7:
        text = f"as a percentage of sales, {metric} {verb} {coin.choice(['slightly', 'by 120 basis points', 'by 1.4 percentage points'])}{cause}"
    else:
        text = f"{metric} {verb} {b if style == 9 else amount(abs(after - before), style)}, or {percent}, {period}{cause}"
    return capital(text) + ".", "positive" if positive else "negative"


def other(coin: random.Random) -> tuple[str, str]:
    label = coin.choice(["neutral", "neutral", "neutral", "positive", "negative"])
    pattern = coin.choice({"neutral": EVENTS_NEUTRAL, "positive": EVENTS_GOOD, "negative": EVENTS_BAD}[label])
    metric = coin.choice(GOOD + BAD)
    year, value = coin.randrange(1996, 2026), coin.uniform(1, 900)
    text = pattern.format(
        a=amount(value, coin.randrange(6)), y=year, n=f"{coin.randrange(30, 9000):,}", k=coin.randrange(2, 28), M=capital(metric),
        was="were" if metric.endswith("s") and not metric.endswith(("loss", "EPS")) else "was", p=coin.choice(PERIODS).format(y=year),
        e=f"EUR {0.1 + coin.random():.2f}", f="EUR 0.08",
    )
    return text, label


def main() -> None:
    coin, rows, seen = random.Random(SEED), [], set()
    while len(rows) < COUNT:
        text, label = moved(coin) if coin.random() < 0.6 else other(coin)
        if text not in seen:
            seen.add(text)
            rows.append({"text": text, "label": label, "source": "template"})
        elif len(seen) > COUNT * 3:
            break
        elif coin.random() < 0.02 and label != "neutral":
            rows.append({"text": text, "label": label, "source": "template"})
    write_jsonl(WORK / "templates" / "train.jsonl", rows)
    print(len(rows), Counter(row["label"] for row in rows))


if __name__ == "__main__":
    main()
