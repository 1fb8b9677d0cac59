"""What the lesson says: its five steps, each with the state of the page that it is about.

No Gradio here. A step holds what a link holds, so that whatever a lesson shows could be sent as a link.
"""

from __future__ import annotations

from dataclasses import dataclass

from persona_demo.arms import arm_named
from persona_demo.link import LinkState
from persona_demo.ui.shelf import Shelf

STRANGER = "persona:other"


@dataclass(frozen=True)
class LessonStep:
    """One step.

    Attributes:
        title: Its name, in a few words.
        look: What to do and to look at.
        ask: What to ask oneself, and what not to conclude.
        state: What the page is brought to.
        tab: Id of the tab that is opened below.
        points: Ids of the elements that are outlined; the first one takes the focus.
        where: What these are, for readers who do not see the outline.
    """

    title: str
    look: str
    ask: str
    state: LinkState
    tab: str
    points: tuple[str, ...]
    where: str


def lesson_steps(shelf: Shelf) -> tuple[LessonStep, ...]:
    """The five steps, about the person and the input that the page starts with.

    Args:
        shelf: What ships.
    """
    session, strength, of = shelf.first_session(), shelf.strength, shelf.wording
    name = session.history.name
    # Without anybody else there is nobody to stand in the person's place.
    stranger = (STRANGER,) if shelf.others(session) or shelf.atlas is not None else ()

    def state(*arms: str, strength: float = strength) -> LinkState:
        return LinkState(session.who, shelf.opening, 0, strength, arms)

    def column(arm: str) -> str:
        return f"“{arm_named(arm).title}”"

    return (
        LessonStep(
            title="With and without",
            look=f"One frozen model {'goes on from the same words' if of.begins else f'reads the same {of.given}'} in "
            f"every column. {column('persona')} was made from {name}'s {of.many}, {column('task')} is the control and "
            f"was told nothing about anybody"
            + (f", {column(STRANGER)} is a stranger's. " if stranger else ". ")
            + f"The strength is {strength:g}; 1 is what it was trained at.",
            ask=f"What does the persona's text share with {name}'s {of.many} that the other columns do not? The effect "
            "is small, and shows only with its control beside it. If you would say the same of the stranger's column, "
            "this example has shown nothing.",
            state=state("task", "persona", *stranger),
            tab="tokens",
            points=("pd-columns",),
            where="the columns with the texts",
        ),
        LessonStep(
            title="Whose history",
            look=f"Each bar is the weight of {of.a} for {of.this}; the tick marks an even share. Read the {of.many} "
            f"with the longest bars. Then choose {of.other} and watch the bars.",
            ask=f"Could you tell from these {of.many} alone whose history it is? Where all bars end near the tick, the "
            f"person is little more than the average of the {of.many}. The bars say what was mixed, not which {of.one} "
            f"caused which word: the tab Single {of.many}, open below, measures that.",
            state=state("task", "persona"),
            tab="posts",
            points=("pd-history",),
            where=f"the table of {of.many} with their weights",
        ),
        LessonStep(
            title=f"Mute one {of.one}",
            look="Tick Mute in the row with the longest bar: the other bars grow, and the point on the map moves and "
            "leaves a trail. Then press Write, and compare the persona's text with the one that stood there.",
            ask="How far did the point move, and where do the two texts part? A text that differs is not yet less like "
            f"{name}: any small push can send the model another way. The control reads no {of.many} and stays as it "
            "was. The tab States, open below, compares both.",
            state=state("task", "persona"),
            tab="pins",
            points=("pd-history", "pd-map"),
            where=f"the table of {of.many}, and the map",
        ),
        LessonStep(
            title="Turn the dial",
            look="The strength is 0 now. Press Write: the persona's column is the control, word for word. Turn the "
            "dial to 1 and press Write again; then try 3.",
            ask=f"Where do the two columns part? Is there a strength that sounds like {name}, and one that breaks? "
            "More is louder, not truer. The tab Strength, open below, shows how likely one and the same text is at "
            "every strength.",
            state=state("task", "persona", strength=0.0),
            tab="dial",
            points=("pd-strength", "pd-write"),
            where="the dial for the strength, and Write",
        ),
        LessonStep(
            title="By retrieval",
            look=f"The same person by another method: some of the old {of.many} are put into the prompt, and the "
            "untuned model reads them. Compare the texts, and at the foot of each column what it read and how long it "
            "took.",
            ask=f"Which columns can repeat a fact from the {of.many}, and which only a manner? What does each pay for "
            f"it? Compare each with its own control: retrieval with {column('plain')}, the persona with "
            f"{column('task')}. The tab Placebos, open below, measures it.",
            state=state("plain", "task", "persona", "bm25", "recent"),
            tab="placebo",
            points=("pd-columns",),
            where="the columns with the texts",
        ),
    )
