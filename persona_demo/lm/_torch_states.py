"""What a frozen LM makes of a text, as one vector: its hidden states, averaged over the text's tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence

from persona_demo.lm._torch_parts import TorchParts
from persona_demo.lm.base import FloatArray, StatesLayer, Tokens

BATCH = 16


@torch.no_grad()
def mean_states(lm: TorchParts, texts: Sequence[Tokens], *, layer: StatesLayer) -> FloatArray:
    """Mean hidden states over each text's tokens; zeros for an empty text.

    Of an encoder-decoder model the encoder is read.

    Args:
        lm: The frozen LM.
        texts: N texts.
        layer: The states the head reads, or those half way up.

    Returns:
        Shape (N, H).
    """
    causal = lm.info.family == "causal"
    model = lm.model.base_model if causal else lm.model.get_encoder()
    further = {"use_cache": False} if causal else {}
    means = np.zeros((len(texts), lm.info.hidden_size), np.float32)
    order = sorted((i for i, text in enumerate(texts) if text), key=lambda i: len(texts[i]))
    for start in range(0, len(order), BATCH):
        chunk = order[start : start + BATCH]
        embeds = pad_sequence([lm.embed_tensor(texts[i]) for i in chunk], batch_first=True)
        lengths = torch.tensor([len(texts[i]) for i in chunk], device=lm.device)[:, None]
        mask = (torch.arange(embeds.shape[1], device=lm.device)[None] < lengths).long()
        out = model(inputs_embeds=embeds, attention_mask=mask, output_hidden_states=layer == "middle", **further)
        states = out.hidden_states[len(out.hidden_states) // 2] if layer == "middle" else out.last_hidden_state
        means[chunk] = ((states.float() * mask[:, :, None]).sum(1) / lengths).cpu().numpy()
    return means
