"""The frozen models of a training run, loaded, and the form of the plug that is made for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from persona_demo.catalog import models as catalog
from persona_demo.items import DType, ItemEncoder, SentenceTransformerEncoder
from persona_demo.lm.torch_engine import Device, TorchLM, choose_device
from persona_demo.plug.config import BLOCKS, PlugConfig
from persona_demo.plug.model import PersonaPlug
from persona_demo.plug.query import QueryEncoder
from persona_demo.tasks import Task

Report = Callable[[str, float | None], None]


@dataclass(frozen=True)
class Models:
    """The frozen models of a run.

    Attributes:
        lm: Frozen LM, on torch.
        encoder: Item encoder.
        config: Form of the plug made for them.
        encoder_folder: The sentence encoder's folder, for a plug that trains a copy of it.
    """

    lm: TorchLM
    encoder: ItemEncoder
    config: PlugConfig
    encoder_folder: Path | None = None

    def with_form(self, **changes: Any) -> Models:
        """The same models for a plug of another form.

        Args:
            **changes: Fields of the form, but not the models it names.

        Raises:
            UserError: If the form is impossible.
        """
        blocks, layer = (changes.get(name, getattr(self.config, name)) for name in ("blocks", "states_layer"))
        encoder = self.encoder.with_blocks(blocks, states_layer=layer)
        return replace(self, encoder=encoder, config=replace(self.config, **changes, item_width=encoder.width))

    def new_plug(self, *, seed: int) -> PersonaPlug:
        """An untrained plug of this form, on the processor.

        Raises:
            UserError: If it needs an input encoder that cannot be read.
        """
        config, own = self.config, None
        if config.query_encoder == "trained" and self.encoder_folder is not None:
            own = QueryEncoder.load(self.encoder_folder, prefix=config.query_prefix, max_tokens=config.encoder_tokens)
        return PersonaPlug(config, seed=seed, query_encoder=own)


def load_models(
    tasks: Sequence[Task],
    *,
    lm: str,
    encoder: str,
    form: Mapping[str, Any],
    report: Report,
    device: Device | None = None,
) -> Models:
    """Load the frozen models and settle the form of the plug.

    Args:
        tasks: What the plug is for.
        lm: Hub id or folder of the frozen LM.
        encoder: Hub id or folder of the sentence encoder.
        form: Fields of :class:`~persona_demo.plug.config.PlugConfig` that are not to be as usual; a
            projector width of 0 stands for the LM's own.
        report: Told what is being done.
        device: Where to run; chosen when left out.

    Raises:
        UserError: If a model cannot be had or the form is impossible.
    """
    device = device or choose_device()
    lm_files = catalog.resolve_lm(lm, report=report)
    encoder_files = catalog.resolve_encoder(encoder, report=report)
    report(f"loading the models ({device.reason})", None)
    frozen = TorchLM.load(
        lm_files.folder,
        name=lm_files.name,
        fingerprint=lm_files.fingerprint,
        device=device,
        attention="eager" if device.name == "cpu" else "sdpa",
    )
    settled = dict(form)
    if settled.get("projector_width") == 0:
        settled["projector_width"] = frozen.info.hidden_size
    dtype: DType = device.dtype
    sentence = SentenceTransformerEncoder(
        encoder_files.folder,
        device=device.name,
        dtype=dtype,
        max_tokens=settled.get("encoder_tokens", PlugConfig.encoder_tokens),
    )
    items = ItemEncoder(
        settled.get("blocks", BLOCKS),
        sentence=sentence,
        lm=frozen,
        states_layer=settled.get("states_layer", PlugConfig.states_layer),
    )
    config = PlugConfig(
        lm_name=lm_files.name,
        lm_fingerprint=lm_files.fingerprint,
        encoder_name=encoder_files.name,
        encoder_fingerprint=encoder_files.fingerprint,
        tasks=tuple(task.name for task in tasks),
        hidden_size=frozen.info.hidden_size,
        embedding_norm=frozen.info.embedding_norm,
        item_width=items.width,
        **settled,
    )
    return Models(lm=frozen, encoder=items, config=config, encoder_folder=encoder_files.folder)
