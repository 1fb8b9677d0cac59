"""The model card of a plug: what it is, what it was trained on, under which terms, what it shows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from persona_demo.errors import UserError
from persona_demo.evaluation.plug_figures import weights_of
from persona_demo.evaluation.tables import arms_table
from persona_demo.files import whole
from persona_demo.plug.config import PlugConfig
from persona_demo.plug.storage import CARD, plug_fingerprint
from persona_demo.training.start import Takes
from persona_demo.training.terms import LIMITS, TERMS, UNKNOWN_TERMS

FIGURES = ("<!-- figures -->", "<!-- end of figures -->")
"""What stands around the figures of a card, so that they can be put in later."""
NO_FIGURES = "Not yet measured on people it was not tuned on."

_BLOCKS: Mapping[str, str] = {
    "sentence": "the sentence encoder's vector (what a text is about)",
    "surface": "counts of case, marks, function words and character trigrams (how it is written)",
    "words": "the mean of the language model's input embeddings (which words it uses)",
    "score": "the score it gives",
    "states": "the mean of the language model's hidden states (what the model makes of it)",
}


@dataclass(frozen=True)
class CardFacts:
    """What a training run says of itself.

    Attributes:
        data: Names of the corpus folders.
        people: People trained on.
        items: Their items.
        dropped_items: Items the word filter left out; None where it was switched off.
        examples: Examples seen, by plug and control alike.
        warm_examples: Those at the start in which a plug with a base of its own and the control were one.
        hours: Wall-clock hours of training.
        log: Checks on tune people: step, placebo_gap, standard_error, lift, nll.
        kept: The step whose state the plug has.
        start: SHA-256 of the plug it began with; empty where it began with none.
        start_takes: What it took of that one.
    """

    data: tuple[str, ...]
    people: int
    items: int
    dropped_items: int | None
    examples: int
    warm_examples: int
    hours: float
    log: tuple[Mapping[str, float], ...]
    kept: int
    start: str = ""
    start_takes: Takes = "words"


def model_card(config: PlugConfig, facts: CardFacts, *, results: Sequence[Mapping[str, Any]] = ()) -> str:
    """The card as Markdown with front matter.

    Args:
        config: The plug's form.
        facts: Of its training.
        results: Documents of ``evaluate --json``, where there are any.
    """
    course = "\n".join(
        f"| {int(e['step']):,} | {e['placebo_gap']:.3f} ± {e['standard_error']:.3f} | {e['lift']:.3f} | {_nll(e)} |"
        for e in facts.log
    )
    terms = "\n".join(f"- `{name}`: {TERMS.get(name, UNKNOWN_TERMS)}" for name in facts.data)
    limits = "\n".join(f"- {task}: {LIMITS[task]}" for task in config.tasks)
    blocks = "; ".join(_BLOCKS[block] for block in config.blocks)
    several = len(config.tasks) > 1
    tasks = ", ".join(config.tasks[:-1]) + " and " + config.tasks[-1] if several else config.tasks[0]
    return f"""---
license: other
library_name: persona-demo
base_model: {config.lm_name}
tags: [persona-plug, soft-prompt, personalisation]
---

# A Persona-Plug for {tasks}

{_soft_vectors(config)} for the frozen `{config.lm_name}`, after *LLMs + Persona-Plug = Personalized LLMs* (arXiv
2409.11901). The language model is not part of it and was not changed by training. The control trained beside it (same
examples, same steps, as many soft vectors, no person) is part of it{", one for each task" if several else ""}.

- Language model weights: SHA-256 `{config.lm_fingerprint}`. Figures hold for these.
- Sentence encoder: `{config.encoder_name}`, SHA-256 `{config.encoder_fingerprint}`{_query(config)}.
- Item vector of {config.item_width} figures: {blocks}. {_reading(config)}
- {_aggregate(config)}
- Soft vectors stand {config.place} the context.
- Training: {facts.examples:,} examples of {facts.people:,} people ({facts.items:,} texts; {_dropped(facts)}),
  {facts.hours:.1f} hours. {_order(config, facts)}
{_own_words(config)}{_start(facts)}
## Data and terms

