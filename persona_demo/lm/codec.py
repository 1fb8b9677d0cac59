"""The frozen LM's tokenizer, as both engines and the word filter use it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from transformers import AutoTokenizer, PreTrainedTokenizerBase

from persona_demo.errors import UserError
from persona_demo.lm.base import Tokens


class HFCodec:
    """A transformers tokenizer behind the :class:`~persona_demo.lm.base.TextCodec` interface."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Wrap a loaded tokenizer."""
        self._tokenizer = tokenizer
        plain, full = self.encode("x"), tuple(tokenizer("x")["input_ids"])
        known = plain[0] in full
        self._start: Tokens = full[: full.index(plain[0])] if known else ()
        self._end: Tokens = full[len(self._start) + len(plain) :] if known else ()

    @classmethod
    def load(cls, folder: Path) -> HFCodec:
        """Load the tokenizer of a model folder.

        Raises:
            UserError: If the folder holds no tokenizer.
        """
        try:
            return cls(AutoTokenizer.from_pretrained(folder, local_files_only=True))
        except (OSError, ValueError) as error:
            raise UserError(f"{folder} holds no readable tokenizer: fetch the model again.") from error

    @property
    def start(self) -> Tokens:
        """Special tokens the model expects before any text; often none."""
        return self._start

    @property
    def end(self) -> Tokens:
        """Special tokens the model expects after a whole text; often none."""
        return self._end

    @property
    def eos(self) -> Tokens:
        """Token ids that end an answer: every special token, since none of them is text."""
        special = {i for i, token in self._tokenizer.added_tokens_decoder.items() if token.special}
        return tuple(sorted(special | set(self._tokenizer.all_special_ids)))

    def encode(self, text: str) -> Tokens:
        """Token ids of plain text; text that looks like a special token stays text."""
        ids = self._tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        return tuple(int(i) for i in ids)

    def decode(self, tokens: Sequence[int]) -> str:
        """Text of token ids, special tokens left out, spaces kept as they are."""
        text = self._tokenizer.decode(list(tokens), skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return str(text)
