"""The protocol: how likely people's own words are under each arm, on people never trained on.

A person's figure is the mean over their targets of the mean negative log-likelihood a token; a
figure of the table is the mean of people's figures, with a bootstrap interval over people. ``lift``
is what an arm gains over the trained control. ``placebo_gap`` is what the persona gains over the
same plug reading somebody else's history: the part of the lift that is about the person.

The task's own metric is counted over all targets at once, as LaMP counts it. An arm that reads five
placebo people is averaged over them; texts, which take long to write, are written for the first alone.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from persona_demo.arms import ArmInputs, Conditioning
from persona_demo.corpus import Person
from persona_demo.evaluation.contenders import (
    COLD_START,
    CONTROL,
    OTHER,
    PERSONA,
    PLACEBO,
    REFERENCE,
    REFERENCE_ITEMS,
    Contender,
    contender,
    items_in_prompt,
    latest,
    pairs_to_compare,
    prepare,
    shortened,
)
from persona_demo.evaluation.figures import ArmFigures, ColdStart, Comparison, Evaluation, Reference
from persona_demo.evaluation.metrics import measure
from persona_demo.evaluation.people import Values
from persona_demo.evaluation.predictions import closed, gold, predict
from persona_demo.evaluation.sample import Items, Sample
from persona_demo.evaluation.scoring import log_probabilities, read_by
from persona_demo.lm.decode import Voice
from persona_demo.runtime import Runtime
from persona_demo.tasks import Task

Report = Callable[[str, float | None], None]

CHUNK = 16
"""Targets looked at together."""
DEFAULT_ARMS = (CONTROL, PERSONA, PLACEBO)


@dataclass(frozen=True)
class _Asked:
    """One arm on one target, reading one history."""

    contender: str
    place: int
    draw: int
    made: Conditioning
    voice: Voice
    ms: float


@dataclass
class Scored:
    """What is known of one contender, target by target.

    Attributes:
        draws: Mean negative log-likelihood a token, by target and draw.
        prompt_tokens: Text tokens read, each time.
        ms: Milliseconds to build, with item vectors at hand, and to score, each time.
        bytes_per_user: What is kept of the person, each time.
        predictions: Answers by draw, in the order of the targets; empty where none were asked for.
    """

    draws: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    prompt_tokens: list[int] = field(default_factory=list)
    ms: list[float] = field(default_factory=list)
    bytes_per_user: list[int] = field(default_factory=list)
    predictions: dict[int, list[tuple[int, str]]] = field(default_factory=lambda: defaultdict(list))

    @property
    def nll(self) -> Values:
        """Mean negative log-likelihood a token of each target, averaged over draws, (targets,)."""
        return np.array([np.mean(self.draws[place]) for place in sorted(self.draws)])


class Protocol(Sample):
    """One evaluation: a sample of people and targets, and the models it is put to."""

    def __init__(
        self,
        runtime: Runtime,
        task: Task,
        people: Sequence[Person],
        *,
        users: int,
        targets_per_user: int,
        seed: int,
        strength: float,
        report: Report,
    ) -> None:
        """Draw people and targets.

        Args:
            runtime: Models and plug.
            task: The task.
            people: Everybody of the split; placebo people are drawn from all of them.
            users: At most so many are evaluated.
            targets_per_user: At most so many targets each.
            seed: Of the draws and of the bootstrap.
            strength: Of arms that have a base.
            report: Told how far it is.

        Raises:
            UserError: If nothing can be drawn.
        """
        super().__init__(task, people, users=users, targets_per_user=targets_per_user, seed=seed)
        self.runtime, self.strength, self.report = runtime, strength, report
        self._tokens = [task.target_tokens(t.pair.target, runtime.lm.codec) for t in self.targets]

    def _inputs(self, place: int, items: Items) -> ArmInputs:
        runtime = self.runtime
        return ArmInputs(
            task=self.task,
            input_text=self.targets[place].pair.input,
            items=items,
            plug=runtime.plug,
            encoder=runtime.encoder,
            codec=runtime.lm.codec,
            seed=self.seed + place,
        )

    def score(self, arm: str) -> Scored:
        """Score one arm over all targets.

        Raises:
            UserError: If there is no such arm.
        """
        return self.score_all([contender(arm)])[arm]

    def score_all(self, contenders: Sequence[Contender], *, predicting: Sequence[str] = ()) -> dict[str, Scored]:
        """Score contenders over all targets.

        All are scored together, since what they read for one input begins alike.

        Args:
            contenders: Who.
            predicting: Names of those that are also asked to answer.
        """
        scored = {c.name: Scored() for c in contenders}
        for start in range(0, len(self.targets), CHUNK):
            places = range(start, min(start + CHUNK, len(self.targets)))
            asked = self._ask(contenders, places)
            self._score(asked, scored)
            for draw, some in _by_draw(asked, predicting, every=closed(self.task)).items():
                self._predict(some, draw, scored, start)
            self.report("evaluating", places.stop / len(self.targets))
        return scored

    def _ask(self, contenders: Sequence[Contender], places: range) -> list[_Asked]:
        """Build all contenders for some targets."""
        inputs: dict[tuple[int, bool], list[ArmInputs]] = {}
        for others in {c.others for c in contenders}:
            for place in places:
                histories = self.others(place) if others else [self.history(self.targets[place])]
                inputs[place, others] = [self._inputs(place, items) for items in histories]
        prepare(self.runtime, contenders, [one for some in inputs.values() for one in some])
        asked = []
        for c in contenders:
            for place in places:
                for draw, given in enumerate(inputs[place, c.others][: c.draws]):
                    begun = time.perf_counter()
                    made = c.build(given if c.most is None else latest(given, c.most))
                    voice = self.runtime.voice(given, made, strength=self.strength)
                    asked.append(_Asked(c.name, place, draw, made, voice, 1000 * (time.perf_counter() - begun)))
        return asked

    def _score(self, asked: Sequence[_Asked], scored: Mapping[str, Scored]) -> None:
        """Score what was built; the time is divided by how much each had to be read."""
        begun = time.perf_counter()
        texts = [self._tokens[one.place] for one in asked]
        found = log_probabilities(self.runtime.lm, [one.voice for one in asked], texts)
        elapsed = 1000 * (time.perf_counter() - begun)
        lengths = [
            sum(row.text_tokens + row.soft_vectors + len(text) for row in read_by(one.voice))
            for one, text in zip(asked, texts, strict=True)
        ]
        for one, scores, length in zip(asked, found, lengths, strict=True):
            kept = scored[one.contender]
            kept.draws[one.place].append(-float(scores.mean(dtype=np.float64)))
            kept.prompt_tokens.append(one.voice.row.text_tokens)
            kept.bytes_per_user.append(one.made.bytes_per_user)
            kept.ms.append(one.ms + elapsed * length / sum(lengths))

    def _predict(self, asked: Sequence[_Asked], draw: int, scored: Mapping[str, Scored], start: int) -> None:
        pairs = [self.targets[one.place].pair for one in asked]

        def report(share: float) -> None:
            self.report("evaluating", (start + share * CHUNK) / max(len(self.targets), start + CHUNK))

        voices, beams = [one.voice for one in asked], self.runtime.plug.config.beams
        answers = predict(self.runtime.lm, self.task, voices, pairs, report=report, beams=beams)
        for one, answer in zip(asked, answers, strict=True):
            scored[one.contender].predictions[draw].append((one.place, answer))

    def metric(self, scored: Scored) -> dict[str, float]:
        """The task's figures of a contender's answers, averaged over draws."""
        codec = self.runtime.lm.codec
        found = []
        for answers in scored.predictions.values():
            golds = [gold(self.task, self.targets[place].pair, codec) for place, _ in answers]
            texts = [answer for _, answer in answers]
            found.append(measure(self.task.metric, texts, golds, answers=self.task.answers))
        return {name: float(np.mean([figures[name] for figures in found])) for name in found[0]}

    def answers(self, scored: Scored) -> dict[str, str]:
        """A contender's answers by question, of the first draw."""
        return {self.question(place): answer for place, answer in scored.predictions[0]}

    def answer(self, arms: Sequence[str]) -> dict[str, dict[str, str]]:
        """What arms answer, by question; nothing is compared, so targets may be empty.

        Args:
            arms: Names of arms.

        Raises:
            UserError: If an arm is unknown.
        """
        # Of several placebo people the first alone answers, so the others need not be read.
        entered = [replace(contender(name), draws=1) for name in dict.fromkeys(arms)]
        scored = {c.name: Scored() for c in entered}
        for start in range(0, len(self.targets), CHUNK):
            asked = self._ask(entered, range(start, min(start + CHUNK, len(self.targets))))
            self._predict(asked, 0, scored, start)
        return {name: self.answers(found) for name, found in scored.items()}

    def run(
        self, arms: Sequence[str], *, cold_start: bool = False, metrics: bool = False, reference: bool = False
    ) -> Evaluation:
        """Score arms and make the figures.

        Args:
            arms: Names; the control is scored in any case, since lift needs it.
            cold_start: Also score the persona on histories of growing length.
            metrics: Also let the arms answer, and measure the answers as the task does.
            reference: Also score the untuned model with items in its prompt.

        Raises:
            UserError: If an arm is unknown.
        """
        arms = list(dict.fromkeys(arms))
        lengths: tuple[int | None, ...] = (*COLD_START, None) if cold_start else ()
        shorter = {most: contender(PERSONA) if most is None else shortened(most) for most in lengths}
        entered = [*map(contender, (CONTROL, *arms)), *shorter.values()]
        entered += [items_in_prompt(others=False), items_in_prompt(others=True)] if reference else []
        different = {c.name: c for c in entered}
        scored = self.score_all(list(different.values()), predicting=arms if metrics else ())
        people = self.people({name: s.nll for name, s in scored.items()})
        return Evaluation(
            users=len(people.targets),
            targets=len(self.targets),
            arms=tuple(
                ArmFigures(
                    arm=arm,
                    nll=people.mean(arm),
                    lift=people.gain(arm, CONTROL),
                    share_helped=people.share_helped(arm, CONTROL),
                    prompt_tokens=float(np.mean(scored[arm].prompt_tokens)),
                    ms=float(np.mean(scored[arm].ms)),
                    bytes_per_user=float(np.mean(scored[arm].bytes_per_user)),
                    metric=self.metric(scored[arm]) if metrics else None,
                    answers=self.answers(scored[arm]) if metrics else None,
                )
                for arm in arms
            ),
            people=people,
            placebo_gap=people.gain(PERSONA, PLACEBO) if {PERSONA, PLACEBO} <= set(arms) else None,
            comparisons=tuple(Comparison(a, b, people.gain(a, b)) for a, b in pairs_to_compare(arms)),
            cold_start=tuple(ColdStart(most, people.gain(c.name, CONTROL)) for most, c in shorter.items()),
            reference=None
            if not reference
            else Reference(
                items=REFERENCE_ITEMS,
                own=people.mean(REFERENCE),
                other=people.mean(REFERENCE + OTHER),
                gap=people.gain(REFERENCE, REFERENCE + OTHER),
            ),
        )


def _by_draw(asked: Sequence[_Asked], names: Sequence[str], *, every: bool) -> dict[int, list[_Asked]]:
    """Those that are to answer, by draw; of several draws the first alone, unless every one is wanted."""
    chosen: dict[int, list[_Asked]] = {}
    for one in asked:
        if one.contender in names and (every or one.draw == 0):
            chosen.setdefault(one.draw, []).append(one)
    return chosen
