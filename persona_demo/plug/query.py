"""The trained input encoder: a copy of the sentence encoder that learns what to look for in a history.

Paper, equation 2: x = Enc_input(current input), trained, while Enc_his stays frozen. It is kept beside
the plug as a sentence-transformers folder of its own, so it can be read without this project.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from persona_demo.catalog.local import refuse_code, refuse_pickles
from persona_demo.errors import UserError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

FOLDER = "query-encoder"
"""Name of its folder inside a plug's."""
_LOCAL_KEYS = ("_name_or_path", "name_or_path", "local_files_only", "is_local")
"""What libraries note of the machine a model was loaded on."""


class QueryEncoder(nn.Module):
    """Inputs to unit vectors, differentiable in the encoder's parameters."""

    def __init__(self, model: SentenceTransformer, *, prefix: str, max_tokens: int) -> None:
        """Take over a loaded model.

        Args:
            model: A sentence-transformers model.
            prefix: What it reads before every input.
            max_tokens: Longer inputs are cut.
        """
        super().__init__()
        # Frozen copies are shared; this one is trained, in the precision training needs.
        self.model = model.float().requires_grad_(True)
        self.model.max_seq_length = min(max_tokens, model.max_seq_length or max_tokens)
        self.prefix = prefix
        self.train(False)

    @classmethod
    def load(cls, folder: Path, *, prefix: str = "", max_tokens: int = 64) -> QueryEncoder:
        """Load a copy from a sentence-transformers folder.

        Raises:
            UserError: If the folder holds no such model, or one that only loads by running code.
        """
        from sentence_transformers import SentenceTransformer

        refuse_pickles((path.relative_to(folder).as_posix() for path in folder.rglob("*")), str(folder))
        refuse_code(folder, str(folder))
        try:
            model = SentenceTransformer(
                str(folder), device="cpu", local_files_only=True, model_kwargs={"dtype": torch.float32}
            )
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise UserError(f"{folder} holds no readable sentence encoder: restore the folder.") from error
        return cls(model, prefix=prefix, max_tokens=max_tokens)

    @property
    def width(self) -> int:
        """Length W of its vectors."""
        return int(self.model.get_embedding_dimension() or 0)

    def train(self, mode: bool = True) -> QueryEncoder:
        """Stay as in evaluation: dropout inside would make a step depend on more than seed and step."""
        super().train(False)
        return self

    def forward(self, texts: Sequence[str]) -> Tensor:
        """Unit vectors of inputs, shape (B, W), float32."""
        device = next(self.model.parameters()).device
        read = self.model.preprocess([self.prefix + text for text in texts])
        features = {name: v.to(device) if isinstance(v, Tensor) else v for name, v in read.items()}
        vectors: Tensor = self.model(features)["sentence_embedding"]
        return nn.functional.normalize(vectors.float(), dim=-1)

    def save(self, folder: Path) -> None:
        """Write the model, weights in half precision, without what libraries note of this machine.

        Args:
            folder: Where to; whatever is there is replaced.
        """
        draft = folder.with_name(f"{folder.name}.partial")
        shutil.rmtree(draft, ignore_errors=True)
        kept = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}
        try:
            self.model.half().save_pretrained(str(draft), create_model_card=False)
        finally:
            self.model.float().load_state_dict(kept)
        for path in draft.rglob("*.json"):
            values = json.loads(path.read_text(encoding="utf-8"))
            if isinstance(values, dict) and any(key in values for key in _LOCAL_KEYS):
                clean = {key: value for key, value in values.items() if key not in _LOCAL_KEYS}
                path.write_text(json.dumps(clean, indent=2) + "\n", encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)


def autocast(device: torch.device, dtype: torch.dtype) -> torch.autocast:
    """Half precision for a trained encoder beside a frozen LM in half precision; master weights stay whole."""
    return torch.autocast(device.type, torch.bfloat16, enabled=dtype == torch.bfloat16)
