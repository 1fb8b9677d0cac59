"""attribution@10: can it be told from a generated text whose it is, among ten people?

Ten people are given the same prompts, which are the inputs of others; what an arm writes for each, the
continuation alone, goes to one fixed classifier that has read the ten people's histories and nothing
else. Chance is a tenth, and an arm that knows nothing of the person is at chance to the digit: it writes
one text for all ten, which is right for one of them. No arm can be expected to exceed what the same
classifier reaches on the people's own words, so that is measured too.

Groups of ten are seeded draws, without common members as far as the people reach. The interval is over
groups; where they share members, it is narrower than it should be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from persona_demo.arms import ArmInputs
from persona_demo.corpus import Person, draw_targets
from persona_demo.errors import UserError
from persona_demo.evaluation.bootstrap import Estimate, bootstrap
from persona_demo.evaluation.contenders import Contender, contender, prepare
from persona_demo.evaluation.figures import OWN_WORDS
from persona_demo.evaluation.predictions import gold, predict
from persona_demo.evaluation.sample import Items, Strangers
from persona_demo.history import MAX_ITEMS
from persona_demo.lm.base import TextCodec
from persona_demo.runtime import Runtime
from persona_demo.tasks import Task, WritingPair

GROUP = 10
GROUPS = 10
PROMPTS = 5
"""Inputs that all ten of a group are given."""
DRAWS = 1
"""Placebo people of each member; texts take long to write."""
LEAST_ITEMS = 6
"""People with fewer items are in no group."""

Report = Callable[[str, float | None], None]


@dataclass(frozen=True)
class Attribution:
    """Shares of texts that are attributed to the right one of ten people.

    Attributes:
        arms: By arm, with an interval over groups.
        own_words: Of what the people wrote themselves, by a classifier that has not read it.
        shares: The share of each group, by arm, and of what the people wrote themselves.
    """

    arms: dict[str, Estimate]
    own_words: Estimate
    shares: dict[str, tuple[float, ...]]


@dataclass(frozen=True)
class Group:
    """Ten people and what they are all asked.

    Attributes:
        members: Indices of people.
        prompts: Inputs of people outside the group, which no member wrote on.
    """

    members: tuple[int, ...]
    prompts: tuple[str, ...]


def enough(people: Sequence[Person]) -> bool:
    """Whether there are ten people to tell apart, and another one to take prompts from."""
    return len({person.group for person in _able(people)}) > GROUP


def attribute(
    runtime: Runtime,
    task: Task,
    people: Sequence[Person],
    arms: Sequence[str],
    *,
    strength: float,
    seed: int,
    report: Report,
) -> Attribution:
    """Measure whose the texts of some arms look like.

    Args:
        runtime: Models and plug.
        task: A task whose answers are written.
        people: Whom to draw groups from.
        arms: Names of arms.
        strength: Of arms that have a base.
        seed: Of the draws and the bootstrap.
        report: Told how far it is.

    Raises:
        UserError: If there are too few people, or an arm is unknown.
    """
    groups = draw_groups(people, task, seed=seed)
    entered = [contender(name) for name in dict.fromkeys(arms)]
    strangers = Strangers(people, task)
    shares: dict[str, list[float]] = {name: [] for name in (*(c.name for c in entered), OWN_WORDS)}
    for number, group in enumerate(groups):
        members = [people[i] for i in group.members]
        histories = {
            others: [
                _placebo(strangers, people, i, group, seed=seed) if others else people[i].items[-MAX_ITEMS:]
                for i in group.members
            ]
            for others in {c.others for c in entered}
        }

        def written(share: float, done: int = number) -> None:
            report("attributing texts", (done + share) / len(groups))

        texts = _write(runtime, task, entered, histories, group.prompts, strength=strength, seed=seed, report=written)
        reader = Reader([[item.text for item in person.items] for person in members])
        for c in entered:
            found = reader.whose(texts[c.name])
            own = np.repeat(np.arange(GROUP), len(group.prompts))
            shares[c.name].append(float(np.mean(found == own)))
        shares[OWN_WORDS].append(_own_words(members, task, runtime.lm.codec))

    return attribution_of(shares, seed=seed)


def attribution_of(shares: Mapping[str, Sequence[float]], *, seed: int) -> Attribution:
    """Means over groups of ten with their intervals.

    Args:
        shares: The share of each group, by arm, and under :data:`~persona_demo.evaluation.figures.OWN_WORDS`.
        seed: Of the bootstrap.
    """
    means = {name: bootstrap(np.asarray(found, dtype=np.float64), seed=seed) for name, found in shares.items()}
    own_words = means.pop(OWN_WORDS)
    return Attribution(means, own_words, {name: tuple(found) for name, found in shares.items()})


def draw_groups(people: Sequence[Person], task: Task, *, seed: int) -> list[Group]:
    """Draw groups of ten, with prompts of people outside each.

    Args:
        people: Whom to draw from.
        task: Makes prompts of items.
        seed: Of the draw.

    Raises:
        UserError: If there are too few people.
    """
    if not enough(people):
        raise UserError(f"There are too few people for groups of {GROUP}: leave out --attribution.")
    rng = np.random.default_rng((seed, 17))
    able = {id(person) for person in _able(people)}
    groups = []
    for members in _tens([i for i, person in enumerate(people) if id(person) in able], people, rng):
        inside = {people[i].group for i in members}
        outside = [person for person in people if person.group not in inside]
        # What a member wrote on a prompt would be in the history the classifier reads.
        known = {pair.input for i in members for item in people[i].items if (pair := task.pair(item)) is not None}
        order, prompts = rng.permutation(len(outside)).tolist(), dict[str, None]()
        for start in range(0, len(order), PROMPTS):
            asked = [outside[i] for i in order[start : start + PROMPTS]]
            targets = draw_targets(asked, task, per_person=PROMPTS, rng=rng, last_third=True)
            inputs = [targets[i].pair.input for i in rng.permutation(len(targets)).tolist()]
            prompts |= dict.fromkeys(one for one in inputs if one not in known)
            if len(prompts) >= PROMPTS:
                break
        if prompts:
            groups.append(Group(tuple(members), tuple(prompts)[:PROMPTS]))
    if not groups:
        raise UserError("Nobody outside a group of ten has enough items for a prompt: leave out --attribution.")
    return groups


class Reader:
    """The classifier: character n-grams of 2 to 5, and logistic regression."""

    def __init__(self, histories: Sequence[Sequence[str]]) -> None:
        """Read people's histories.

        Args:
            histories: Texts of each person.
        """
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline

        self._model: Any = make_pipeline(
            TfidfVectorizer(analyzer="char", ngram_range=(2, 5), min_df=2, sublinear_tf=True, lowercase=False),
            # Somebody who wrote a lot is not thereby likelier to have written this.
            LogisticRegression(class_weight="balanced", max_iter=300),
        )
        labels = [person for person, texts in enumerate(histories) for _ in texts]
        self._model.fit([text for texts in histories for text in texts], labels)

    def whose(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Index of the person each text looks like."""
        return np.asarray(self._model.predict(list(texts)), dtype=np.int64)


