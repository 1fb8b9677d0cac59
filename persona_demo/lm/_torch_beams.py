"""Texts by beam search on the torch engine, for measuring them as papers do; transformers does the search.

The app's decoder (:mod:`persona_demo.lm.decode`) streams and guides; this does neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import GenerationConfig

from persona_demo.lm._torch_parts import TorchParts
from persona_demo.lm.base import Row, Tokens

BATCH = 8


@torch.no_grad()
def write(lm: TorchParts, rows: Sequence[Row], *, beams: int, max_new_tokens: int, min_new_tokens: int) -> list[Tokens]:
    """Write on from rows.

    Args:
        lm: The frozen LM.
        rows: What is read; the opening is not part of what is returned.
        beams: Width of the search; 4 in the paper, 1 is greedy.
        max_new_tokens: Most tokens of a text.
        min_new_tokens: Fewest, an end mark counted.

    Returns:
        Tokens of one text a row, up to its first special token.
    """
    special = set(lm.info.eos)
    settings: dict[str, Any] = {
        "num_beams": beams,
        "do_sample": False,
        "max_new_tokens": max_new_tokens,
        "min_new_tokens": min_new_tokens,
        "eos_token_id": list(lm.info.eos),
        "pad_token_id": lm.info.eos[0],
    }
    options = GenerationConfig(**settings)  # type: ignore[no-untyped-call]
    written: dict[int, Tokens] = {}
    # A decoder's openings are not padded, so rows whose openings are equally long go together.
    order = sorted(range(len(rows)), key=lambda i: (len(rows[i].opening), rows[i].text_tokens))
    for _, alike in groupby(order, key=lambda i: len(rows[i].opening)):
        places = list(alike)
        for start in range(0, len(places), BATCH):
            chunk = places[start : start + BATCH]
            for i, tokens in zip(chunk, _generate(lm, [rows[i] for i in chunk], options), strict=True):
                end = next((n for n, token in enumerate(tokens) if token in special), len(tokens))
                written[i] = tuple(tokens[:end])
    return [written[i] for i in range(len(rows))]


def _generate(lm: TorchParts, rows: Sequence[Row], options: GenerationConfig) -> list[list[int]]:
    """New tokens of rows whose openings are equally long, padding and all."""
    causal = lm.info.family == "causal"
    inputs = [lm.embed_row(row) for row in rows]
    if causal:
        inputs = [torch.cat([x, lm.embed_tensor(row.opening)]) for x, row in zip(inputs, rows, strict=True)]
    side = "left" if causal else "right"
    ones = [torch.ones(len(x), dtype=torch.long, device=lm.device) for x in inputs]
    given = {
        "inputs_embeds": pad_sequence(inputs, batch_first=True, padding_side=side),
        "attention_mask": pad_sequence(ones, batch_first=True, padding_side=side),
    }
    read = 0
    if not causal:
        begin = lm.model.config.decoder_start_token_id
        given["decoder_input_ids"] = torch.tensor([(begin, *row.opening) for row in rows], device=lm.device)
        read = given["decoder_input_ids"].shape[1]
    made: list[list[int]] = lm.model.generate(**given, generation_config=options)[:, read:].tolist()
    return made
