"""The torch engine: any causal or encoder-decoder model of transformers, on any device.

It is the reference the llama.cpp engine is tested against, what a GPU uses, and what training
differentiates through (:mod:`persona_demo.lm.differentiable`). The model's parameters are frozen at
load time; nothing here changes them.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import linear
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, PreTrainedModel

from persona_demo.errors import UserError
from persona_demo.lm._torch_beams import write
from persona_demo.lm._torch_scorer import logits, pad, score
from persona_demo.lm._torch_states import mean_states
from persona_demo.lm.base import FloatArray, LMInfo, Row, StatesLayer, Tokens
from persona_demo.lm.codec import HFCodec

DType = Literal["float32", "bfloat16"]
Attention = Literal["eager", "sdpa"]
DEFAULT_CONTEXT = 2048


@dataclass(frozen=True)
class Device:
    """Where a model runs and in which precision, with the reason for readers."""

    name: str
    dtype: DType
    reason: str


def choose_device() -> Device:
    """Pick a GPU where there is one; else the processor, in bfloat16 where it has units for it.

    Without such units bfloat16 is several times slower than float32; with them it is about twice as fast.
    """
    if torch.cuda.is_available():
        return Device("cuda", "bfloat16", f"GPU {torch.cuda.get_device_name()}, bfloat16")
    has_units = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    dtype: DType = "bfloat16" if has_units() else "float32"
    threads = torch.get_num_threads()
    return Device("cpu", dtype, f"processor, {threads} thread{'s' if threads > 1 else ''}, {dtype}")


def _sharpen(head: Any) -> None:
    """Let a model's output layer compute in float32; its own weights stay as they are.

    In bfloat16 logits of 16 and above are an eighth apart: answers of about the same likelihood, two ratings
    say, would tie, and by what is read beside them now the one and now the other would come out ahead.
    """
    weight = head.weight.detach().float()
    bias = None if getattr(head, "bias", None) is None else head.bias.detach().float()
    head.forward = lambda hidden: linear(hidden.float(), weight, bias)


class TorchLM:
    """A frozen transformers model behind :class:`~persona_demo.lm.base.FrozenLM`."""

    def __init__(self, model: PreTrainedModel, codec: HFCodec, *, name: str, fingerprint: str, device: Device) -> None:
        """Freeze a loaded model and take it over."""
        self.model: Any = model.to(device.name).eval()  # type: ignore[arg-type]
        self.model.requires_grad_(False)
        self._codec = codec
        weight = self.model.get_input_embeddings().weight
        if weight.dtype == torch.bfloat16:
            _sharpen(self.model.get_output_embeddings())
        config = model.config
        self._info = LMInfo(
            name=name,
            fingerprint=fingerprint,
            engine="torch",
            family="encoder-decoder" if config.is_encoder_decoder else "causal",
            hidden_size=int(weight.shape[1]),
            vocab_size=int(self.model.get_output_embeddings().weight.shape[0]),
            embedding_norm=float(weight.float().norm(dim=-1).mean()),
            context_length=int(getattr(config, "max_position_embeddings", None) or DEFAULT_CONTEXT),
            eos=codec.eos,
            device=device.reason,
        )

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        name: str,
        fingerprint: str,
        device: Device | None = None,
        attention: Attention = "sdpa",
    ) -> TorchLM:
        """Load a model folder.

        Args:
            folder: Safetensors weights, configuration and tokenizer.
            name: Hub id.
            fingerprint: SHA-256 of the weights' source file.
            device: Where to run; chosen when left out.
            attention: ``eager`` trains faster on a processor, ``sdpa`` is the default elsewhere.

        Raises:
            UserError: If the folder holds no readable model.
        """
        device = device or choose_device()
        try:
            config = AutoConfig.from_pretrained(folder, local_files_only=True)
            kind = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
            model = kind.from_pretrained(
                folder,
                dtype=getattr(torch, device.dtype),
                attn_implementation="eager" if config.is_encoder_decoder else attention,
                local_files_only=True,
                use_safetensors=True,
            )
        except (OSError, ValueError, KeyError) as error:
            raise UserError(f"{folder} holds no readable language model: fetch it again.") from error
        return cls(model, HFCodec.load(folder), name=name, fingerprint=fingerprint, device=device)

    @property
    def info(self) -> LMInfo:
        """Facts about the model."""
        return self._info

    @property
    def codec(self) -> HFCodec:
        """Its tokenizer."""
        return self._codec

    @property
    def device(self) -> torch.device:
        """Where its parameters lie."""
        return self.model.get_input_embeddings().weight.device  # type: ignore[no-any-return]

    @property
    def dtype(self) -> torch.dtype:
        """Precision of its parameters."""
        return self.model.get_input_embeddings().weight.dtype  # type: ignore[no-any-return]

    def embed(self, tokens: Sequence[int]) -> FloatArray:
        """Input embeddings of token ids, shape (len(tokens), H)."""
        return self.embed_tensor(tokens).float().cpu().numpy()

    def embed_tensor(self, tokens: Sequence[int]) -> Tensor:
        """Input embeddings as a tensor on the model's device, shape (len(tokens), H)."""
        weight: Tensor = self.model.get_input_embeddings().weight
        with torch.no_grad():
            return weight[torch.tensor(list(tokens), dtype=torch.long, device=weight.device)]

    @property
    def input_end(self) -> Tokens:
        """Special tokens after what an encoder reads, as its model was trained to; none for a causal model."""
        return self._codec.end if self._info.family == "encoder-decoder" else ()

    def embed_row(self, row: Row) -> Tensor:
        """Input embeddings of a row's segments (not its opening), shape (L, H)."""
        parts = [
            self.embed_tensor(s) if isinstance(s, tuple) else torch.from_numpy(s).to(self.device, self.dtype)
            for s in row.segments
        ]
        return torch.cat([*parts, self.embed_tensor(self.input_end)])

    def session(self) -> TorchSession:
        """Start an empty session."""
        return TorchSession(self)

    def score(self, rows: Sequence[Row], targets: Sequence[Tokens]) -> list[FloatArray]:
        """Log-probability in nats of each target token after its row, one (T,) array a row."""
        return score(self, rows, targets)

    def write(self, rows: Sequence[Row], *, beams: int, max_new_tokens: int, min_new_tokens: int = 1) -> list[Tokens]:
        """Write on from rows by beam search: one text a row, see :mod:`persona_demo.lm._torch_beams`."""
        return write(self, rows, beams=beams, max_new_tokens=max_new_tokens, min_new_tokens=min_new_tokens)

    def logits(self, rows: Sequence[Row], targets: Sequence[Tokens]) -> list[FloatArray]:
        """Logits that predict each target token after its row, one (T, V) array a row."""
        return logits(self, rows, targets)

    def mean_states(self, texts: Sequence[Tokens], *, layer: StatesLayer = "last") -> FloatArray:
        """Mean hidden states over each text's tokens, shape (N, H); zeros for an empty text."""
        return mean_states(self, texts, layer=layer)

    @cached_property
    def trims_logits(self) -> bool:
        """Whether logits nobody asked for can be left out; the head is a fifth of the work of a small model."""
        return "logits_to_keep" in inspect.signature(self.model.forward).parameters


