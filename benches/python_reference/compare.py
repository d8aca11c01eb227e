"""docproc against the two scripts, in turn, on the same documents: pages a second, memory, agreement.

    python compare.py --docproc target/release/docproc --models models [--exported FOLDER] [--rounds 5] FILE.pdf...

The scripts run docproc's shipped models, whose graphs `docproc quantize --optimize` has rewritten: the careful one as they
are, the plain one in float32. With --exported they run what one has without docproc: FOLDER/layoutlmv3/model.onnx and
FOLDER/finbert/model.onnx as PyTorch exported them (models/training), the careful one after onnxruntime.quantization.
Documents must have a text layer and no page rotation: the scripts read nothing else, and docproc is told --ocr never.
docproc does more on them than the scripts do (typography network, blocks and reading order, sections, entities,
figures, tables, audit, scores, one citation each); its time is not reduced by that. Before measuring, everything runs
once. Memory is the proportional set size of the process and its descendants, looked at every 50 ms.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from onnxruntime.quantization import QuantType, quantize_dynamic

import float32

HERE = pathlib.Path(__file__).parent


def tree_memory(root):
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as file:
                    parent = int(file.read().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
            children.setdefault(parent, []).append(int(entry))
    total, waiting = 0, [root]
    while waiting:
        process = waiting.pop()
        waiting += children.get(process, [])
        try:
            with open(f"/proc/{process}/smaps_rollup") as file:
                total += next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
        except (OSError, StopIteration):
            pass
    return total / 1000


def run(command, environment):
    """Wall seconds, processor seconds of the process and its descendants, peak megabytes."""
    started = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
    peak = 0.0
    while True:
        finished, status, usage = os.wait4(process.pid, os.WNOHANG)
        if finished:
            break
        peak = max(peak, tree_memory(process.pid))
        time.sleep(0.05)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{command[0]} ended with {process.returncode}: {process.stderr.read().decode()}")
    process.stderr.close()
    return seconds, usage.ru_utime + usage.ru_stime, peak


def docproc_view(out, paths):
    """Blocks and sentences of docproc's analyses by document."""
    views = {}
    for file in pathlib.Path(out).rglob("*.json"):
        if file.name == "manifest.json" or ".docproc" in file.parts:
            continue
        analysis = json.loads(file.read_text())
        name = pathlib.Path(analysis["document"]["path"]).name
        blocks = {}
        for block in analysis["blocks"]:
            blocks.setdefault(block["page"], []).append((block["box"], block["label"]))
        sentences = {
            " ".join(sentence["text"].split()): sentence["sentiment"]["label"]
            for sentence in analysis["sentences"]
            if sentence.get("sentiment")
        }
        views[name] = (blocks, sentences)
    missing = {pathlib.Path(path).name for path in paths} - set(views)
    if missing:
        sys.exit(f"docproc wrote no analysis of {sorted(missing)}")
    return views


def label_at(blocks, box):
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    over = [(b, label) for b, label in blocks if b[0] <= x <= b[2] and b[1] <= y <= b[3]]
    if not over:
        return None
    return min(over, key=lambda found: (found[0][2] - found[0][0]) * (found[0][3] - found[0][1]))[1]


def agreement(script, views):
    words = same_words = shared = same_sentiments = sentences = 0
    for path, document in script.items():
        blocks, ours = views[pathlib.Path(path).name]
        for page in document["pages"]:
            for _, box, label in page["words"]:
                own = label_at(blocks.get(page["number"], []), box)
                if own is not None:
                    words += 1
                    same_words += own == label
        for text, sentiment in document["sentences"]:
            sentences += 1
            text = " ".join(text.split())
            if text in ours:
                shared += 1
                same_sentiments += ours[text] == sentiment
    return words, same_words, sentences, shared, same_sentiments


