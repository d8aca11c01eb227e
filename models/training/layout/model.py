"""The small LayoutLMv3 and a faster, differentiable way to compute its attention in training.

The architecture is transformers' LayoutLMv3ForTokenClassification, unchanged. Only two things are
replaced while training: the library treats the relative-position tables as constants (right for
fine-tuning of published weights, wrong from scratch), and its CogView softmax, which equals the
plain one, costs four passes over the scores.
"""

from __future__ import annotations

import math
import types

import torch
from transformers import LayoutLMv3Config, LayoutLMv3ForTokenClassification

from common import LABEL_ID, LABELS


def new_config(vocabulary: int, hidden: int = 192, layers: int = 4, heads: int = 4, intermediate: int = 512) -> LayoutLMv3Config:
    return LayoutLMv3Config(
        vocab_size=vocabulary, hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=heads,
        intermediate_size=intermediate, coordinate_size=hidden // 6, shape_size=hidden // 6, max_position_embeddings=514,
        max_2d_position_embeddings=1024, type_vocab_size=1, pad_token_id=1, bos_token_id=0, eos_token_id=2,
        hidden_dropout_prob=0.1, attention_probs_dropout_prob=0.0, input_size=224, patch_size=16, num_channels=3,
        rel_pos_bins=32, max_rel_pos=128, rel_2d_pos_bins=64, max_rel_2d_pos=256, has_relative_attention_bias=True,
        has_spatial_attention_bias=True, visual_embed=True, num_labels=len(LABELS),
        initializer_range=0.05,
        id2label=dict(enumerate(LABELS)), label2id=LABEL_ID, layer_norm_eps=1e-5)


def new_model(config: LayoutLMv3Config, tokens: list[str] | None = None) -> LayoutLMv3ForTokenClassification:
    """A model with random weights, but with tables that start smooth.

    Training from scratch on a few thousand pages has no time to learn 1,024 separate coordinates:
    neighbours start alike (sinusoids of many wavelengths). `tokens` (the vocabulary in order of
    ids) lets tokens of one shape (digits, capitals, marks, word starts) start alike as well.
    """
    model = LayoutLMv3ForTokenClassification(config)
    base = model.layoutlmv3
    scale = config.initializer_range
    with torch.no_grad():
        torch.nn.init.normal_(base.patch_embed.proj.weight, std=0.02)
        for name in ("x_position_embeddings", "y_position_embeddings", "h_position_embeddings", "w_position_embeddings"):
            table = getattr(base.embeddings, name).weight
            table.copy_(_waves(table.shape[0], table.shape[1], shortest=8.0, longest=4000.0) * 2 * scale)
        table = base.embeddings.position_embeddings.weight
        table.copy_(_waves(table.shape[0], table.shape[1], shortest=4.0, longest=2000.0) * 0.5 * scale)
        for bias in (base.encoder.rel_pos_bias, base.encoder.rel_pos_x_bias, base.encoder.rel_pos_y_bias):
            torch.nn.init.normal_(bias.weight, std=0.1)
        if tokens is not None:
            features = torch.tensor([_shape_features(token) for token in tokens], dtype=torch.float32)
            projection = torch.randn(features.shape[1], config.hidden_size)
            base.embeddings.word_embeddings.weight.add_(features @ projection * scale)
    return model


def _waves(rows: int, columns: int, shortest: float, longest: float) -> torch.Tensor:
    """Sines and cosines of the row number, wavelengths in geometric steps, phases random."""
    half = columns // 2
    lengths = shortest * (longest / shortest) ** (torch.arange(half) / max(half - 1, 1))
    angles = torch.arange(rows)[:, None] / lengths * 2 * math.pi + torch.rand(half) * 2 * math.pi
    return torch.cat([angles.sin(), angles.cos()], 1)[:, :columns]


