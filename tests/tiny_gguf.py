"""Builds a tiny random llama model twice, as a GGUF file and as its transformers twin.

Tests compare the two engines on it, and nothing needs to be downloaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from gguf import GGMLQuantizationType, GGUFWriter, TokenType, dequantize, quantize
from numpy.typing import NDArray
from transformers import LlamaConfig, LlamaForCausalLM

HIDDEN = 64
HEADS = 2
KV_HEADS = 1
LAYERS = 2
VOCAB = 96
CONTEXT = 512
ROPE_BASE = 10_000.0
SPECIAL = ("<unk>", "<s>", "</s>")
_EMBEDDINGS = "model.embed_tokens.weight"
_TOP = {
    _EMBEDDINGS: "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}
_NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}


@dataclass(frozen=True)
class TinyModel:
    """One model in two forms."""

    gguf: Path
    twin: LlamaForCausalLM

    @property
    def embeddings(self) -> torch.Tensor:
        """The token embedding matrix, (V, H)."""
        weights: dict[str, torch.Tensor] = self.twin.state_dict()
        return weights[_EMBEDDINGS]


def build_tiny_gguf(
    folder: Path,
    *,
    seed: int = 0,
    vocab: int = VOCAB,
    context: int = CONTEXT,
    kind: GGMLQuantizationType = GGMLQuantizationType.F32,
) -> TinyModel:
    """Write a random llama model as ``tiny.gguf`` and return it with its transformers twin.

    Args:
        folder: Where to write the file.
        seed: Seed of the weights.
        vocab: Vocabulary size V; the first three tokens are special, id 2 ends an answer.
        context: Most positions it says it can read.
        kind: How matrices are stored; the twin has the weights that this leaves of them.
    """
    config = LlamaConfig(
        vocab_size=vocab,
        hidden_size=HIDDEN,
        intermediate_size=2 * HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=KV_HEADS,
        max_position_embeddings=context,
        rms_norm_eps=1e-5,
        rope_parameters={"rope_type": "default", "rope_theta": ROPE_BASE},
        tie_word_embeddings=False,
        bos_token_id=1,
        eos_token_id=2,
    )
    model = LlamaForCausalLM(config)
    model.train(False)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            # Large enough for attention to be peaked and for every position to matter.
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(1 + 0.1 * noise if parameter.dim() == 1 else noise * parameter.shape[-1] ** -0.5)
            if name == _EMBEDDINGS:
                parameter.mul_(HIDDEN**0.5)
            if parameter.dim() == 2:
                parameter.copy_(torch.from_numpy(dequantize(quantize(parameter.numpy(), kind), kind)))
    path = folder / "tiny.gguf"
    _write(path, model, kind)
    return TinyModel(path, model)


def _write(path: Path, model: LlamaForCausalLM, kind: GGMLQuantizationType) -> None:
    config = model.config
    writer = GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_dimension_count(HIDDEN // HEADS)
    writer.add_rope_freq_base(ROPE_BASE)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    words = [*SPECIAL, "<0x0A>", *(f"\N{LOWER ONE EIGHTH BLOCK}w{i}" for i in range(config.vocab_size - 4))]
    kinds = [TokenType.UNKNOWN, TokenType.CONTROL, TokenType.CONTROL, TokenType.BYTE]
    writer.add_tokenizer_model("llama")
    writer.add_token_list(words)
    writer.add_token_scores([0.0] * len(words))
    writer.add_token_types([*kinds, *[TokenType.NORMAL] * (len(words) - len(kinds))])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    for name, parameter in model.named_parameters():
        place, weight = _tensor(name, parameter.detach().numpy())
        if weight.ndim == 2:
            writer.add_tensor(place, quantize(weight, kind), raw_dtype=kind)
        else:
            writer.add_tensor(place, weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _tensor(name: str, weight: NDArray[np.float32]) -> tuple[str, NDArray[np.float32]]:
    """GGUF name and layout of a transformers parameter."""
    if name in _TOP:
        return _TOP[name], weight
    _, _, layer, *inner = name.removesuffix(".weight").split(".")
    short = ".".join(inner)
    heads = {"self_attn.q_proj": HEADS, "self_attn.k_proj": KV_HEADS}.get(short)
    if heads:
        # transformers rotates the two halves of a head, GGUF llama neighbouring pairs.
        half = weight.reshape(heads, 2, weight.shape[0] // heads // 2, HIDDEN)
        weight = np.ascontiguousarray(half.swapaxes(1, 2)).reshape(weight.shape)
    return f"blk.{layer}.{_NAMES[short]}.weight", weight
