"""Training data of `anomaly_detector` from the files that tamper.py writes.

    for name in FOLDER/*.pdf; do docproc pages $name > ${name%.pdf}.pages; done
    for name in FOLDER/*.pages; do docproc features --pages $name --set page > ${name%.pages}.rows; done
    python tamper_rows.py FOLDER -o anomaly.jsonl

A page that another page repeats counts as tampered with, as its copy does; pages that could not be tampered with are left
out. The group is the company. Clean pages are dealt to the parts, one per kind of tampering, so that the figures by part
have both classes.
"""

import argparse
import json
import pathlib

KINDS = ["font", "same", "shift", "cover", "hidden", "duplicate"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    counts = {}
    with arguments.output.open("w") as output:
        for path in sorted(arguments.folder.glob("*.jsonl")):
            group = path.stem if path.stem[0].isdigit() else path.stem.split("-")[0]
            kinds = {(line["file"], line["page"]): line["kind"] for line in map(json.loads, path.read_text().splitlines())}
            for file in sorted({file for file, _ in kinds}):
                rows = arguments.folder / (file.removesuffix(".pdf") + ".rows")
                for line in rows.read_text().splitlines():
                    row = json.loads(line)
                    number = row["target"]["page"]
                    kind = kinds[file, number]
                    if kind == "unusable":
                        continue
                    kind = "duplicate" if kind == "copied" else kind
                    part = KINDS[number % len(KINDS)] if kind == "none" else kind
                    counts[kind] = counts.get(kind, 0) + 1
                    label = "regular" if kind == "none" else "tampered"
                    output.write(json.dumps({"set": row["set"], "features": row["features"], "label": label,
                                             "group": group, "part": part}) + "\n")
    print(counts)


if __name__ == "__main__":
    main()
