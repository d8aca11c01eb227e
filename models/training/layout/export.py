"""Step 4: writes the ONNX bundle of a trained run and checks it against PyTorch.

    python export.py --run final --out ../../layoutlmv3
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from pathlib import Path

import numpy
import onnx
import onnxruntime
import torch
from tokenizers import Tokenizer

import metrics
from common import LABELS, WORK
from dataset import OVERLAP, Encoder, batches, collate, load_pages, windows_of
from model import new_config, new_model
from train import softmax

sys.path.append(str(Path(__file__).resolve().parents[1]))
from quantize import quantize  # noqa: E402


class TextLogits(torch.nn.Module):
    """The model with positional arguments and one output, as the exported graph has them."""

    def __init__(self, model) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids, bbox, attention_mask, pixel_values):
        return self.model(input_ids=input_ids, bbox=bbox, attention_mask=attention_mask, pixel_values=pixel_values).logits


def trained(run: str):
    tokenizer = Tokenizer.from_file(str(WORK / "tokenizer.json"))
    config = new_config(tokenizer.get_vocab_size())
    config._attn_implementation = "eager"
    model = new_model(config)
    model.load_state_dict(torch.load(WORK / "runs" / run / "model.pt", map_location="cpu"))
    return model.eval(), tokenizer


def export_graph(model, path: Path) -> None:
    example = (torch.randint(5, 100, (2, 20)), torch.randint(0, 500, (2, 20, 4)).sort(-1).values,
               torch.ones(2, 20, dtype=torch.int64), torch.randn(2, 3, 224, 224))
    with torch.no_grad():
        torch.onnx.export(
            TextLogits(model).eval(), example, str(path), opset_version=17, dynamo=False,
            input_names=["input_ids", "bbox", "attention_mask", "pixel_values"], output_names=["logits"],
            dynamic_axes={"input_ids": {0: "batch", 1: "sequence"}, "bbox": {0: "batch", 1: "sequence"},
                          "attention_mask": {0: "batch", 1: "sequence"}, "pixel_values": {0: "batch"},
                          "logits": {0: "batch", 1: "sequence"}})
    graph = onnx.load(str(path))
    onnx.checker.check_model(graph)


def adds_in_32_bits() -> bool:
    """Whether the processor has VNNI, by Linux's list of its features."""
    features = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    return "avx512_vnni" in features or "avx_vnni" in features


def session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    if not adds_in_32_bits():
        # As docproc: sums of 8-bit products that do not saturate on processors without VNNI. Slower elsewhere.
        options.add_session_config_entry("session.x64quantprecision", "1")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run_pages(run: onnxruntime.InferenceSession, encoder: Encoder, pages, budget: int = 1) -> tuple[list[numpy.ndarray], float]:
    """Logits per word and the seconds that inference alone took. A budget of 1 gives batches of one window."""
    out = [numpy.zeros((len(page.texts), len(LABELS)), dtype=numpy.float32) for page in pages]
    where = {id(page): index for index, page in enumerate(pages)}
    seconds = 0.0
    for batch in batches([w for page in pages for w in windows_of(page, encoder)], budget):
        inputs, starts = collate(batch)
        inputs.pop("labels")
        feed = {name: value.numpy() for name, value in inputs.items()}
        begun = time.perf_counter()
        logits = run.run(None, feed)[0]
        seconds += time.perf_counter() - begun
        for row, (window, firsts) in enumerate(zip(batch, starts)):
            begin, end = window.answers
            out[where[id(window.page)]][begin:end] = logits[row, firsts[begin - window.first:end - window.first]]
    return out, seconds


def fit_temperature(pages, logits) -> float:
    """The temperature with the least negative log-likelihood on validation words (Guo et al. 2017)."""
    truth = numpy.concatenate([page.labels for page in pages])
    values = numpy.concatenate(logits)[truth >= 0]
    truth = truth[truth >= 0]
    grid = numpy.geomspace(0.4, 4.0, 80)
    losses = [-numpy.log(softmax(values, t)[numpy.arange(len(truth)), truth] + 1e-12).mean() for t in grid]
    return float(grid[int(numpy.argmin(losses))])


