"""Reads the exports in a folder with the programs that people read them with, and compares them with the analyses."""

import json
import re
import sys
from pathlib import Path

import duckdb
import openpyxl
import pyarrow.dataset
import yaml
from docling_core.types.doc.document import DoclingDocument
from markdown_it import MarkdownIt
from openpyxl.utils import range_boundaries

LISTS = ["pages", "sections", "sentences", "figures", "entities", "tables", "findings", "scores"]
KEYS = {"findings": "anomalies"}


def long_tables(root: Path, analyses: list[dict]) -> None:
    """Parquet by pyarrow and DuckDB, CSV by DuckDB: the same rows, and the numbers of the analyses."""
    counts = {name: sum(len(a[KEYS.get(name, name)]) for a in analyses) for name in LISTS}
    counts["documents"] = len(analyses)
    counts["cells"] = sum(len(table["cells"]) for a in analyses for table in a["tables"])
    for name, count in counts.items():
        parquet = pyarrow.dataset.dataset(root / "parquet" / name).to_table()
        assert parquet.num_rows == count, (name, parquet.num_rows, count)
        glob = root / "parquet" / name / "*.parquet"
        assert duckdb.sql(f"select count(*) from read_parquet('{glob}')").fetchall() == [(count,)], name
        csv = duckdb.sql(f"select * from read_csv('{root / 'csv' / name}/*.csv', all_varchar = true, max_line_size = 10000000)")
        assert csv.columns == parquet.column_names, name
        assert len(csv.fetchall()) == count, name
    sums = duckdb.sql(
        f"select document, sum(value), count(value) from read_parquet('{root}/parquet/cells/*.parquet') group by 1"
    ).fetchall()
    by_document = {document: (total, number) for document, total, number in sums}
    compared = 0
    for a in analyses:
        values = [c["value"]["value"] for t in a["tables"] for c in t["cells"] if "value" in c]
        if values:
            total, number = by_document[a["document"]["path"]]
            assert number == len(values)
            assert abs(total - sum(values)) <= 1e-9 * sum(map(abs, values)), a["document"]["path"]
            compared += 1
    assert compared > 3, compared
    periods = duckdb.sql(
        f"select count(*) from read_parquet('{root}/parquet/cells/*.parquet') where period is not null"
    ).fetchall()[0][0]
    assert periods == len({
        (a["document"]["path"], *f["cell"].values()) for a in analyses for f in a["figures"] if f.get("cell") and f.get("period")
    }), periods
    assert periods > 100, periods


def value_of(values, reference: str) -> float:
    """A cell's value, or the sum of a range's."""
    sheet, _, cells = reference.rpartition("!")
    ws = values[sheet.strip("'")]
    left, top, right, bottom = range_boundaries(cells)
    return sum(ws.cell(row, column).value for row in range(top, bottom + 1) for column in range(left, right + 1))


def computed(values, here: str, formula: str) -> float:
    """What a formula of ours gives: cells, ranges and numbers, added and subtracted."""
    text = formula.removeprefix("=")
    total, covered = 0.0, 0
    for match in re.finditer(r"([+-]?)(?:SUM\(([^)]*)\)|('[^']*'![A-Z]+\d+|[A-Z]+\d+)|\(?(-?\d+(?:\.\d+)?)\)?)", text):
        sign = -1 if match[1] == "-" else 1
        if match[4]:
            total += sign * float(match[4])
        else:
            reference = match[2] or match[3]
            total += sign * value_of(values, reference if "!" in reference else f"'{here}'!{reference}")
        covered += len(match[0])
    assert covered == len(text), formula
    return total


