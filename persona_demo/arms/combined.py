"""Arms that do two things at once: items retrieved into the prompt, and trained vectors beside it.

Any arm of soft vectors goes with any arm of text. What strength leads away from keeps the text, so
that turning the dial changes the vectors alone.
"""

from __future__ import annotations

from dataclasses import replace

from persona_demo.arms.base import Arm, ArmInputs, ArmName, Conditioning, Placebo
from persona_demo.arms.soft import PERSONA, TASK
from persona_demo.arms.text import BM25


def together(vectors: Conditioning, text: Conditioning) -> Conditioning:
    """Both conditionings at once; the base, where there is one, reads the same text."""
    return replace(
        vectors,
        retrieved=text.retrieved,
        base=None if vectors.base is None else replace(vectors.base, retrieved=text.retrieved),
        bytes_per_user=vectors.bytes_per_user + text.bytes_per_user,
    )


def combined(vectors: Arm, text: Arm, *, title: str, explanation: str, compared_with: ArmName) -> Arm:
    """Make an arm of an arm of vectors and an arm of text.

    Args:
        vectors: The arm whose soft vectors are placed beside the input.
        text: The arm that puts text before it.
        title: For readers.
        explanation: For readers.
        compared_with: The arm that has all of it but the person.
    """

    def build(inputs: ArmInputs) -> Conditioning:
        return together(vectors.build(inputs), text.build(inputs))

    placebos: tuple[Placebo, ...] = vectors.placebos or text.placebos
    return Arm(
        name=f"{vectors.name}+{text.name}",
        title=title,
        explanation=explanation,
        kind="both",
        build=build,
        placebos=placebos,
        compared_with=compared_with,
    )


TASK_BM25 = combined(
    TASK,
    BM25,
    title="Trained, with texts",
    explanation="The trained control reads four of the person's texts that share rare words with the input.",
    compared_with="task",
)
PERSONA_BM25 = combined(
    PERSONA,
    BM25,
    title="Persona, with texts",
    explanation="The persona's vectors and four of the person's texts in the prompt, both at once.",
    compared_with="task+bm25",
)