def scripts_agreement(first, second):
    words = same = shared = alike = 0
    for path, document in first.items():
        other = second[path]
        for a, b in zip(document["pages"], other["pages"]):
            for (_, _, label), (_, _, there) in zip(a["words"], b["words"]):
                words += 1
                same += label == there
        theirs = dict(map(tuple, other["sentences"]))
        for text, sentiment in document["sentences"]:
            if text in theirs:
                shared += 1
                alike += theirs[text] == sentiment
    return words, same, shared, alike


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--docproc", required=True)
    parser.add_argument("--models", required=True)
    parser.add_argument("--exported", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("files", nargs="+")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        compare(arguments, pathlib.Path(folder))


def script_models(arguments, folder):
    """Bundles for the scripts below ``folder``, each with model.onnx in float32 and model.int8.onnx."""
    for name in ("layoutlmv3", "finbert"):
        source, target = pathlib.Path(arguments.models) / name, folder / name
        target.mkdir(parents=True)
        for file in ("tokenizer.json", "config.json", "model.int8.onnx"):
            (target / file).write_bytes((source / file).read_bytes())
        if arguments.exported:
            (target / "model.onnx").write_bytes((arguments.exported / name / "model.onnx").read_bytes())
            quantize_dynamic(target / "model.onnx", target / "model.int8.onnx", per_channel=True, weight_type=QuantType.QInt8)
        else:
            float32.float32(str(source / "model.int8.onnx"), str(target / "model.onnx"))


def compare(arguments, folder):
    script_models(arguments, folder / "models")
    script = lambda name: [
        sys.executable, str(HERE / f"{name}.py"), "--layout", str(folder / "models" / "layoutlmv3"),
        "--text", str(folder / "models" / "finbert"), "--json", str(folder / f"{name}.json"), *arguments.files,
    ]
    out = folder / "out"
    contenders = {
        "docproc": [
            arguments.docproc, "analyze", *arguments.files, "-o", str(out), "--models-dir", arguments.models,
            "--ocr", "never", "--force", "--quiet", "--fail-on", "never", "--disk-cache-size", "0",
        ],
        "careful": script("careful"),
        "plain": script("plain"),
    }
    environment = {**os.environ, "DOCPROC_CACHE_DIR": str(folder / "cache")}
    names = list(contenders)
    for name in names:
        run(contenders[name], environment)
    results = {name: [] for name in names}
    for turn in range(arguments.rounds):
        for name in names if turn % 2 == 0 else names[::-1]:
            results[name].append(run(contenders[name], environment))
            print(f"round {turn + 1}, {name}: {results[name][-1][0]:.2f} s", file=sys.stderr)
    plain, careful = (json.loads((folder / f"{name}.json").read_text()) for name in ("plain", "careful"))
    pages = sum(len(document["pages"]) for document in plain.values())
    print(f"{len(plain)} documents, {pages} pages, {arguments.rounds} rounds in turn, "
          f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}")
    print(f"{'':10}{'pages/s':>9}{'wall s':>9}{'cpu s':>9}{'peak MB':>9}   docproc is faster (wall), uses less processor")
    for name in names:
        wall, cpu, peak = (statistics.median(column) for column in zip(*results[name]))
        ratios = [b[0] / a[0] for a, b in zip(results["docproc"], results[name])]
        processor = [b[1] / a[1] for a, b in zip(results["docproc"], results[name])]
        beside = ""
        if name != "docproc":
            beside = (f"   {statistics.median(ratios):.1f}x ({min(ratios):.1f} to {max(ratios):.1f}), "
                      f"{statistics.median(processor):.1f}x")
        print(f"{name:10}{pages / wall:9.2f}{wall:9.2f}{cpu:9.2f}{peak:9.0f}{beside}")
    views = docproc_view(out, arguments.files)
    for name, document in (("careful", careful), ("plain", plain)):
        words, same, sentences, shared, alike = agreement(document, views)
        print(f"docproc and {name}: {same / max(1, words):.3f} of {words} word labels alike; {shared} of {sentences} "
              f"sentences cut alike, {alike / max(1, shared):.3f} of their sentiments alike")
    words, same, shared, alike = scripts_agreement(plain, careful)
    print(f"plain and careful: {same / max(1, words):.3f} of {words} word labels alike, "
          f"{alike / max(1, shared):.3f} of {shared} sentiments alike")


if __name__ == "__main__":
    main()
