"""Log-probabilities of given texts on the torch engine, many at a time.

Rows of like length go into a batch together. One row before many answers is read once, and rows that begin
with the same tokens (one input under many arms) have that beginning read once: they share its keys and values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from persona_demo.lm._torch_parts import TorchParts
from persona_demo.lm.base import FloatArray, Row, Tokens

BATCH = 8
SHARED_START = 24
"""Least length of a common beginning that is worth reading by itself."""


@torch.no_grad()
def score(lm: TorchParts, rows: Sequence[Row], targets: Sequence[Tokens]) -> list[FloatArray]:
    """Log-probability in nats of each target token after its row, one (T,) array a row."""
    scores: dict[int, FloatArray] = {}
    for batch in _batches(rows, targets):
        for i, found in zip(batch, _predicting(lm, rows, targets, batch), strict=True):
            ids = torch.tensor(targets[i], dtype=torch.long, device=found.device)
            values = found.float()
            picked = values.gather(1, ids[:, None])[:, 0] - torch.logsumexp(values, dim=-1)
            scores[i] = picked.cpu().numpy()
    return [scores[i] for i in range(len(rows))]


@torch.no_grad()
def logits(lm: TorchParts, rows: Sequence[Row], targets: Sequence[Tokens]) -> list[FloatArray]:
    """Logits that predict each target token after its row, one (T, V) array a row."""
    kept: dict[int, FloatArray] = {}
    for batch in _batches(rows, targets):
        for i, found in zip(batch, _predicting(lm, rows, targets, batch), strict=True):
            kept[i] = found.float().cpu().numpy()
    return [kept[i] for i in range(len(rows))]


def pad(rows: Sequence[Tensor], *, left: bool) -> tuple[Tensor, Tensor]:
    """Stack (L_i, H) tensors into (B, L, H) with a mask of shape (B, L)."""
    longest = max(len(r) for r in rows)
    batch = rows[0].new_zeros(len(rows), longest, rows[0].shape[1])
    mask = torch.zeros(len(rows), longest, dtype=torch.long, device=rows[0].device)
    for i, row in enumerate(rows):
        place = slice(longest - len(row), longest) if left else slice(0, len(row))
        batch[i, place], mask[i, place] = row, 1
    return batch, mask


def _start(row: Row) -> Tokens:
    """The tokens a row begins with, up to its first soft vector; none where they are few."""
    first = row.segments[0] if row.segments else ()
    return first if isinstance(first, tuple) and len(first) >= SHARED_START else ()


def _batches(rows: Sequence[Row], targets: Sequence[Tokens]) -> Iterator[list[int]]:
    """Indices of rows in batches: a row before many answers, those that begin alike, and all others by length."""
    same: dict[int, list[int]] = {}
    for i, row in enumerate(rows):
        same.setdefault(id(row), []).append(i)
    groups = [members for members in same.values() if len(members) > 1]
    alike: dict[Tokens, list[int]] = {}
    for i in sorted(set(range(len(rows))).difference(*groups)):
        alike.setdefault(_start(rows[i]), []).append(i)
    groups += [members for start, members in alike.items() if start and len(members) > 1]
    others = sorted(set(range(len(rows))).difference(*groups))
    for group in (*groups, others):
        order = sorted(group, key=lambda i: rows[i].text_tokens + rows[i].soft_vectors + len(targets[i]))
        yield from (order[n : n + BATCH] for n in range(0, len(order), BATCH))


def _predicting(lm: TorchParts, rows: Sequence[Row], targets: Sequence[Tokens], batch: Sequence[int]) -> list[Tensor]:
    """Logits that predict each target token, one (T, V) tensor a row of the batch."""
    read, wanted = [rows[i] for i in batch], [targets[i] for i in batch]
    inputs = [lm.embed_row(row) for row in read]
    if lm.info.family == "causal":
        answers = [lm.embed_tensor(row.opening + t[:-1]) for row, t in zip(read, wanted, strict=True)]
        full = [torch.cat(pair) for pair in zip(inputs, answers, strict=True)]
        return _causal(lm, full, shared=_shared(read, inputs[0]), lengths=[len(t) for t in wanted])
    embeds, mask = pad(inputs, left=False)
    begin = lm.model.config.decoder_start_token_id
    answers = [lm.embed_tensor((begin, *row.opening, *t[:-1])) for row, t in zip(read, wanted, strict=True)]
    decoded = pad(answers, left=False)[0]
    out = lm.model(inputs_embeds=embeds, attention_mask=mask, decoder_inputs_embeds=decoded).logits
    return [out[i, len(a) - len(t) : len(a)] for i, (a, t) in enumerate(zip(answers, wanted, strict=True))]


def _shared(rows: Sequence[Row], first: Tensor) -> int:
    """How many first positions the rows of a batch share and may be read once, given the first one (L, H)."""
    if len(rows) > 1 and all(row is rows[0] for row in rows):
        return len(first) + len(rows[0].opening) - 1
    start = _start(rows[0])
    if len(rows) == 1 or any(_start(row) != start for row in rows):
        return 0
    # A row needs a position after what is shared, whose logits predict its first target token.
    whole = any(len(row.segments) == 1 and not row.opening for row in rows)
    return max(len(start) - whole, 0)


def _causal(lm: TorchParts, full: Sequence[Tensor], *, shared: int, lengths: Sequence[int]) -> list[Tensor]:
    """The last logits of whole sequences (L_i, H) whose first ``shared`` positions are the same."""
    ends = [len(f) - shared for f in full]
    start = min(end - length for end, length in zip(ends, lengths, strict=True)) if lm.trims_logits else 0
    kept: dict[str, Any] = {}
    if lm.trims_logits:
        kept["logits_to_keep"] = torch.arange(start, max(ends), device=lm.device)
    if shared:
        kept["past_key_values"] = _keys_and_values(lm, full[0][:shared], rows=len(full))
    # Right padding needs no mask: under causal attention nothing looks at what follows it.
    embeds = pad([f[shared:] for f in full], left=False)[0]
    out = lm.model(inputs_embeds=embeds, use_cache=shared > 0, **kept).logits
    places = zip(ends, lengths, strict=True)
    return [out[i, end - length - start : end - start] for i, (end, length) in enumerate(places)]


def _keys_and_values(lm: TorchParts, start: Tensor, *, rows: int) -> DynamicCache:
    """Keys and values of positions (L, H), read once, for so many rows."""
    layers = lm.model.base_model(inputs_embeds=start[None], use_cache=True).past_key_values.layers
    shape = (rows, -1, -1, -1)
    return DynamicCache([(layer.keys.expand(shape), layer.values.expand(shape)) for layer in layers])
