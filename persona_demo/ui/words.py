"""The page's own sentences, in one place, for readers who have never heard of soft prompts.

What speaks of items or inputs is a function of the task's nouns.
"""

from __future__ import annotations

from collections.abc import Sequence

from persona_demo.arms import KNOWN
from persona_demo.evaluation.bootstrap import Estimate
from persona_demo.evaluation.plug_figures import PlugFigures, shown
from persona_demo.maps.placing import NEIGHBOURS, PlacementError
from persona_demo.plug.config import PlugConfig
from persona_demo.tasks import Task
from persona_demo.tasks.wording import Wording, capital

PRIVACY = """Nothing you type is stored on this server. It stays in memory while this page is open and for
at most an hour after (what the model read last, until it reads something else), and is never written
to disk."""

ARRIVING = "The models load in the background"
EXAMPLE = "the example below is already here"

STRENGTH = "Strength of the persona"
STRENGTH_INFO = "0 is the control, told nothing about the person. 1 is the persona, above exaggerates, below 0 opposes."
SAME_AGAIN = """At temperature 0 chance has no say: another seed writes the same texts again, and only draws another
stranger for the placebo."""
PLACEBO = "Could this be placebo?"
PLACEBO_INFO = "Shows a stranger's persona beside it. If that does as well, the effect is not about this person."
PLACEBOS_LABEL = "In the person's place, where the placebo is switched on"
PLACEBOS_INFO = "The same method, told something else than this person."
PLACEBOS = [
    ("Someone else", "other"),
    ("The average person", "mean"),
    ("Noise, as loud as the person", "random"),
    ("Nothing", "zero"),
]
FIND = "Find a person on the map by name or number"


def title(of: Wording) -> str:
    """The heading of the page, and what one can do on it."""
    return f"""# Persona Demo
One small language model, one {of.each}, and a person's old {of.many}. See what changes when the model
is told who is writing, and what does not."""


def over_the_map(of: Wording) -> str:
    """The heading of the map."""
    return f"""## Where this person stands
Everybody the plug learned from, laid out so that people who write alike are often near. Edit {of.a} and watch
the point move; click a point to take that person instead."""


def nearness(measured: PlacementError | None) -> str:
    """How far to trust the map: what stands under it.

    Args:
        measured: Of this very map, where it was.
    """
    vectors = "The rings and the list of the nearest compare the vectors themselves."
    if measured is None:
        return f"A flat map keeps only some of who is near. {vectors}"
    return (
        f"A flat map keeps only some of who is near: of the {NEIGHBOURS} people nearest to somebody new by their "
        f"vectors, {measured.kept:.0%} are among the {NEIGHBOURS} nearest on it. {vectors} "
        f"A new point lands about {measured.error:.2f} map-spreads from where a map made anew would put it; "
        f"two people at random are {measured.chance:.2f} apart."
    )


def person(of: Wording) -> str:
    """Label of the list of people."""
    return f"Whose {of.many}"


def hint(of: Wording) -> str:
    """What stands in the field of the input while it is empty."""
    return "How should the text begin?" if of.begins else f"What is the {of.given}?"


def examples(of: Wording) -> str:
    """Label of the inputs to start from."""
    return "Or begin with" if of.begins else "Or take one of these"


def column_words(of: Wording) -> dict[str, str]:
    """What the columns say besides texts; the script has no sentence of its own about a task."""
    return {
        "hero": f"The same {of.given}, with and without the person",
        "text": f"The same person, by putting some of their old {of.many} into the prompt",
        "one": of.one,
        "many": of.many,
    }


def history_words(of: Wording, *, lacks: str) -> dict[str, str]:
    """What the table of items says besides its rows.

    Args:
        of: What items are called.
        lacks: What an item that is typed lacks; empty where its text is enough.
    """
    bare = f"{capital(of.a)} typed here has no {lacks}: the plug reads it, retrieval and held-out scores pass it over."
    return {
        "one": of.one,
        "heading": capital(of.one),
        "region": f"History of {of.many}",
        "caption": f"{capital(of.many)}, oldest first, with their weight for {of.this}",
        "order": f"The last {of.one} is the latest; Alt with an arrow key moves the one you are in.",
        "caveat": f"Weights for {of.this}, together 100%; the tick marks an even share. "
        f"They say what the plug mixed, not which {of.one} caused which word.",
        "add": f"Add {of.many}",
        "hint": f"Write {of.a}, or paste many: one a line, or with blank lines between",
        "bare": bare if lacks else "",
        "gone": f"That {of.one} is not here: it is of somebody else, or was deleted.",
    }


def program(task: Task, *, usual: bool) -> str:
    """How a program asks for what the page does.

    Args:
        task: The task of the page.
        usual: Whether it is the one that need not be named.
    """
    of, named = task.wording, "" if usual else f'task="{task.name}", '
    prompt = "The last train left without me, so" if of.begins else f"the {of.given}"
    return f"""Three endpoints do what the page does, without keeping anything. A history is a list of texts, or a
history file's content.

```python
from gradio_client import Client

client = Client("http://127.0.0.1:7860")
mine = ["an old {of.one} of mine", "and another"]
client.predict(mine, "{prompt}", ["task", "persona"], {named}api_name="/compare")
client.predict(mine, {named}api_name="/persona_vector")
client.predict(mine, {named}api_name="/map")
```
"""


