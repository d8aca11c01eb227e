"""Training data of `pattern_detector`: tables of printed filings with their kind from the filings' inline XBRL.

    docproc analyze printed/ -o analyses/
    docproc features --set patterns analyses/*.json > rows.jsonl
    python table_kinds.py FILINGS_DIR analyses/ rows.jsonl -o patterns.jsonl

The kind of an HTML table follows from the tagged facts in it (total assets and liabilities with equity: balance_sheet, ...) and,
for tables without facts, from the item that they stand in (Item 7 of a 10-K, Item 2 of a 10-Q: mdna, else other). A table of
an analysis has the kind of the HTML table with which it shares most numbers, and is left out when they share fewer than
half. Words play no part in it beyond the headings of the items. The group is the company.
"""

import argparse
import collections
import json
import pathlib
import re

import lxml.html


def number_bag(text):
    return collections.Counter(n.rstrip(".,") for n in re.findall(r"\d[\d,.]*", text) if len(n) > 1)


def kind_of(facts, contexts):
    has = lambda *names: any(name in facts for name in names)
    if has("Assets") and has("LiabilitiesAndStockholdersEquity"):
        return "balance_sheet"
    if has("NetCashProvidedByUsedInOperatingActivities") and has("NetCashProvidedByUsedInInvestingActivities"):
        return "cash_flow"
    if has("EarningsPerShareBasic", "EarningsPerShareDiluted", "EarningsPerShareBasicAndDiluted") and has(
        "IncomeTaxExpenseBenefit", "OperatingIncomeLoss", "OperatingExpenses"
    ) and has("NetIncomeLoss", "ProfitLoss"):
        return "income_statement"
    if contexts["StockholdersEquity"] + contexts[
        "StockholdersEquityIncludingPortionAttributableToNoncontrollingInterest"] >= 4 and has(
            "NetIncomeLoss", "ProfitLoss", "StockIssuedDuringPeriodValueShareBasedCompensation"):
        return "equity"
    return None


def html_tables(path):
    """(kind, numbers) of every table with four numbers or more, in document order."""
    document = lxml.html.fromstring(path.read_bytes())
    quarterly = "10-q" in path.name
    region, seen_balance, found = "other", False, []
    for element in document.iter():
        if not isinstance(element.tag, str):
            continue
        if element.tag in ("div", "p", "span", "td"):
            text = re.sub(r"\s+", " ", element.text_content()[:160]).strip().lower() if len(element) < 4 else ""
            if 6 < len(text) < 140:
                item = re.match(r"item\s*(\d+[ab]?)\s*[.:]?", text)
                if item:
                    number = item.group(1)
                    management = number == ("2" if quarterly else "7") and "management" in text
                    region = "mdna" if management else ("mdna" if region == "mdna" and number in ("7", "2") else "other")
        if element.tag != "table" or element.xpath("ancestor::table"):
            continue
        facts = [node.get("name", "").split(":")[-1] for node in element.iter() if isinstance(node.tag, str)
                 and node.tag.lower().endswith("nonfraction")]
        numbers = number_bag(element.text_content())
        if sum(numbers.values()) < 4:
            continue
        kind = kind_of(set(facts), collections.Counter(facts))
        if kind == "balance_sheet":
            seen_balance = True
        if kind is None:
            kind = "notes" if facts and seen_balance else region if not facts else "other"
        found.append((kind, numbers))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("filings", type=pathlib.Path)
    parser.add_argument("analyses", type=pathlib.Path)
    parser.add_argument("rows", type=pathlib.Path)
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    rows = collections.defaultdict(dict)
    for line in arguments.rows.read_text().splitlines():
        row = json.loads(line)
        rows[pathlib.Path(row["document"]).name][row["target"]["table"]] = row
    counts = collections.Counter()
    with arguments.output.open("w") as output:
        for path in sorted(arguments.analyses.rglob("*.json")):
            analysis = json.loads(path.read_text())
            if "document" not in analysis:
                continue
            name = pathlib.Path(analysis["document"]["path"]).name
            filing = arguments.filings / (name.removesuffix(".pdf") + ".html")
            if name not in rows or b"<ix:nonfraction" not in filing.read_bytes().lower():
                continue
            candidates = html_tables(filing)
            for table in analysis["tables"]:
                row = rows[name].get(table["id"])
                if row is None:
                    continue
                mine = number_bag(" ".join(cell["text"] for cell in table["cells"]))
                size = sum(mine.values())
                shared = [(sum((mine & other).values()) / max(size, sum(other.values()), 1), kind) for kind, other in candidates]
                best = max(shared, default=(0, ""))
                if best[0] < 0.5:
                    continue
                counts[best[1]] += 1
                output.write(json.dumps({**row, "label": best[1], "group": name.split("-")[0]}) + "\n")
    print(dict(counts))


if __name__ == "__main__":
    main()