{terms}

No text of any corpus is part of this plug, nor any word of a person it was trained on: of them it keeps what training
made of its weights, and over all of them together the means, spreads and directions of item vectors{_shares(config)}.
Beside the plug lie salted hashes of the ids and texts it was trained and tuned on, by which an evaluation refuses those
people: no text can be read from them, but whoever has a text can ask whether it is among them.

## Figures

{FIGURES[0]}
{figures(results)}
{FIGURES[1]}

## Course of training

Measured on people of the split `tune`, one target each, in nats a token{", mean over tasks" if several else ""}. The
placebo gap is how much likelier a person's own words are under their own persona than under another person's.

| step | placebo gap ± standard error | lift over the control | negative log-likelihood |
| --- | --- | --- | --- |
{course}

The plug is, with its control, as it was after step {facts.kept:,}.

## Limits

It carries manner and favourite subjects, not facts: dates and events of a history do not fit into a few vectors and are
made up. It gives the likeness of a style, which is no proof of who wrote a text, and should not be used to pass as
somebody. What it does has been measured in English alone, with the language model named above.

{limits}
"""


def _nll(look: Mapping[str, float]) -> str:
    # Runs of before did not note it.
    return f"{look['nll']:.3f}" if "nll" in look else ""


def figures(results: Sequence[Mapping[str, Any]]) -> str:
    """Tables of evaluation results, or a sentence where there are none.

    Args:
        results: Documents of ``evaluate --json``.

    Raises:
        UserError: If one of them is no such document.
    """
    try:
        return "\n\n".join(f"`{r['task']}`:\n\n{arms_table(dict(r))}" for r in results) or NO_FIGURES
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise UserError("A file of results is no document of 'evaluate --json': make it anew.") from error


def with_figures(card: str, results: Sequence[Mapping[str, Any]]) -> str:
    """A card with its figures made anew.

    Args:
        card: A card of :func:`model_card`.
        results: Documents of ``evaluate --json``.

    Raises:
        UserError: If the card has no place for figures, or a result is none.
    """
    before, start, rest = card.partition(FIGURES[0])
    _, end, after = rest.partition(FIGURES[1])
    if not start or not end:
        raise UserError(f"The card has no place for figures ({FIGURES[0]} and {FIGURES[1]}): put one in.")
    return f"{before}{start}\n{figures(results)}\n{end}{after}"


def own_results(folder: Path, results: Sequence[Path]) -> list[Mapping[str, Any]]:
    """The documents among some that are about a plug's own weights, or do not say about whose.

    Args:
        folder: The plug.
        results: Files that ``evaluate --out`` wrote; those of folds, say, are of other plugs.

    Raises:
        UserError: If a file is no document of an evaluation.
    """
    own = plug_fingerprint(folder)
    try:
        records = [json.loads(file.read_text(encoding="utf-8")) for file in results]
        return [record for record in records if weights_of(record) in (own, None)]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError("A file of results cannot be read: name JSON files that 'evaluate --out' wrote.") from error


def write_figures(folder: Path, results: Sequence[Path], *, check: bool = False) -> bool:
    """Make the figures of a plug's card anew.

    Args:
        folder: The plug.
        results: Files that ``evaluate --out`` wrote; what is about other weights is left aside.
        check: Change nothing, and complain if there would be something to change.

    Returns:
        Whether something changed.

    Raises:
        UserError: If card or results cannot be read, the card has no place for figures, or it is stale.
    """
    path = folder / CARD
    try:
        old = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UserError("The card cannot be read: name a plug's folder.") from error
    new = with_figures(old, own_results(folder, results))
    if new == old:
        return False
    if check:
        raise UserError(f"The card of {folder.name} does not show its figures: run 'python -m persona_demo results'.")
    with whole(path) as draft:
        draft.write_text(new, encoding="utf-8")
    return True


def _dropped(facts: CardFacts) -> str:
    if facts.dropped_items is None:
        return "none was left out for its words"
    return f"{facts.dropped_items:,} more were left out for profane or sexual words"


def _soft_vectors(config: PlugConfig) -> str:
    each = " for each task" if len(config.tasks) > 1 else ""
    words = f", {config.keyword_tokens} keyword vectors" if config.keyword_tokens else ""
    if config.excerpt_items:
        words += f", {config.excerpt_items} x {config.excerpt_tokens} excerpt vectors"
    own = "One instruction vector"
    if config.instruction_tokens > 1:
        own = f"{config.instruction_tokens} instruction vectors"
    many = "s" if config.persona_tokens > 1 else ""
    return f"{own}{each}{words} and {config.persona_tokens} persona vector{many}"


def _query(config: PlugConfig) -> str:
    return "; inputs are read by a copy of it that was trained" if config.query_encoder == "trained" else ""


def _reading(config: PlugConfig) -> str:
    labels = "with" if config.labels else "without"
    scaled = {
        "standard": "Vectors are centred and scaled on the training population",
        "centred": "Vectors are centred on the training population",
        "raw": "Vectors are taken as their encoders give them",
    }[config.scaling]
    return f"{scaled}; texts are read {labels} their scores, tags or categories."


def _aggregate(config: PlugConfig) -> str:
    weights = {
        "projected": "Items are weighted for the input by learned queries and keys",
        "cosine": "Items are weighted for the input by a softmax of plain cosines",
        "mean": "All items weigh the same",
    }[config.aggregator]
    if config.projects == "items":
        return f"{weights}; each is projected before the sum."
    if config.components:
        return (
            f"{weights}; of the sum the {config.components} directions are kept in which people of the training "
            "population differ most, for what varies within one person (linear discriminants)."
        )
    return f"{weights}; their sum is projected."


def _order(config: PlugConfig, facts: CardFacts) -> str:
    if config.base == "control":
        return (
            "The control\n  was trained first and then stood still; what a person adds to it was learned on the same "
            "examples in the same order."
        )
    if not facts.warm_examples:
        return "Plug and control were trained side by side from the start."
    return (
        f"During the first {facts.warm_examples:,} examples plug and control\n"
        "  were one set of vectors; then each went its own way, on the same examples."
    )


def _own_words(config: PlugConfig) -> str:
    parts = []
    if config.keyword_tokens:
        parts.append(
            "Keyword vectors are the language model's input embeddings of the words this person uses again and again\n"
            f"and few others do, up to {config.keyword_tokens} tokens of them."
        )
    if config.excerpt_items:
        parts.append(
            f"Excerpt vectors are the input embeddings of the first {config.excerpt_tokens} tokens of each of the\n"
            f"{config.excerpt_items} items nearest to the input: retrieval, done inside the soft prompt."
        )
    if not parts:
        return ""
    words = "\n".join(parts)
    return f"""
{words}
They are made when a person is read, out of that person's own history; each is turned by one trained map that is the
same for everybody, and where there are too few, trained blanks stand in. Names and phrases of the reader's own history
can therefore come back in what is written. A person of whom only a vector is stored has none.
"""


def _start(facts: CardFacts) -> str:
    if not facts.start:
        return ""
    if facts.start_takes == "everything":
        return f"""
Training did not begin at nothing, but went on with another plug of the same form, `{facts.start[:12]}`, and its
control: what both had learned before comes on top of these examples.
"""
    return f"""
Training of that map did not begin at nothing, but at the map of another plug, `{facts.start[:12]}`.
"""


def _shares(config: PlugConfig) -> str:
    if not config.keyword_tokens:
        return ""
    return (
        ",\nand how many people use the words of each of 65,536 hashed buckets (shares alone: that somebody used a "
        "word of\na bucket, not which word, nor who)"
    )
