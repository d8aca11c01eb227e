"""Compares what a report prints for the year before with what that year's report printed.

    docproc analyze REPORTS -o DIR
    python compare_years.py DIR [--list FILE]

The reports of a company need no labels: the numbers of a past year stand in two reports and must be the same in value and
scale. Reports are paired by their names: COMPANY_YEAR_REST.pdf belongs to COMPANY_(YEAR - 1)_REST.pdf, and to other reports of
the company and year (a release and the annual report). Needs Python only.

Two tables are the same table where most of their row labels are the same; rows are paired by heading, label and occurrence,
columns by the words of their headers, the year among them, as printed. So neither periods nor scales that docproc reads
decide what is compared. Numbers that are paired and differ are listed with page, label and both values. A company may have
restated a number: the page says so.
"""

import argparse
import json
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path

NAME = re.compile(r"^(.+?)_(\d{4})(.*)\.pdf\.json$")
YEAR = re.compile(r"\b(19|20)\d\d\b")
# Tables with fewer common rows are too easily alike.
COMMON_ROWS = 4
COMMON_SHARE = 0.6


def words(text):
    return " ".join(re.findall(r"[a-z0-9%$]+", text.lower()))


def table_of(table):
    """Numbers by row and column: {(heading, label, occurrence): {header: cell}}."""
    headers = defaultdict(set)
    rows = defaultdict(dict)
    for cell in table["cells"]:
        if cell["row"] < table["header_rows"]:
            for column in range(cell["column"], cell["column"] + cell["column_span"]):
                headers[column].add((cell["row"], cell["text"]))
        else:
            rows[cell["row"]][cell["column"]] = cell
    names = {column: words(" ".join(text for _, text in sorted(parts))) for column, parts in headers.items()}
    found, heading, seen = {}, "", Counter()
    for _, row in sorted(rows.items()):
        label = words(row[0]["text"]) if 0 in row else ""
        numbers = {column: cell for column, cell in row.items() if column > 0 and cell.get("value")}
        if not numbers:
            heading = label or heading
            continue
        seen[heading, label] += 1
        key = (heading, label, seen[heading, label])
        by_header = defaultdict(list)
        for column, cell in numbers.items():
            years = set(match.group() for match in YEAR.finditer(names.get(column, "")))
            if len(years) == 1:
                by_header[names[column]].append(cell)
        # A header over two numbers does not say which is which.
        found[key] = {header: cells[0] for header, cells in by_header.items() if len(cells) == 1}
    return found


def tables_of(path):
    analysis = json.loads(path.read_text())
    return [(table, table_of(table)) for table in analysis["tables"]]


def same_tables(new, old):
    """Pairs of tables, best first, each table once."""
    pairs = []
    for at, (_, rows) in enumerate(new):
        for other, (_, old_rows) in enumerate(old):
            common = rows.keys() & old_rows.keys()
            share = len(common) / max(1, min(len(rows), len(old_rows)))
            if len(common) >= COMMON_ROWS and share >= COMMON_SHARE:
                pairs.append((len(common) / len(rows.keys() | old_rows.keys()), len(common), at, other))
    taken_new, taken_old = set(), set()
    for _, _, at, other in sorted(pairs, key=lambda pair: (-pair[0], -pair[1], pair[2], pair[3])):
        if at not in taken_new and other not in taken_old:
            taken_new.add(at)
            taken_old.add(other)
            yield at, other


def same(a, b):
    return abs(a - b) <= 1e-9 * max(abs(a), abs(b))


def compare(new_path, old_path, last_year):
    """Compares numbers of `last_year` and before: of later years both reports have plans and maturities that change."""
    counts, differences = Counter(), []
    new, old = tables_of(new_path), tables_of(old_path)

    def past(header):
        return int(YEAR.search(header).group()) <= last_year

    counts["past"] = sum(past(header) for _, rows in new for cells in rows.values() for header in cells)
    for at, other in same_tables(new, old):
        for key, cells in new[at][1].items():
            for header, cell in cells.items():
                before = old[other][1].get(key, {}).get(header)
                if before is None or not past(header):
                    continue
                counts["compared"] += 1
                one, two = cell["value"], before["value"]
                if same(one["value"], two["value"]) and one["scale"] == two["scale"]:
                    counts["agree"] += 1
                    continue
                kind = "scale" if same(one["printed"], two["printed"]) else "value"
                if kind == "value" and same(one["value"], two["value"]):
                    kind = "units"
                counts[kind] += 1
                confidence = min(one["confidence"], two["confidence"])
                counts["sure"] += confidence >= 0.9
                differences.append(
                    {
                        "kind": kind,
                        "report": new_path.name.removesuffix(".json"),
                        "page": cell["page"],
                        "report_before": old_path.name.removesuffix(".json"),
                        "page_before": before["page"],
                        "label": " > ".join(part for part in key[:2] if part),
                        "column": header,
                        "text": cell["text"],
                        "value": one["value"],
                        "text_before": before["text"],
                        "value_before": two["value"],
                        "confidence": confidence,
                    }
                )
    return counts, differences


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("analyses", type=Path, help="folder with what docproc analyze wrote")
    parser.add_argument("--list", type=Path, help="write every difference to this file, one JSON object a line")
    arguments = parser.parse_args()
    reports = {}
    for path in sorted(arguments.analyses.rglob("*.pdf.json")):
        if match := NAME.match(path.name):
            reports[match[1], int(match[2]), match[3]] = path
    total, all_differences = Counter(), []
    print(f"{'report':<40}{'past':>7}{'compared':>10}{'agree':>8}{'share':>8}{'scale':>7}{'value':>7}{'units':>7}{'sure':>6}")
    for (company, year, rest), path in sorted(reports.items()):
        pairs = [(f"{company} {year}", reports.get((company, year - 1, rest)), year - 1)]
        # A release and the report of the same year, each pair once.
        beside = [other for other in reports if other[:2] == (company, year) and other[2] > rest]
        pairs += [(f"{company} {year}, {rest} and {other[2]}", reports[other], year) for other in sorted(beside)]
        for name, other, last_year in pairs:
            if other is not None:
                counts, differences = compare(path, other, last_year)
                total.update(counts)
                all_differences += differences
                line(name, counts)
    if not total:
        sys.exit("no two reports of one company in consecutive years or in one")
    line("all", total)
    if arguments.list:
        arguments.list.write_text("".join(json.dumps(difference) + "\n" for difference in all_differences))
    else:
        for item in all_differences:
            print(
                f"{item['kind']}: {item['report']}:{item['page']} `{item['text']}` is {item['value']:g}, "
                f"{item['report_before']}:{item['page_before']} `{item['text_before']}` is {item['value_before']:g}; "
                f"{item['label']} | {item['column']}"
            )


def line(name, counts):
    share = counts["agree"] / counts["compared"] if counts["compared"] else 0
    columns = [counts["past"], counts["compared"], counts["agree"]]
    print(
        f"{name:<40}{columns[0]:>7}{columns[1]:>10}{columns[2]:>8}{share:>8.4f}"
        f"{counts['scale']:>7}{counts['value']:>7}{counts['units']:>7}{counts['sure']:>6}"
    )


if __name__ == "__main__":
    main()