class _Group:
    """Rows added together: one batch, one cache."""

    def __init__(self, lm: TorchLM, rows: Sequence[Row]) -> None:
        self.lm = lm
        self.encoded: Any = None
        inputs = [lm.embed_row(row) for row in rows]
        if lm.info.family == "encoder-decoder":
            embeds, self.input_mask = pad(inputs, left=False)
            self.encoded = lm.model.get_encoder()(inputs_embeds=embeds, attention_mask=self.input_mask)
            begin = lm.model.config.decoder_start_token_id
            inputs = [lm.embed_tensor((begin, *row.opening)) for row in rows]
        else:
            inputs = [torch.cat([x, lm.embed_tensor(r.opening)]) for x, r in zip(inputs, rows, strict=True)]
        self.cache: Any = None
        embeds, self.mask = pad(inputs, left=True)
        self.logits = self._forward(embeds)

    def _forward(self, embeds: Tensor) -> Tensor:
        positions = (self.mask.cumsum(-1) - 1).clamp(min=0)[:, -embeds.shape[1] :]
        if self.encoded is not None:
            out = self.lm.model(
                encoder_outputs=self.encoded,
                attention_mask=self.input_mask,
                decoder_inputs_embeds=embeds,
                decoder_attention_mask=self.mask,
                past_key_values=self.cache,
                use_cache=True,
            )
        else:
            out = self.lm.model(
                inputs_embeds=embeds,
                attention_mask=self.mask,
                position_ids=positions,
                past_key_values=self.cache,
                use_cache=True,
                **({"logits_to_keep": 1} if self.lm.trims_logits else {}),
            )
        self.cache = out.past_key_values
        return out.logits[:, -1].float()  # type: ignore[no-any-return]

    def step(self, tokens: Sequence[int]) -> Tensor:
        self.mask = torch.cat([self.mask, self.mask.new_ones(len(tokens), 1)], dim=1)
        return self._forward(self.lm.embed_tensor(tokens)[:, None])


class TorchSession:
    """Rows being continued together on the torch engine."""

    def __init__(self, lm: TorchLM) -> None:
        """Start empty."""
        self._lm = lm
        self._groups: list[_Group] = []
        self._place: list[tuple[int, int]] = []

    def __enter__(self) -> TorchSession:
        """Enter the session."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Free the caches."""
        self._groups.clear()

    @property
    def rows(self) -> int:
        """How many rows were added so far."""
        return len(self._place)

    @torch.no_grad()
    def add(self, rows: Sequence[Row]) -> FloatArray:
        """Read further rows and return the logits of their next tokens, shape (len(rows), V).

        Raises:
            UserError: If a row is longer than the model's context.
        """
        for row in rows:
            length = row.text_tokens + row.soft_vectors
            if length >= self._lm.info.context_length:
                raise UserError(
                    f"The input is {length:,} tokens long and the model reads at most "
                    f"{self._lm.info.context_length:,}: shorten the history items or the prompt."
                )
        group = _Group(self._lm, rows)
        self._place += [(len(self._groups), i) for i in range(len(rows))]
        self._groups.append(group)
        return group.logits.cpu().numpy()

    @torch.no_grad()
    def step(self, tokens: Mapping[int, int]) -> Mapping[int, FloatArray]:
        """Feed one token to each named row; a row left out is closed for good."""
        logits: dict[int, FloatArray] = {}
        for g, group in enumerate(self._groups):
            rows = [r for r, (of, _) in enumerate(self._place) if of == g]
            if not any(r in tokens for r in rows):
                continue
            # Closed rows are fed a token nobody reads, which keeps the batch whole.
            out = group.step([tokens.get(r, 0) for r in rows]).cpu().numpy()
            logits.update({r: out[self._place[r][1]] for r in rows if r in tokens})
        return {r: np.asarray(logits[r]) for r in tokens}
