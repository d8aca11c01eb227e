"""Step 2: trains the byte-level BPE on the training companies' text, with RoBERTa's special tokens."""

from __future__ import annotations

import argparse
import json

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

import filings
import synthetic
from common import FILINGS, UNUSABLE, WORK, split_of

SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def texts():
    for path in sorted(FILINGS.glob("*.html")):
        if path.stem not in UNUSABLE and split_of(path.stem) == "train":
            for block in filings.read(path)[2].blocks:
                yield block.text
    lines = synthetic.HEADS + synthetic.TOPICS + synthetic.ITEMS + synthetic.COMPANIES
    for _ in range(20):
        yield from lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=8192)
    options = parser.parse_args()
    tokenizer = Tokenizer(models.BPE(unk_token=None))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=options.size, special_tokens=SPECIAL, min_frequency=3,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=True)
    tokenizer.train_from_iterator(texts(), trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=True)
    WORK.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(WORK / "tokenizer.json"))
    sample = "Net sales decreased 3.2% to $293.6 million ($ 1,234.5)"
    print(json.dumps({"size": tokenizer.get_vocab_size(), "sample": tokenizer.encode(sample).tokens}))


if __name__ == "__main__":
    main()
