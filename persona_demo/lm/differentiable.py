"""The differentiable pass: how likely an answer is, as a function of the soft vectors before it.

The text in front of the soft vectors does not depend on them. Its keys and values are therefore
computed once, without a gradient, and kept in memory for every person, arm and epoch (causal models;
an encoder reads in both directions, so there the whole input is read). The language-model head and
the cross-entropy are fused, so that no (tokens, vocabulary) array outlives a chunk.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, pad
from torch.nn.utils.rnn import pad_sequence
from transformers import DynamicCache

from persona_demo.lm.base import Tokens
from persona_demo.lm.torch_engine import TorchLM

HEAD_CHUNK = 256
PREFIX_CHUNK = 768
"""Most positions of prefixes, padding counted, that are read together; more would be more padding."""
PREFIX_BYTES = 2 * 1024**3

KeyValues = list[tuple[Tensor, Tensor]]
"""Keys and values of one prefix, a pair a layer, each of shape (heads, length, width)."""


@dataclass(frozen=True)
class AnswerRow:
    """One answer to be scored.

    Attributes:
        prefix: Tokens before the soft vectors.
        soft: Soft vectors, shape (S, H), float32, carrying the gradient.
        suffix: Tokens between the soft vectors and the target.
        target: The tokens whose likelihood counts.
        context: Tokens between the soft vectors and the suffix; an encoder reads these, a decoder those.
    """

    prefix: Tokens
    soft: Tensor
    suffix: Tokens
    target: Tokens
    context: Tokens = ()


class _HeadCrossEntropy(torch.autograd.Function):
    """Linear head and cross-entropy in one pass: the gradient is computed with the loss."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, target: Tensor) -> Tensor:
        nll = torch.empty(len(hidden), device=hidden.device)
        gradient = torch.empty_like(hidden)
        for start in range(0, len(hidden), HEAD_CHUNK):
            part = slice(start, start + HEAD_CHUNK)
            ids = target[part, None]
            logits = (hidden[part] @ weight.t()).float()
            log_z = torch.logsumexp(logits, dim=-1, keepdim=True)
            nll[part] = (log_z - logits.gather(1, ids))[:, 0]
            error = logits.sub_(log_z).exp_()
            error.scatter_add_(1, ids, torch.full_like(ids, -1, dtype=error.dtype))
            gradient[part] = error.to(weight.dtype) @ weight
        ctx.save_for_backward(gradient)
        return nll

    @staticmethod
    def backward(ctx: Any, *outputs: Tensor) -> tuple[Tensor, None, None]:
        (gradient,) = ctx.saved_tensors
        return gradient * outputs[0][:, None].to(gradient.dtype), None, None