def _able(people: Sequence[Person]) -> list[Person]:
    return [person for person in people if len(person.items) >= LEAST_ITEMS]


def _tens(able: Sequence[int], people: Sequence[Person], rng: np.random.Generator) -> Iterator[list[int]]:
    """Groups of ten who share nothing; nobody is drawn again before everybody was drawn."""
    waiting: list[int] = []
    for _ in range(GROUPS):
        members: list[int] = []
        while len(members) < GROUP:
            inside = {people[i].group for i in members}
            fitting = [i for i in waiting if people[i].group not in inside and i not in members]
            if not fitting:
                waiting = rng.permutation(np.asarray(able)).tolist()
                continue
            members.append(fitting[0])
            waiting.remove(fitting[0])
        yield members


def _placebo(strangers: Strangers, people: Sequence[Person], member: int, group: Group, *, seed: int) -> Items:
    """The history of somebody outside the group, one seeded draw."""
    size = len(people[member].items)
    rng = np.random.default_rng((seed, 19, member))
    near = strangers.nearest(member, items=size, rng=rng, without=group.members)
    if not near:
        raise UserError("Nobody outside a group of ten can stand in another's place: leave out the arms with :other.")
    return strangers.items(near[0], beside=member, asked=group.prompts)[-min(size, MAX_ITEMS) :]


def _write(
    runtime: Runtime,
    task: Task,
    contenders: Sequence[Contender],
    histories: dict[bool, list[Items]],
    prompts: Sequence[str],
    *,
    strength: float,
    seed: int,
    report: Callable[[float], None],
) -> dict[str, list[str]]:
    """What each contender writes for every member and prompt, members first."""
    given = {
        others: [
            ArmInputs(
                task=task,
                input_text=prompt,
                items=items,
                plug=runtime.plug,
                encoder=runtime.encoder,
                codec=runtime.lm.codec,
                seed=seed + number,
            )
            for number, items in enumerate(some)
            for prompt in prompts
        ]
        for others, some in histories.items()
    }
    prepare(runtime, contenders, [one for some in given.values() for one in some])
    voices = [runtime.voice(one, c.build(one), strength=strength) for c in contenders for one in given[c.others]]
    # Nobody's answer is known to a prompt that all ten are given.
    pairs = [WritingPair(input=one.input_text, target="") for c in contenders for one in given[c.others]]
    texts = predict(
        runtime.lm,
        task,
        voices,
        pairs,
        report=report,
        beams=runtime.plug.config.beams,
    )
    each = len(texts) // len(contenders)
    return {c.name: texts[n * each : (n + 1) * each] for n, c in enumerate(contenders)}


def _own_words(members: Sequence[Person], task: Task, codec: TextCodec) -> float:
    """The share of people's own last texts that a reader of their earlier ones gives to the right one."""
    # A question (LaMP) is answered apart from the profile; else the last third of the items is held out.
    held = [0 if person.given is not None else len(person.items) // 3 for person in members]
    seen = [person.items[: len(person.items) - last] for person, last in zip(members, held, strict=True)]
    reader = Reader([[item.text for item in items] for items in seen])
    shares = []
    for number, person in enumerate(members):
        answered = [person.given] if person.given else map(task.pair, person.items[len(seen[number]) :])
        texts = [gold(task, pair, codec) for pair in answered if pair is not None]
        if texts:
            shares.append(float(np.mean(reader.whose(texts) == number)))
    return float(np.mean(shares))
