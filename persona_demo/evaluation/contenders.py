"""Contenders: arms as they are evaluated, with whose history they read and how much of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from persona_demo.arms import KNOWN, ArmInputs, Conditioning, arm_named
from persona_demo.evaluation.sample import PLACEBO_DRAWS
from persona_demo.runtime import Runtime

OTHER = ":other"
CONTROL, PERSONA, PLACEBO = "task", "persona", "persona:other"
RIVALS = ("task+bm25", "bm25", "dense", "recent")
"""What a persona has to beat: the person's texts in the prompt, with trained vectors and without."""
REFERENCE, REFERENCE_ITEMS, REFERENCE_TOKENS = "reference", 8, 512
COLD_START = (0, 1, 2, 4, 8, 16)


@dataclass(frozen=True)
class Contender:
    """An arm in an evaluation.

    Attributes:
        name: Under which its figures stand.
        build: Makes the conditioning.
        others: Whether it reads placebo people's histories in place of the person's.
        draws: At most so many of them.
        most: It sees only the latest so many items; all of them, where None.
        encodes: Turns an item into the text the item encoder reads for it; None for arms that encode nothing.
    """

    name: str
    build: Callable[[ArmInputs], Conditioning]
    others: bool = False
    draws: int = PLACEBO_DRAWS
    most: int | None = None
    encodes: Callable[[ArmInputs], Sequence[str]] | None = None


def contender(name: str) -> Contender:
    """An arm by its name; with ``:other`` it is built for placebo people as it is for the person.

    Raises:
        UserError: If there is no such arm.
    """
    arm_named(name)
    plain = name.removesuffix(OTHER)
    method = plain.partition(":")[0]
    encodes = _item_texts if method.startswith("persona") else _searched_texts if method == "dense" else None
    return Contender(name, arm_named(plain).build, others=plain != name, encodes=encodes)


def shortened(most: int) -> Contender:
    """The persona on the latest ``most`` items."""
    return Contender(f"persona@{most}", KNOWN[PERSONA].build, most=most, encodes=_item_texts)


def items_in_prompt(*, others: bool) -> Contender:
    """The untuned model with the latest eight items in its prompt, in twice the room that arms have."""

    def build(inputs: ArmInputs) -> Conditioning:
        items = latest(inputs, REFERENCE_ITEMS).items[::-1]
        shots = inputs.task.shots(items, inputs.input_text, codec=inputs.codec, tokens=REFERENCE_TOKENS)
        return Conditioning(retrieved=shots)

    return Contender(REFERENCE + OTHER * others, build, others=others)


def latest(inputs: ArmInputs, most: int) -> ArmInputs:
    """Inputs with only the latest so many items."""
    return replace(inputs, items=inputs.items[max(len(inputs.items) - most, 0) :])


def prepare(runtime: Runtime, contenders: Sequence[Contender], inputs: Sequence[ArmInputs]) -> None:
    """Encode everything some inputs need at once: many texts together go faster, and time no single arm."""
    ways = {c.encodes for c in contenders if c.encodes is not None}
    runtime.encoder.encode(list(dict.fromkeys(text for way in ways for i in inputs for text in way(i))))


def _item_texts(inputs: ArmInputs) -> Sequence[str]:
    return [*inputs.texts(), inputs.task.query(inputs.input_text)]


def _searched_texts(inputs: ArmInputs) -> Sequence[str]:
    return [*map(inputs.task.search_text, inputs.items), inputs.task.search(inputs.input_text)]


def pairs_to_compare(names: Sequence[str]) -> list[tuple[str, str]]:
    """Which arms stand beside which: each with its own base and placebos, the persona with its rivals.

    Args:
        names: Arms there are figures of.
    """
    pairs = []
    for name in names:
        if ":" in name:
            continue
        beside = [f"{name}:{placebo}" for placebo in KNOWN[name].placebos]
        beside += [base] if (base := KNOWN[name].compared_with) is not None else []
        beside += RIVALS if name == PERSONA else ()
        pairs += [(name, other) for other in beside if other in names]
    return pairs
