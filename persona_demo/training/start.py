"""What a run begins with of a plug that was trained before: its maps of own words, or everything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from persona_demo.corpora.reading import splits_in
from persona_demo.corpus import Person, Split, read_corpus
from persona_demo.errors import UserError
from persona_demo.leakage import Fingerprint
from persona_demo.plug.model import PersonaPlug
from persona_demo.plug.storage import load_plug, plug_fingerprint, read_config
from persona_demo.tasks import Task
from persona_demo.training.material import SPLITS, Source

Takes = Literal["words", "everything"]

WORDS = ("keyword_vectors.", "excerpt_vectors.")
"""Names of the parameters of maps of own words start so."""


@dataclass(frozen=True)
class Start:
    """A trained plug that a run begins with.

    Attributes:
        folder: The plug.
        takes: ``words``: its maps of own words, whatever its task, for what a word is does not depend on the
            task, and few people are enough to learn the rest from. ``everything``: all weights, those of its
            control among them, and what it measured of the population; the run goes on where that one ended.
    """

    folder: Path
    takes: Takes

    @property
    def fingerprint(self) -> str:
        """SHA-256 of its weights.

        Raises:
            UserError: If they cannot be read.
        """
        return plug_fingerprint(self.folder)

    def check(self, sources: Sequence[Source]) -> None:
        """Make sure that nobody who is held back here was trained on there.

        A plug that gives everything, or serves a task that the new one serves too, must have been trained on
        people of these corpora alone, since the finished one tells only of them whom it knows.

        Raises:
            UserError: If somebody was, or the plug does not say whom it was trained on.
        """
        known = Fingerprint.load(self.folder)
        if known is None:
            raise UserError(f"The plug in {self.folder} does not say whom it was trained on: begin without it.")
        here: list[tuple[Split, Task, Sequence[Person]]] = []
        for source in sources:
            for split in splits_in(source.data, source.task):
                people = read_corpus(source.data, split, source.task)
                if split != "train":
                    known.check(people, split, source.task)
                if split in SPLITS:
                    here.append((split, source.task, people))
        served = {source.task.name for source in sources}
        if self.takes == "words" and not served & set(read_config(self.folder).tasks):
            return
        own = Fingerprint.of(here, plug=known.plug)
        for split, hashes in known.people.items():
            if not set(hashes.tolist()) <= set(own.people.get(split, hashes[:0]).tolist()):
                raise UserError(
                    f"The plug in {self.folder} was trained or tuned on people who are not in this data: name the "
                    f"corpora it was trained on."
                )

    @torch.no_grad()
    def give(self, plug: PersonaPlug) -> None:
        """Give a fresh plug what it begins with.

        Raises:
            UserError: If the two are not of one form, as far as it matters, or for different language models.
        """
        other = load_plug(self.folder)
        if other.config.lm_fingerprint != plug.config.lm_fingerprint:
            raise UserError(f"The plug in {self.folder} is for another language model: choose one for the same model.")
        if self.takes == "everything":
            if other.config != plug.config:
                raise UserError(f"The plug in {self.folder} is of another form, or for other tasks: name its own.")
            plug.load_state_dict(other.state_dict())
            return
        known = {name: p for name, p in other.named_parameters() if name.startswith(WORDS)}
        own = {name: p for name, p in plug.named_parameters() if name.startswith(WORDS)}
        if not own or any(name not in known or known[name].shape != p.shape for name, p in own.items()):
            raise UserError(f"The plug in {self.folder} reads own words in another form: choose one of the same form.")
        for name, p in own.items():
            p.copy_(known[name])