def review_threshold(pages, logits, temperature: float, wanted: float = 0.97) -> float:
    """The lowest confidence above which words are right with the chance `wanted` on validation."""
    truth = numpy.concatenate([page.labels for page in pages])
    chances = softmax(numpy.concatenate(logits), temperature)[truth >= 0]
    right = chances.argmax(1) == truth[truth >= 0]
    confidence = chances.max(1)
    for threshold in numpy.arange(0.3, 0.99, 0.01):
        if right[confidence >= threshold].mean() >= wanted:
            return round(float(threshold), 2)
    return 0.99


def write_config(model, out: Path, temperature: float, threshold: float) -> None:
    config = json.loads(model.config.to_json_string())
    config["architectures"] = ["LayoutLMv3ForTokenClassification"]
    config["id2label"] = {str(i): name for i, name in enumerate(LABELS)}
    config["label2id"] = {name: i for i, name in enumerate(LABELS)}
    config["calibration"] = {"layout": round(temperature, 4)}
    config["review_thresholds"] = {"layout": threshold}
    config["window_overlap"] = OVERLAP
    (out / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    (out / "preprocessor_config.json").write_text(json.dumps({
        "image_processor_type": "LayoutLMv3ImageProcessor", "apply_ocr": False, "do_resize": True, "size": {"height": 224, "width": 224},
        "resample": 2, "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True,
        "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}, indent=2) + "\n")
    shutil.copy(WORK / "tokenizer.json", out / "tokenizer.json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pages", default="pages")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--limit", type=int, default=0, help="at most this many pages per set")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    model, tokenizer = trained(options.run)
    encoder = Encoder(tokenizer)
    export_graph(model, options.out / "model.onnx")
    # The gate needs labels and tokenizer; the temperature does not change which label is the largest and follows below.
    write_config(model, options.out, 1.0, 0.0)
    # Linear layers only, weights signed and per channel. Tables of positions and the projection of image patches stay
    # as they are: their Gather and Log must not be rounded. `write_eval.py` makes the labelled pages of the gate.
    # `--optimize` makes it 1.8 times as fast with equal outputs: positions looked up, attention in one operator.
    labelled = WORK.parent / "eval" / "layout" / "validation.jsonl"
    quantize(options.out / "model.onnx", options.out / "model.int8.onnx", "layout", labelled, "--optimize")

    def pages_of(split):
        pages = load_pages([WORK / name / split for name in options.pages.split(",")])
        if options.limit and len(pages) > options.limit:
            pages = [pages[i] for i in numpy.linspace(0, len(pages) - 1, options.limit).astype(int)]
        return pages

    sets = {split: pages_of(split) for split in ("validation", "test", "unseen")}
    exact, small = (session(options.out / name, options.threads) for name in ("model.onnx", "model.int8.onnx"))

    probe = sets["validation"][:6]
    worst = 0.0
    for window in [w for page in probe for w in windows_of(page, encoder)]:
        inputs, _ = collate([window])
        inputs.pop("labels")
        with torch.no_grad():
            reference = TextLogits(model).eval()(**inputs).numpy()
        worst = max(worst, float(numpy.abs(reference - exact.run(None, {k: v.numpy() for k, v in inputs.items()})[0]).max()))
    print(f"largest difference of ONNX from PyTorch: {worst:.2e}", flush=True)
    if worst > 1e-3:
        raise SystemExit("the exported graph does not agree with the model")

    logits, _ = run_pages(exact, encoder, sets["validation"])
    temperature = fit_temperature(sets["validation"], logits)
    threshold = review_threshold(sets["validation"], logits, temperature)
    report = {"run": options.run, "pages": options.pages, "temperature": temperature, "review_threshold": threshold, "onnx_difference": worst, "sets": {}}
    for name, run in (("fp32", exact), ("int8", small)):
        for split, pages in sets.items():
            values, seconds = run_pages(run, encoder, pages)
            result = metrics.summary([(p.job, p.labels, softmax(v, temperature)) for p, v in zip(pages, values)])
            result["pages_per_second"] = round(len(pages) / seconds, 2)
            report["sets"][f"{split}/{name}"] = result
            print(f"{split} {name}: {metrics.table(result)}\n  {result['pages_per_second']} pages/s", flush=True)
    write_config(model, options.out, temperature, threshold)
    (WORK / "runs" / options.run / "report.json").write_text(json.dumps(report, indent=1))
    for path in sorted(options.out.iterdir()):
        print(path.name, path.stat().st_size)


if __name__ == "__main__":
    main()
