"""The model card of a plug: what it is, what it was trained on, under which terms, what it shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from persona_demo.plug.config import PlugConfig

TERMS = {
    "blog_authorship": (
        "Blog Authorship Corpus (Schler, Koppel, Argamon, Pennebaker 2006, 'Effects of Age and Gender on "
        "Blogging'), people of 23 years and older. Its terms are not settled; it is commonly quoted as free for "
        "non-commercial research. Treat this plug the same way, and attribute."
    ),
}


@dataclass(frozen=True)
class CardFacts:
    """What a training run says of itself.

    Attributes:
        data: Name of the corpus folder.
        people: People trained on.
        items: Their items.
        dropped_items: Items the word filter left out.
        examples: Examples seen, by plug and control alike.
        warm_examples: Those at the start in which plug and control were one.
        hours: Wall-clock hours of training.
        log: Checks on tune people: step, placebo_gap, standard_error, lift.
    """

    data: str
    people: int
    items: int
    dropped_items: int
    examples: int
    warm_examples: int
    hours: float
    log: tuple[Mapping[str, float], ...]


def model_card(config: PlugConfig, facts: CardFacts) -> str:
    """The card as Markdown with front matter."""
    course = "\n".join(
        f"| {int(e['step']):,} | {e['placebo_gap']:.3f} ± {e['standard_error']:.3f} | {e['lift']:.3f} |"
        for e in facts.log
    )
    terms = TERMS.get(facts.data, "The corpus's own terms hold; see its source.")
    return f"""---
license: other
base_model: {config.lm_name}
tags: [persona-plug, soft-prompt, personalisation]
---

# A Persona-Plug for {", ".join(config.tasks)}

One instruction vector and {config.persona_tokens} persona vectors for the frozen `{config.lm_name}`, after
*LLMs + Persona-Plug = Personalized LLMs* (arXiv 2409.11901). The language model is not part of it and was not
changed by training. The control trained beside it (same examples, same steps, no person) is part of it.

- Language model weights: SHA-256 `{config.lm_fingerprint}`. Figures hold for these.
- Sentence encoder: `{config.encoder_name}`, SHA-256 `{config.encoder_fingerprint}`.
- Item vector: {", ".join(config.blocks)} ({config.item_width} figures). Soft vectors stand {config.place} the context.
- Training: {facts.examples:,} examples of {facts.people:,} people ({facts.items:,} texts; {facts.dropped_items:,} more
  were left out for profane or sexual words), {facts.hours:.1f} hours. During the first {facts.warm_examples:,} plug and
  control were one set of vectors; then each went its own way, on the same examples.

## Data and terms

{terms} No text of the corpus is part of this plug.

## Course of training

Measured on people of the split `tune`, one target each, in nats a token. The placebo gap is how much likelier a
person's own words are under their own persona than under another person's.

| step | placebo gap ± standard error | lift over the control |
| --- | --- | --- |
{course}

## Limits

It carries manner and favourite subjects, not facts: names, dates and events of a history do not fit into a few
vectors and are made up. It knows how bloggers of 2004 wrote English. It gives the likeness of a style, which is no
proof of who wrote a text, and should not be used to pass as somebody.
"""