def _copied(of: Wording, form: PlugConfig | None) -> str:
    """What a plug copies out of a history, word for word."""
    if form is None or not form.own_words:
        return ""
    parts = []
    if form.excerpt_items:
        which = of.count(form.excerpt_items)
        parts.append(f"the first {form.excerpt_tokens} tokens of the {which} nearest to your {of.given}")
    if form.keyword_tokens:
        parts.append("a few words that the person uses again and again")
    return (
        f"   This plug also copies {' and '.join(parts)}: text in disguise, so that names and phrases come through. "
        "For people on the map,\n   of whom only a list of numbers is kept, there is nothing to copy.\n"
    )


def _pairs() -> str:
    """Which column is compared with which."""
    bases = dict.fromkeys(arm.compared_with for arm in KNOWN.values() if arm.compared_with is not None)
    return "\n".join(
        f"  * {_listed([arm.title for arm in KNOWN.values() if arm.compared_with == base])} with “{KNOWN[base].title}”"
        for base in bases
    )


def _listed(titles: Sequence[str]) -> str:
    return ", ".join(f"“{title}”" for title in titles)


def _interval(estimate: Estimate) -> str:
    return f"{estimate.mean:+.3f} [{estimate.low:+.3f}, {estimate.high:+.3f}]"


def _measured(of: Wording, figures: PlugFigures | None) -> str:
    """What was measured of the page's plug, with what it does not show."""
    if figures is None:
        return "This plug was not measured on people whom it was not trained on, so nothing is claimed of it."
    lines = [
        f"{figures.users:,} people of the split `{figures.split}`, whom nothing was trained on, {figures.targets:,} of "
        f"their {of.many}, strength {figures.strength:g}. By how much likelier their own words become, in nats a "
        "token, with a 95% interval over people:\n"
    ]
    for each in figures.gains:
        said = "lift shown" if shown(each.gain) else "**lift not shown**: the interval reaches zero or below"
        whom = "" if each.helped is None else f"; {each.helped:.0%} of the people are helped"
        pair = f"“{KNOWN[each.arm].title}” over “{KNOWN[each.over].title}”"
        lines.append(f"* {pair}: {_interval(each.gain)}, {said}{whom}.")
    if (gap := figures.placebo_gap) is not None:
        said = "so part of it is personal" if shown(gap) else "**not shown to be personal**: a stranger does as well"
        pair = f"“{KNOWN['persona'].title}” over its placebo, a stranger in the person's place"
        lines.append(f"* {pair}: {_interval(gap)}, {said}.")
    return "\n".join(lines)


def about(of: Wording, *, form: PlugConfig | None = None, figures: PlugFigures | None = None) -> str:
    """How it all works, and how to read it with care.

    Args:
        of: What things are called.
        form: That of the page's plug, where it is known.
        figures: What was measured of that plug, where it was.
    """
    return f"""
### How it works
1. Each {of.one} is turned into a list of numbers that says what it is about, how it is written and which words it uses.
2. A small trained part, the *plug*, weighs the {of.many} for your {of.given} and adds them up to one list of numbers:
   the person.
3. From it the plug makes a few *soft vectors*: made-up words that stand for no word, but that the model reads as if
   they were.
{_copied(of, form)}4. The language model itself is frozen. It reads the {of.given} and the soft vectors, and writes
   on, one token (a word or a piece of one) at a time.
5. The control read the same examples for as long and has as many vectors, but no person: what the persona adds to
   **that** is due to a person. It is due to *this* person as far as it is more than somebody else's persona adds.

### What one vector can carry, and what it cannot
It carries habits: how long the sentences are, capitals, punctuation, slang, and what somebody tends to write
about. It does not carry facts: names, dates and events of the {of.many} are averaged away, and what the written
texts claim is made up. The columns that put old {of.many} into the prompt can quote facts, and pay for it with more
text to read.

### Which columns may be compared
* All columns are written by the same frozen model with the same settings and length. Only the personal part differs.
* What has trained parts is compared with trained parts that know no person, never with the untuned model; what puts
  {of.many} into the prompt is compared with the same model without them:
{_pairs()}
* Where one {of.one} is to be predicted, only earlier ones are read, and those that nearly repeat it are left out.
* An effect counts as personal where it is larger than that of the placebo: the same method told about somebody else.

### What this plug was measured to do
{_measured(of, figures)}

### Reading the page with care
* The weights say how the plug mixed the {of.many} for {of.this}. They do not prove that {of.a} caused a word.
* The map shows people by how they write and what about. Their texts are not shipped and they have no names here, but
  a vector still gives away how somebody writes and about what: the tab In words reads it out.
* One example proves nothing. Switch on the placebo, try {of.other}, and see above what was measured.
* The model is small and was trained on web text. It can be wrong, odd or unkind, and it is not a person.
* Numbers made from {of.many} (not the {of.many}) may stay in the server's memory until somebody clears their data or
  it restarts.

The method is Persona-Plug: *LLMs + Persona-Plug = Personalized LLMs*,
[arXiv 2409.11901](https://arxiv.org/abs/2409.11901).
"""
