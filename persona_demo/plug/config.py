"""What a plug is made of: every switch of its form, with the paper's choice named beside ours."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from persona_demo.errors import UserError
from persona_demo.lm.base import StatesLayer
from persona_demo.tasks import TaskName

Block = Literal["sentence", "surface", "words", "score", "states"]
AggregatorKind = Literal["projected", "cosine", "mean"]
Place = Literal["after", "before"]
Scaling = Literal["standard", "centred", "raw"]
Projected = Literal["person", "items"]
Base = Literal["control", "own"]
QueryEncoderKind = Literal["frozen", "trained"]

BLOCKS: tuple[Block, ...] = ("sentence", "surface", "words", "score")
"""Blocks of an item vector, in order, unless others are asked for."""

SCHEMA = 1
MOST_SCALE = 100.0
MOST_RIDGE = 1000.0
MOST_WIDTH = 2**17
MOST_EXCERPTS = 64
CHOICES: Mapping[str, tuple[str, ...]] = {
    "scaling": get_args(Scaling),
    "states_layer": get_args(StatesLayer),
    "query_encoder": get_args(QueryEncoderKind),
    "place": get_args(Place),
    "aggregator": get_args(AggregatorKind),
    "projects": get_args(Projected),
    "base": get_args(Base),
}
"""Closed choices of the form, by field."""


@dataclass(frozen=True)
class PlugConfig:
    """The form of a plug and the frozen models it was made for.

    Attributes:
        lm_name: Hub id of the frozen LM.
        lm_fingerprint: SHA-256 of the weights it was trained with.
        encoder_name: Hub id of the sentence encoder.
        encoder_fingerprint: SHA-256 of its weights.
        tasks: Tasks it serves, instruction vectors of its own each.
        hidden_size: Width H of the LM's input embeddings.
        embedding_norm: Mean L2 norm of those embeddings; soft vectors start at this norm (the paper
            has the constant 539.97 of one model in its place).
        item_width: Length D of an item vector.
        blocks: Blocks of the item vector, in order. The paper has ``sentence`` alone.
        labels: Whether the item encoder reads scores, tags and categories. The paper's table says it
            does, its code does not.
        scaling: Item vectors centred and scaled on the training population, centred alone, or as they
            come from their encoders (the paper).
        encoder_tokens: Tokens of an item the sentence encoder reads; 512 in the paper.
        states_layer: Which hidden states of the LM the ``states`` block averages.
        query_encoder: The frozen sentence encoder reads inputs too, or a copy of it that is trained
            with the plug (the paper).
        query_prefix: What the trained copy reads before an input; the paper's code has BGE's.
        base: What a person departs from: vectors of its own (instruction vectors, an average person,
            blanks), trained with the plug (the paper); or the trained control itself, so that nobody in
            the plug is the control and all that is measured against it is the person's doing.
        instruction_tokens: Instruction vectors I of a task, the same for everybody; 1 in the paper. Many,
            because words in places of their own leave fewer vectors to say what the task is.
        persona_tokens: Persona vectors P beside them; 1 in the paper.
        keyword_tokens: Keyword vectors K, from words the person uses again and again; none in the paper.
        excerpt_items: Items nearest to the input whose beginnings are read as excerpt vectors; none in the
            paper.
        excerpt_tokens: Tokens read of each of them.
        components: Length of user vectors: so many directions in which people of the population
            differ most, for what varies within one person (linear discriminants), after one for each
            score that was given. 0 leaves the aggregate as it is, as in the paper.
        ridge: Added to the variance within people when these directions are sought, in units of an item's mean
            variance. With little of it few training people are told apart by what tells nobody else apart.
        place: Soft vectors after the context, so that its keys and values are shared by all people
            (ours), or before it (the paper).
        aggregator: Learned query and key projections with a learned temperature (ours), the plain
            cosine of the paper (equation 3), or the mean.
        query_width: Length of projected queries and keys.
        projects: The aggregate of a person is projected (ours), or each item before the sum (the
            paper, equation 4).
        projector_width: Hidden width of the projector; the LM's own width in the paper.
        soft_scale: Factor on the size of soft vectors and of their steps; 1 is the embeddings' mean norm.
        shrink: Whether aggregates of few items are drawn towards the average person; not in the paper.
        beams: Width of the beam search when texts of this plug are measured; 4 in the paper, 1 is greedy.
    """

    lm_name: str
    lm_fingerprint: str
    encoder_name: str
    encoder_fingerprint: str
    tasks: tuple[TaskName, ...]
    hidden_size: int
    embedding_norm: float
    item_width: int
    blocks: tuple[Block, ...] = field(default=BLOCKS, metadata={"help": "blocks of item vectors, by commas"})
    labels: bool = field(default=True, metadata={"help": "scores, tags and categories in item texts"})
    scaling: Scaling = field(default="standard", metadata={"help": "how item vectors are centred and scaled"})
    encoder_tokens: int = field(default=64, metadata={"help": "tokens of an item the sentence encoder reads"})
    states_layer: StatesLayer = field(default="last", metadata={"help": "hidden states that the block states averages"})
    query_encoder: QueryEncoderKind = field(default="frozen", metadata={"help": "whether the input encoder is trained"})
    query_prefix: str = field(default="", metadata={"help": "what a trained input encoder reads before an input"})
    base: Base = field(default="own", metadata={"help": "what a person departs from: the control, or own vectors"})
    instruction_tokens: int = field(default=8, metadata={"help": "instruction vectors, the same for everybody"})
    persona_tokens: int = field(default=8, metadata={"help": "persona vectors beside them"})
    keyword_tokens: int = field(default=0, metadata={"help": "keyword vectors before the persona vectors"})
    excerpt_items: int = field(default=4, metadata={"help": "items whose beginnings are read as excerpt vectors"})
    excerpt_tokens: int = field(default=6, metadata={"help": "excerpt vectors of each of them"})
    components: int = field(default=64, metadata={"help": "length of user vectors; 0: that of item vectors"})
    ridge: float = field(default=0.05, metadata={"help": "variance added within people where directions are sought"})
    place: Place = field(default="after", metadata={"help": "soft vectors after the context or before it"})
    aggregator: AggregatorKind = field(default="projected", metadata={"help": "how items are weighted"})
    query_width: int = field(default=64, metadata={"help": "length of projected queries and keys"})
    projects: Projected = field(default="person", metadata={"help": "what is projected: a person's sum, or each item"})
    projector_width: int = field(default=512, metadata={"help": "hidden width of the projector; 0: the LM's"})
    soft_scale: float = field(default=1.0, metadata={"help": "factor on the size of soft vectors"})
    shrink: bool = field(default=True, metadata={"help": "draw short histories towards the average person"})
    beams: int = field(default=1, metadata={"help": "beam width when the plug's texts are measured; 1: greedy"})

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            UserError: If a width or count is not positive, there are more components than figures, or
                two choices exclude each other.
        """
        least_one = (
            "hidden_size",
            "item_width",
            "instruction_tokens",
            "persona_tokens",
            "query_width",
            "projector_width",
            "excerpt_tokens",
        )
        for name in (*least_one, "encoder_tokens", "beams"):
            if not 1 <= getattr(self, name) <= MOST_WIDTH:
                raise UserError(f"The plug's {name} is {getattr(self, name)}: choose from 1 to {MOST_WIDTH:,}.")
        room = {"keyword_tokens": self.hidden_size, "excerpt_items": MOST_EXCERPTS, "components": self.item_width}
        for name, most in room.items():
            if not 0 <= getattr(self, name) <= most:
                raise UserError(f"The plug's {name} is {getattr(self, name)}: choose from 0 to {most}.")
        for name, highest in (("soft_scale", MOST_SCALE), ("ridge", MOST_RIDGE)):
            if not 0 < getattr(self, name) <= highest:
                raise UserError(f"The plug's {name} is {getattr(self, name)}: choose above 0, up to {highest:,}.")
        self._check_choices()
        if self.query_encoder == "trained" and "sentence" not in self.blocks:
            raise UserError("A trained input encoder needs the block sentence: add it to the blocks.")
        if self.projects == "items" and self.shrink:
            raise UserError("Where items are projected one by one, aggregates are not shrunk: switch shrink off.")

    def _check_choices(self) -> None:
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise UserError(f"The plug's {name} is {getattr(self, name)!r}: choose from {', '.join(choices)}.")
        for name, known in (("blocks", get_args(Block)), ("tasks", get_args(TaskName))):
            named = getattr(self, name)
            if not named or len(set(named)) < len(named) or not set(named) <= set(known):
                said = ", ".join(named) or "none"
                raise UserError(f"The plug's {name} are {said}: name some of {', '.join(known)}, each once.")

    @property
    def soft_vectors(self) -> int:
        """Number of soft vectors an input is given: keywords, excerpts, instruction and persona."""
        return self.own_words + self.instruction_tokens + self.persona_tokens

    @property
    def own_words(self) -> int:
        """Number of soft vectors that are a person's own words, keywords and excerpts."""
        return self.keyword_tokens + self.excerpt_items * self.excerpt_tokens

    @property
    def instruction(self) -> slice:
        """Where the instruction vectors stand among soft vectors."""
        return slice(self.own_words, self.own_words + self.instruction_tokens)

    @property
    def item_models(self) -> str:
        """What item vectors of the same texts and blocks depend on."""
        return f"{self.lm_fingerprint} {self.encoder_fingerprint} {self.encoder_tokens} {self.states_layer}"

    @property
    def reduced_width(self) -> int:
        """Length of what the projector reads: of a person, or of an item where items are projected."""
        return self.components or self.item_width

    @property
    def user_width(self) -> int:
        """Length of user vectors."""
        return self.persona_tokens * self.hidden_size if self.projects == "items" else self.reduced_width

    def require(self, task: TaskName) -> None:
        """Make sure that the plug serves a task.

        Raises:
            UserError: If it does not.
        """
        if task not in self.tasks:
            raise UserError(f"This plug serves {', '.join(self.tasks)}, not {task}: load another plug.")

    def to_json(self) -> str:
        """The configuration as a JSON document."""
        return json.dumps({"schema": SCHEMA, **dataclasses.asdict(self)}, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> PlugConfig:
        """Read a configuration.

        Raises:
            UserError: If the text is not a plug configuration of this schema.
        """
        try:
            values: dict[str, Any] = json.loads(text)
            if values.pop("schema") != SCHEMA:
                raise UserError(f"This plug has another schema than {SCHEMA}: train it anew or update the project.")
            # What a file leaves out must not become whatever is usual now.
            if missing := sorted({field.name for field in dataclasses.fields(cls)} - set(values)):
                raise UserError(f"config.json of the plug does not say {missing[0]}: restore the plug's folder.")
            fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
            return cls(**fields)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UserError(
                "config.json of the plug is not a plug configuration: restore the plug's folder."
            ) from error
