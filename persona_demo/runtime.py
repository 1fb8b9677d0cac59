"""The runtime: frozen models, plug and atlas loaded once, and what people ask of them.

The command line, the evaluation and the app all stand on it. It holds nothing of any person beyond
item vectors in memory, and writes nothing to disk.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from persona_demo.answers import ArmText, Embedding
from persona_demo.arms import Arm, ArmInputs, Conditioning, Other, draw_other
from persona_demo.catalog import models as catalog
from persona_demo.errors import UserError
from persona_demo.history import UserHistory, whole_characters
from persona_demo.items import ItemEncoder, SentenceTransformerEncoder
from persona_demo.lm.base import EngineChoice, FloatArray, FrozenLM, Row
from persona_demo.lm.choice import load_lm
from persona_demo.lm.decode import DecodeOptions, Voice, decode
from persona_demo.lm.memory import TextMemory
from persona_demo.maps.atlas import Atlas, Placement
from persona_demo.own_words import own_words
from persona_demo.plug.model import PersonaPlug
from persona_demo.plug.storage import load_plug, plug_fingerprint
from persona_demo.shipped import DEFAULT_ATLAS, DEFAULT_PLUG
from persona_demo.tasks import Task, task_named
from persona_demo.wordfilter import WordFilter

logger = logging.getLogger(__name__)

Report = Callable[[str, float | None], None]


def matching_atlas(atlas_folder: Path, plug_folder: Path) -> Atlas | None:
    """The map of a plug's own population; None where it is missing, damaged, or another plug's."""
    try:
        atlas = Atlas.load(atlas_folder)
    except UserError as error:
        logger.warning("%s", error)
        return None
    return atlas if atlas.plug_fingerprint == plug_fingerprint(plug_folder) else None


class Runtime:
    """Everything loaded, ready to be asked."""

    def __init__(
        self,
        *,
        lm: FrozenLM,
        plug: PersonaPlug,
        encoder: ItemEncoder,
        atlas: Atlas | None,
        words: WordFilter,
        encoder_fingerprint: str | None = None,
        memory: TextMemory | None = None,
    ) -> None:
        """Put loaded parts together.

        Args:
            lm: The frozen LM.
            plug: The trained plug.
            encoder: Raw item vectors, of the plug's width.
            atlas: The map, where there is one.
            words: Words not to be written unless asked for.
            encoder_fingerprint: SHA-256 of the sentence encoder's weights; None where it is the plug's own.
            memory: Texts that this LM wrote, where what is asked for twice shall be the same twice.

        Raises:
            UserError: If plug, encoder and LM do not fit together.
        """
        config = plug.config
        if (config.hidden_size, config.item_width) != (lm.info.hidden_size, encoder.width):
            raise UserError(
                f"This plug was made for {config.lm_name} and {config.encoder_name}: "
                "load those models or train a plug for these."
            )
        self.lm, self.plug, self.encoder, self.atlas, self.words = lm, plug, encoder, atlas, words
        self.encoder_fingerprint = encoder_fingerprint or config.encoder_fingerprint
        self.memory = memory

    @classmethod
    def load(
        cls,
        *,
        plug_folder: Path = DEFAULT_PLUG,
        atlas_folder: Path | None = DEFAULT_ATLAS,
        lm: str | None = None,
        encoder: str | None = None,
        engine: EngineChoice = "auto",
        memory: TextMemory | None = None,
        report: Report = lambda message, share: None,
    ) -> Runtime:
        """Fetch what is missing and load everything a plug needs.

        Args:
            plug_folder: The plug.
            atlas_folder: Its map; without one that is readable and its own, there are no maps and placebos.
            lm: Hub id or folder of the frozen LM, where not by the name the plug keeps.
            encoder: The same for the sentence encoder.
            engine: What runs the LM.
            memory: Texts it wrote, where what is asked for twice shall be the same twice.
            report: Told what is being done and how far it is.

        Raises:
            UserError: If something is missing or damaged.
        """
        plug = load_plug(plug_folder)
        config = plug.config
        if lm is None:
            lm_files = catalog.resolve_matching_lm(config.lm_name, config.lm_fingerprint, report=report)
        else:
            lm_files = catalog.resolve_lm(lm, report=report)
        encoder_files = catalog.resolve_encoder(encoder or config.encoder_name, report=report)
        report("loading the language model", None)
        if "states" in config.blocks and engine == "auto":
            # llama.cpp does not give hidden states out.
            engine = "torch"
        frozen = load_lm(lm_files, engine)
        report("loading the sentence encoder", None)
        sentence = SentenceTransformerEncoder(encoder_files.folder, max_tokens=config.encoder_tokens)
        items = ItemEncoder(config.blocks, sentence=sentence, lm=frozen, states_layer=config.states_layer)
        return cls(
            lm=frozen,
            plug=plug,
            encoder=items,
            atlas=None if atlas_folder is None else matching_atlas(atlas_folder, plug_folder),
            words=WordFilter.default(),
            encoder_fingerprint=encoder_files.fingerprint,
            memory=memory,
        )

    def with_plug(self, plug_folder: Path, *, atlas_folder: Path | None = None) -> Runtime:
        """Another plug on the same frozen models, which are not loaded a second time.

        Args:
            plug_folder: The plug.
            atlas_folder: Its map, as in :meth:`load`.

        Raises:
            UserError: If the plug is damaged, or was made for other models.
        """
        plug, own = load_plug(plug_folder), self.plug.config
        config = plug.config
        if (config.lm_name, config.encoder_name) != (own.lm_name, own.encoder_name):
            raise UserError(
                f"The plug in {plug_folder} was made for {config.lm_name} and {config.encoder_name}, and here "
                f"{own.lm_name} and {own.encoder_name} are loaded: train a plug for these."
            )
        return Runtime(
            lm=self.lm,
            plug=plug,
            encoder=self.encoder.for_plug(config, beside=own),
            atlas=None if atlas_folder is None else matching_atlas(atlas_folder, plug_folder),
            words=self.words,
            encoder_fingerprint=self.encoder_fingerprint,
            memory=self.memory,
        )

    @property
    def variant_notice(self) -> str:
        """One sentence where the frozen models are not those the plug was trained with, else empty."""
        config = self.plug.config
        others = [
            name
            for name, here, there in (
                ("language model", self.lm.info.fingerprint, config.lm_fingerprint),
                ("sentence encoder", self.encoder_fingerprint, config.encoder_fingerprint),
            )
            if here != there
        ]
        if not others:
            return ""
        return (
            f"The weights of the {' and the '.join(others)} are another variant than those this plug was trained "
            "with: it works, but the published figures hold for the other variant."
        )

    def task(self, name: str) -> Task:
        """A task this plug serves.

        Raises:
            UserError: If it serves no such task.
        """
        task = task_named(name)
        self.plug.config.require(task.name)
        return task

    def arm_inputs(
        self,
        history: UserHistory,
        task: Task,
        input_text: str,
        *,
        seed: int = 0,
        stored: FloatArray | None = None,
        others: Sequence[UserHistory] = (),
    ) -> ArmInputs:
        """What arms may look at for one person and input.

        Args:
            history: The person.
            task: The task.
            input_text: Its raw input.
            seed: Draws the placebo person.
            stored: A stored user vector that stands in for a history that is not shipped.
            others: People whose texts are at hand, one of whom may be the placebo person; arms that
                read texts need one. Without them it is somebody of the map.

        Raises:
            UserError: If the input is empty.
        """
        if not input_text.strip():
            raise UserError(task.nothing_given)
        # A stored vector stands beside a stored vector, a history beside a history.
        other = draw_other(others, history.active, seed=seed) if stored is None else None
        if other is None and self.atlas is not None:
            own = None if stored is None else self.atlas.row_of(stored)
            count = len(history.active) if own is None else int(self.atlas.counts[own])
            row = self.atlas.somebody_else(count, rng=np.random.default_rng(seed), without=own)
            other = Other(name=self.atlas.ids[row], user_vector=self.atlas.vectors[row])
        return ArmInputs(
            task=task,
            input_text=whole_characters(input_text),
            items=history.active,
            plug=self.plug,
            encoder=self.encoder,
            codec=self.lm.codec,
            other=other,
            stored=stored,
            seed=seed,
        )

    def forget(self) -> None:
        """Keep no text that was written and no item vector."""
        self.encoder.forget()
        if self.memory is not None:
            self.memory.forget()

    def compare(
        self,
        inputs: ArmInputs,
        arms: Sequence[Arm],
        *,
        strength: float = 1.0,
        options: DecodeOptions | None = None,
        allow_listed_words: bool = False,
    ) -> Iterator[tuple[ArmText, ...]]:
        """Let arms write together, token by token.

        Args:
            inputs: Person and input.
            arms: Which arms, in order.
            strength: Of arms that have a base: 0 the control, 1 the plug, above 1 more of the person.
            options: How to write.
            allow_listed_words: Also words of the filter's lists.

        Yields:
            The state of every arm after each step. A text ends where the task's texts end.

        Raises:
            UserError: If strength is out of range or an arm cannot be built.
        """
        if not -4 <= strength <= 6:
            raise UserError(f"The strength is {strength}: choose from -4 to 6.")
        started = time.perf_counter()
        made = [arm.build(inputs) for arm in arms]
        voices = [self.voice(inputs, c, strength=strength) for c in made]
        words, codec = self.words, self.lm.codec
        options = replace(options or DecodeOptions(), stop=inputs.task.stop)
        if inputs.task.min_new_tokens is not None:
            options = replace(options, min_new_tokens=inputs.task.min_new_tokens)
        ban = None if allow_listed_words else lambda tokens: words.banned_next(codec, tokens)
        write = decode if self.memory is None else self.memory.decode
        for states in write(self.lm, voices, options, ban=ban, started=started):
            yield tuple(
                ArmText(
                    arm=arm.name,
                    written=state,
                    prompt_tokens=voice.row.text_tokens,
                    soft_vectors=voice.row.soft_vectors,
                    bytes_per_user=c.bytes_per_user,
                    retrieved=c.retrieved,
                    copied=c.copied,
                    stand_in=c.stand_in,
                )
                for arm, c, voice, state in zip(arms, made, voices, states, strict=True)
            )

    def voice(self, inputs: ArmInputs, conditioning: Conditioning, *, strength: float) -> Voice:
        """What the decoder reads of an input under a conditioning.

        Args:
            inputs: The input.
            conditioning: What an arm made of it.
            strength: Of a conditioning that has a base.
        """

        def row(of: Conditioning) -> Row:
            return of.row(inputs.task, inputs.input_text, inputs.codec, place=self.plug.config.place)

        base = None if conditioning.base is None else row(conditioning.base)
        return Voice(row=row(conditioning), base=base, strength=strength)

    @torch.no_grad()
    def embed(self, history: UserHistory, task: Task, *, query: str | None = None) -> Embedding:
        """What the plug makes of a person.

        Args:
            history: The person, with at least one active item.
            task: Whose persona vectors.
            query: The input; without it weights are uniform.

        Raises:
            UserError: If the history has no active item.
        """
        if not history.active:
            many = task.wording.many
            raise UserError(f"The history of {history.name} has no active {many}: add one or unmute one.")
        plug = self.plug
        raw = self.encoder.encode([task.item_text(item, labels=plug.config.labels) for item in history.active])
        items = plug.standardise(torch.from_numpy(raw))[None]
        present = torch.ones(1, items.shape[1], dtype=torch.bool)
        uniform = plug.aggregate(items, present, None)
        made, near = uniform, None
        if query is not None:
            asked = [task.query(whole_characters(query))]
            vector = torch.from_numpy(self.encoder.encode(asked))
            made, near = plug.aggregate(items, present, plug.query(vector, asked)), plug.standardise(vector)[0]
        words = own_words(plug, task, history.active, items[0], near, self.encoder)
        soft = plug.soft_vectors(made.user_vectors, task.name, words=[words])[0].numpy()
        return Embedding(
            persona=soft[plug.config.instruction.stop :],
            words=soft[: plug.config.instruction.start],
            weights=made.weights[0].numpy(),
            user_vector=uniform.user_vectors[0].numpy(),
        )

    def place(self, user_vector: FloatArray) -> Placement:
        """Place a user vector (D,) on the map.

        Raises:
            UserError: If there is no map.
        """
        if self.atlas is None:
            raise UserError("There is no map: run 'python -m persona_demo atlas build'.")
        return self.atlas.place(user_vector)
