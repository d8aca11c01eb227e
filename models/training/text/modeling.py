"""The text encoder with its heads, and the encoding of texts for it."""

from __future__ import annotations

import torch
from tokenizers import Tokenizer
from torch import nn
from transformers import BertModel

from common import ENTITY_LABELS, SECTION_KINDS, SENTIMENTS, base_model


class TextEncoder(nn.Module):
    """BERT with four heads on one pass.

    Inputs ``input_ids``, ``attention_mask``, ``token_type_ids``: int64 [batch, tokens].
    Outputs: ``logits`` [batch, 3], ``entity_logits`` [batch, tokens, 19],
    ``sentence_embedding`` [batch, 384] of unit length, ``section_logits`` [batch, 18].
    """

    def __init__(self, encoder: BertModel):
        super().__init__()
        hidden = encoder.config.hidden_size
        self.encoder = encoder
        self.dropout = nn.Dropout(0.1)
        self.sentiment_dense = nn.Linear(hidden, hidden)
        self.sentiment = nn.Linear(hidden, len(SENTIMENTS))
        self.entities = nn.Linear(hidden, len(ENTITY_LABELS))
        self.section_dense = nn.Linear(hidden, hidden)
        self.section = nn.Linear(hidden, len(SECTION_KINDS))
        self.embedding = nn.Linear(hidden, hidden)
        nn.init.eye_(self.embedding.weight)
        nn.init.zeros_(self.embedding.bias)

    @classmethod
    def from_base(cls, folder=None, attention="sdpa") -> TextEncoder:
        """Starts from a BERT checkpoint folder, by default all-MiniLM-L6-v2."""
        return cls(BertModel.from_pretrained(folder or base_model(), add_pooling_layer=False, attn_implementation=attention))

    def hidden(self, input_ids, attention_mask, token_type_ids):
        return self.encoder(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).last_hidden_state

    @staticmethod
    def mean_pool(hidden, attention_mask):
        weight = attention_mask.unsqueeze(-1).to(hidden.dtype)
        return (hidden * weight).sum(1) / weight.sum(1).clamp(min=1.0)

    def sentiment_logits(self, pooled):
        return self.sentiment(self.dropout(torch.tanh(self.sentiment_dense(self.dropout(pooled)))))

    def section_logits(self, pooled):
        return self.section(self.dropout(torch.tanh(self.section_dense(self.dropout(pooled)))))

    def entity_logits(self, hidden):
        return self.entities(self.dropout(hidden))

    def sentence_embedding(self, pooled):
        vector = self.embedding(pooled)
        return vector / vector.norm(dim=-1, keepdim=True).clamp(min=1e-9)

    def forward(self, input_ids, attention_mask, token_type_ids):
        hidden = self.hidden(input_ids, attention_mask, token_type_ids)
        pooled = self.mean_pool(hidden, attention_mask)
        return (
            self.sentiment_logits(pooled),
            self.entity_logits(hidden),
            self.sentence_embedding(pooled),
            self.section_logits(pooled),
        )


def load_tokenizer(path=None) -> Tokenizer:
    """The WordPiece tokenizer without its baked-in padding and truncation."""
    tokenizer = Tokenizer.from_file(str(path or base_model() / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def encode_text(tokenizer: Tokenizer, text: str, limit: int, second: str | None = None) -> tuple[list[int], list[int]]:
    """Ids and token types of ``[CLS] text [SEP]`` or ``[CLS] text [SEP] second [SEP]``.

    A text over ``limit`` tokens loses its end, never its last [SEP].
    """
    encoding = tokenizer.encode(text) if second is None else tokenizer.encode(text, second)
    ids, types = encoding.ids, encoding.type_ids
    if len(ids) > limit:
        ids, types = ids[: limit - 1] + ids[-1:], types[: limit - 1] + types[-1:]
    return ids, types


def encode_words(tokenizer: Tokenizer, words: list[str], limit: int) -> tuple[list[int], list[int]]:
    """Ids of ``words`` and, for each word kept, the index of its first WordPiece.

    Words that the normalizer empties (a lone control character) get index -1.
    """
    ids, firsts = [101], []
    for encoding in tokenizer.encode_batch(words, add_special_tokens=False):
        if not encoding.ids:
            firsts.append(-1)
            continue
        if len(ids) + len(encoding.ids) > limit - 1:
            break
        firsts.append(len(ids))
        ids.extend(encoding.ids)
    return [*ids, 102], firsts


def bert_words(tokenizer: Tokenizer, tokens: list[str], tags: list[str]) -> tuple[list[str], list[str], list[int]]:
    """Splits source tokens as BERT's pre-tokenizer does, so that training sees what running sees.

    Returns words, tags and, for each source token, the index of its first word.
    """
    words, labels, first = [], [], []
    for token, tag in zip(tokens, tags, strict=True):
        parts = [part for part, _ in tokenizer.pre_tokenizer.pre_tokenize_str(token)] or [token]
        first.append(len(words))
        for place, part in enumerate(parts):
            words.append(part)
            labels.append("I-" + tag[2:] if place and tag.startswith("B-") else tag)
    return words, labels, first


def pad(rows: list[list[int]], value: int = 0) -> torch.Tensor:
    width = max(len(row) for row in rows)
    return torch.tensor([row + [value] * (width - len(row)) for row in rows], dtype=torch.long)