def _shape_features(token: str) -> list[float]:
    text = token.removeprefix("\u0120")
    letters = [c for c in text if c.isalpha()]
    return [float(token.startswith("\u0120")), float(any(c.isdigit() for c in text)), float(text.isdigit()),
            float(bool(letters) and all(c.isupper() for c in letters)), float(bool(letters) and letters[0].isupper()),
            float(bool(text) and not any(c.isalnum() for c in text)), min(len(text), 10) / 10, float(text in {".", ",", ";", ":"}),
            float(text in {"$", "%", "(", ")", ")%", "($"}), float(len(text) == 1)]


def _bucket_table(encoder, bins: int, limit: int, reach: int) -> torch.Tensor:
    """The bucket of every distance from -reach to reach."""
    return encoder.relative_position_bucket(torch.arange(-reach, reach + 1), num_buckets=bins, max_distance=limit)


def use_fast_attention(model: LayoutLMv3ForTokenClassification, keep_patches: float = 1.0) -> None:
    encoder = model.layoutlmv3.encoder
    device = next(model.parameters()).device
    line = _bucket_table(encoder, encoder.rel_pos_bins, encoder.max_rel_pos, 1100).to(device)
    plane = _bucket_table(encoder, encoder.rel_2d_pos_bins, encoder.max_rel_2d_pos, 1100).to(device)
    scale = 1.0 / math.sqrt(model.config.hidden_size // model.config.num_attention_heads)

    def difference(values):
        return values.unsqueeze(-2) - values.unsqueeze(-1) + 1100

    def forward_encoder(self, hidden_states, bbox=None, attention_mask=None, position_ids=None, **kwargs):
        where = torch.nn.functional.embedding
        if self.training and self.keep_patches < 1.0:
            # Patch dropout: all text tokens, the image's class token and some of its 196 patches.
            text = hidden_states.shape[1] - 197
            some = torch.randperm(196)[: int(196 * self.keep_patches)].sort().values + text + 1
            kept = torch.cat([torch.arange(text + 1), some]).to(hidden_states.device)
            hidden_states, bbox = hidden_states[:, kept], bbox[:, kept]
            position_ids = position_ids[:, kept]
            attention_mask = None if attention_mask is None else attention_mask[..., kept][..., :1, :]
        bias = where(line[difference(position_ids)], self.rel_pos_bias.weight.t())
        if bias.shape[0] != bbox.shape[0]:
            bias = bias.expand(bbox.shape[0], -1, -1, -1)
        bias = bias + where(plane[difference(bbox[:, :, 0])], self.rel_pos_x_bias.weight.t())
        bias = bias + where(plane[difference(bbox[:, :, 3])], self.rel_pos_y_bias.weight.t())
        bias = bias.permute(0, 3, 1, 2) * scale
        if attention_mask is not None:
            if attention_mask.dtype == torch.bool:
                attention_mask = torch.zeros_like(attention_mask, dtype=bias.dtype).masked_fill(~attention_mask, -1e4)
            bias = bias + attention_mask
        bias = bias.flatten(0, 1).contiguous()
        for layer in self.layer:
            hidden_states = layer(hidden_states, None, rel_pos=bias, rel_2d_pos=None)
        from transformers.modeling_outputs import BaseModelOutput
        return BaseModelOutput(last_hidden_state=hidden_states)

    def forward_attention(self, hidden_states, attention_mask=None, rel_pos=None, rel_2d_pos=None, **kwargs):
        batch, length, width = hidden_states.shape
        heads, size = self.num_attention_heads, self.attention_head_size

        def split(values):
            return values.view(batch, length, heads, size).transpose(1, 2).reshape(batch * heads, length, size)

        scores = torch.baddbmm(rel_pos.to(hidden_states.dtype) if torch.is_autocast_enabled() else rel_pos, split(self.query(hidden_states)), split(self.key(hidden_states)).transpose(1, 2), alpha=scale)
        context = torch.bmm(scores.softmax(-1), split(self.value(hidden_states)))
        return context.view(batch, heads, length, size).transpose(1, 2).reshape(batch, length, width), None

    encoder.keep_patches = keep_patches
    encoder.forward = types.MethodType(forward_encoder, encoder)
    for layer in encoder.layer:
        attention = layer.attention.self
        attention.forward = types.MethodType(forward_attention, attention)
