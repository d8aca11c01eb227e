"""Sentences with marked names for `name_confidence`, in the format of `docproc eval entities`.

    python name_rows.py WORK/entities/validation.jsonl > fit.jsonl
    docproc eval entities --data fit.jsonl --rows rows.jsonl
    docproc train name_confidence --data rows.jsonl --test rows-of-others.jsonl -o OUT

WORK is that of models/training/text. Keeps the sentences whose annotators marked people, companies and places, with the
document or company as the group. The text model chose its epochs by these sentences and learned from none of them.
"""

import json
import sys

NAMES = {"ORG", "PER", "LOC"}


def main():
    for line in open(sys.argv[1], encoding="utf-8"):
        row = json.loads(line)
        if NAMES.isdisjoint(row["open"]):
            tags = [tag if tag[2:] in NAMES else "O" for tag in row["tags"]]
            print(json.dumps({"tokens": row["tokens"], "tags": tags, "group": row["document"]}))


if __name__ == "__main__":
    main()