class DifferentiableLM:
    """A torch LM seen as a function of soft vectors."""

    def __init__(self, lm: TorchLM, *, prefix_bytes: int = PREFIX_BYTES) -> None:
        """Wrap a frozen LM.

        Args:
            lm: The frozen LM.
            prefix_bytes: Memory for keys and values of prefixes.
        """
        self.lm = lm
        self._prefixes: OrderedDict[Tokens, KeyValues] = OrderedDict()
        self._room = prefix_bytes
        self._plain_head = self._check_head()

    @torch.no_grad()
    def _check_head(self) -> bool:
        """Whether the logits are the plain linear head of the last hidden state.

        Some models scale or cap their logits; asking the model itself is surer than a list of names.
        """
        model = self.lm.model
        if self.lm.info.family != "causal" or model.base_model is model:
            return False
        embeds = self.lm.embed_tensor((1, 2, 3))[None]
        hidden = model.base_model(inputs_embeds=embeds).last_hidden_state
        head = model.get_output_embeddings()
        plain = getattr(head, "bias", None) is None
        return plain and torch.allclose(
            (hidden @ head.weight.t()).float(), model(inputs_embeds=embeds).logits.float(), atol=1e-2, rtol=1e-2
        )

    def nll(self, rows: Sequence[AnswerRow]) -> Tensor:
        """Mean negative log-likelihood of each row's target tokens.

        Args:
            rows: B answers.

        Returns:
            A float32 tensor of shape (B,), nats a token, differentiable in every row's soft vectors.
        """
        logits_or_hidden = self._causal(rows) if self.lm.info.family == "causal" else self._seq2seq(rows)
        target = torch.tensor([t for row in rows for t in row.target], device=self.lm.device)
        if self._plain_head:
            weight = self.lm.model.get_output_embeddings().weight
            flat = _HeadCrossEntropy.apply(logits_or_hidden, weight, target)  # type: ignore[no-untyped-call]
        else:
            flat = cross_entropy(logits_or_hidden.float(), target, reduction="none")
        return torch.stack([part.mean() for part in flat.split([len(row.target) for row in rows])])

    def _embeds(self, rows: Sequence[AnswerRow], parts: Sequence[tuple[Tokens, Tensor | None, Tokens]]) -> Tensor:
        """Right-padded input embeddings (B, L, H) of (tokens, soft vectors, tokens) triples."""
        sequences = []
        for before, soft, after in parts:
            pieces = [self.lm.embed_tensor(before)]
            if soft is not None:
                pieces.append(soft.to(self.lm.device, self.lm.dtype))
            pieces.append(self.lm.embed_tensor(after))
            sequences.append(torch.cat(pieces))
        return pad_sequence(sequences, batch_first=True)

    def _causal(self, rows: Sequence[AnswerRow]) -> Tensor:
        """Hidden states (or logits, where the head is not plain) at every target token."""
        embeds = self._embeds(rows, [((), r.soft, r.context + r.suffix + r.target[:-1]) for r in rows])
        cache, mask, positions = self._prefix_cache([r.prefix for r in rows], embeds.shape[1])
        arguments: dict[str, Any] = {
            "inputs_embeds": embeds,
            "past_key_values": cache,
            "use_cache": cache is not None,
        }
        if mask is not None:
            arguments |= {"attention_mask": mask, "position_ids": positions}
        if self._plain_head:
            out = self.lm.model.base_model(**arguments).last_hidden_state
        else:
            out = self.lm.model(**arguments).logits
        return torch.cat(
            [
                out[i, (end := len(r.soft) + len(r.context) + len(r.suffix)) - 1 : end - 1 + len(r.target)]
                for i, r in enumerate(rows)
            ]
        )

    def _seq2seq(self, rows: Sequence[AnswerRow]) -> Tensor:
        """Logits at every target token; the opening is read by the decoder."""
        end = self.lm.input_end
        embeds = self._embeds(rows, [(r.prefix, r.soft, r.context + end) for r in rows])
        read = [len(r.prefix) + len(r.soft) + len(r.context) + len(end) for r in rows]
        lengths = torch.tensor(read, device=self.lm.device)
        mask = (torch.arange(embeds.shape[1], device=self.lm.device)[None] < lengths[:, None]).long()
        begin = self.lm.model.config.decoder_start_token_id
        answers = self._embeds(rows, [((begin,), None, r.suffix + r.target[:-1]) for r in rows])
        out = self.lm.model(inputs_embeds=embeds, attention_mask=mask, decoder_inputs_embeds=answers).logits
        return torch.cat([out[i, len(r.suffix) : len(r.suffix) + len(r.target)] for i, r in enumerate(rows)])

    def _prefix_cache(self, prefixes: Sequence[Tokens], width: int) -> tuple[Any, Tensor | None, Tensor | None]:
        """Keys and values of the prefixes, left-padded; with mask and positions where lengths differ."""
        longest = max(len(p) for p in prefixes)
        if longest == 0:
            return None, None, None
        kept = self._keys_values(prefixes)
        layers = []
        for layer in range(len(next(iter(kept.values())))):
            if len(kept) == 1:
                key, value = next(iter(kept.values()))[layer]
                layers.append((key.expand(len(prefixes), -1, -1, -1), value.expand(len(prefixes), -1, -1, -1)))
                continue
            sides = [
                torch.stack([pad(kept[p][layer][side], (0, 0, longest - len(p), 0)) for p in prefixes])
                for side in range(2)
            ]
            layers.append((sides[0], sides[1]))
        cache = DynamicCache(layers)
        if len(kept) == 1:
            return cache, None, None
        lengths = torch.tensor([len(p) for p in prefixes], device=self.lm.device)
        seen = torch.arange(longest, device=self.lm.device)[None] >= longest - lengths[:, None]
        mask = torch.cat([seen, seen.new_ones(len(prefixes), width)], dim=1).long()
        return cache, mask, lengths[:, None] + torch.arange(width, device=self.lm.device)[None]

    @torch.no_grad()
    def _keys_values(self, prefixes: Sequence[Tokens]) -> dict[Tokens, KeyValues]:
        """Keys and values of distinct prefixes, from memory where they are kept."""
        found = {p: self._prefixes[p] for p in prefixes if p in self._prefixes}
        for group in _groups({p for p in prefixes if p and p not in found}):
            # Padded on the right, where nothing that counts looks.
            embeds = pad_sequence([self.lm.embed_tensor(prefix) for prefix in group], batch_first=True)
            out = self.lm.model.base_model(inputs_embeds=embeds, use_cache=True).past_key_values
            for row, prefix in enumerate(group):
                # Copies, so that the padding is not kept with them.
                found[prefix] = [
                    (layer.keys[row, :, : len(prefix)].clone(), layer.values[row, :, : len(prefix)].clone())
                    for layer in out.layers
                ]
        if () in prefixes:
            example = next(iter(found.values()))
            found[()] = [(k[:, :0], v[:, :0]) for k, v in example]
        for prefix, pairs in found.items():
            self._prefixes[prefix] = pairs
            self._prefixes.move_to_end(prefix)
        size = sum(k.nbytes + v.nbytes for pairs in self._prefixes.values() for k, v in pairs)
        while size > self._room and len(self._prefixes) > 1:
            _, dropped = self._prefixes.popitem(last=False)
            size -= sum(k.nbytes + v.nbytes for k, v in dropped)
        return found


def _groups(prefixes: Iterable[Tokens]) -> list[list[Tokens]]:
    """Prefixes that are read together, of about the same length."""
    groups: list[list[Tokens]] = []
    for prefix in sorted(prefixes, key=lambda prefix: (-len(prefix), prefix)):
        if not groups or len(groups[-1][0]) * (len(groups[-1]) + 1) > PREFIX_CHUNK:
            groups.append([])
        groups[-1].append(prefix)
    return groups