def workbooks(root: Path, analyses: list[tuple[Path, dict]]) -> None:
    """Numbers are numbers, texts are texts, sums give what they say, links lead into the report."""
    formulas = 0
    for path, a in analyses:
        book = root / path.name.replace(".json", ".xlsx")
        live, values = openpyxl.load_workbook(book), openpyxl.load_workbook(book, data_only=True)
        assert live.sheetnames[:5] == ["Summary", "Findings", "Checks", "Figures", "Sentences"]
        for table in a["tables"]:
            name = f"T{table['id']} p{table['page']}"
            for cell in table["cells"]:
                place = dict(row=cell["row"] + 5, column=cell["column"] + 1)
                shown, kept = live[name].cell(**place), values[name].cell(**place)
                assert shown.hyperlink.target.endswith(".report/doc.html"), shown.hyperlink.target
                assert shown.hyperlink.location == f"p{cell['page']}&c={table['id']}.{cell['row']}.{cell['column']}"
                if "value" not in cell:
                    assert shown.data_type == "s" and shown.value.startswith(cell["text"]), (name, shown.value)
                    continue
                number = cell["value"]["printed"] / (100 if cell["value"]["type"] == "PERCENT" else 1)
                if shown.data_type == "f":
                    formulas += 1
                    assert abs(computed(values, name, shown.value) - kept.value) < 1e-6, (book, name, shown.value)
                elif "alternatives" not in cell["value"]:
                    assert abs(shown.value - number) < 1e-9, (book, name, shown.value, number)
        checks, kept = live["Checks"], values["Checks"]
        broken = [f for f in a["anomalies"] if "formula" in f]
        assert checks.max_row - 1 == len(a["relations"]) + len(broken), book
        for row in range(2, checks.max_row + 1):
            formula = checks.cell(row, 4)
            if formula.data_type == "f":
                assert abs(computed(values, "Checks", formula.value) - kept.cell(row, 4).value) < 1e-6, formula.value
            assert kept.cell(row, 8).value is (row - 2 >= len(broken)), (book, row)
        for sheet in live:
            for row in sheet.iter_rows():
                for cell in row:
                    ours = cell.data_type != "f" or re.match(r"^=[A-Z0-9'(]", cell.value)
                    assert ours and "cmd" not in str(cell.value if cell.data_type == "f" else ""), cell.value
    assert formulas > 60, formulas


def docling(root: Path, analyses: list[tuple[Path, dict]]) -> None:
    """docling-core validates it and makes Markdown of it."""
    for path, a in analyses:
        document = DoclingDocument.load_from_json(root / path.name.replace(".json", ".docling.json"))
        assert len(document.tables) == len(a["tables"]), path
        assert len(document.pages) == len(a["pages"])
        cells = sum(len(t.data.table_cells) for t in document.tables)
        assert cells == sum(len(t["cells"]) for t in a["tables"]), path
        assert len(document.export_to_markdown()) > 100 or not a["blocks"]


def markdown(root: Path, analyses: list[tuple[Path, dict]]) -> None:
    """A Markdown reader sees the tables, and no markup that is not ours; YAML reads what stands in front."""
    tables = 0
    for path, a in analyses:
        text = (root / path.name.replace(".json", ".md")).read_text()
        _, front, body = text.split("---\n", 2)
        front = yaml.safe_load(front)
        assert front["document"] == a["document"]["path"] and len(front["findings"]) == len(a["anomalies"])
        tokens = MarkdownIt("commonmark").enable("table").parse(body)
        inner = [t for token in tokens for t in (token.children or [])]
        markup = {t.content for t in inner + tokens if t.type in ("html_inline", "html_block")}
        markup = {line for content in markup for line in content.splitlines() if line}
        assert all(re.fullmatch(r'<a id="p\d+">|</a>|<a id="p\d+"></a>', m) for m in markup), markup
        assert not [t for t in inner if t.type in ("link_open", "image", "code_inline")]
        tables += sum(token.type == "table_open" for token in tokens)
    assert tables == sum(len(a["tables"]) for _, a in analyses), tables


def main() -> None:
    root = Path(sys.argv[1])
    analyses = [(path, json.loads(path.read_text())) for path in sorted(root.glob("*.json"))]
    analyses = [(path, a) for path, a in analyses if "schema_version" in a]
    assert len(analyses) > 5
    long_tables(root, [a for _, a in analyses])
    workbooks(root, analyses)
    docling(root, analyses)
    markdown(root, analyses)
    print("fine")


main()
