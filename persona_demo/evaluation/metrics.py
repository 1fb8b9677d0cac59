"""What texts are measured by: LaMP's official figures, its fallbacks and quirks included.

The arithmetic is rouge_score's and scikit-learn's; here it is only decided what they are given, and
that is LaMP's to the letter:

- all texts are stripped;
- a label outside the list counts as one more class, which is in no list, so two different unknown
  labels are equal; macro F1 is over the listed labels, whether or not they occur;
- what is no number counts as 1.0 or 5.0, whichever is farther from the gold (1.0 is for golds above
  3); numbers outside 1 to 5 are taken as they are;
- ROUGE is the F-measure without stemming.

LaMP reports the middle of 1,000 bootstrap means of ROUGE, which moves in the fourth digit from run to
run; this gives the mean itself, around which it moves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from persona_demo.corpora.lamp import Outputs
from persona_demo.errors import UserError
from persona_demo.tasks.base import Metric
from persona_demo.tasks.lamp import SHAPES

NEWS_CATEGORIES = (
    "food & drink",
    "sports",
    "education",
    "parents",
    "religion",
    "travel",
    "business",
    "crime",
    "science & technology",
    "culture & arts",
    "entertainment",
    "politics",
    "women",
    "style & beauty",
    "healthy living",
)
"""Labels of LaMP-2 as it once was; its outputs bear the same name as those with movie tags."""


def measure(
    metric: Metric, predictions: Sequence[str], references: Sequence[str], *, answers: Sequence[str] = ()
) -> dict[str, float]:
    """Measure texts against what people wrote.

    Args:
        metric: What by.
        predictions: N texts.
        references: N texts, in the same order.
        answers: The closed list of answers, for accuracy.

    Returns:
        Figures under LaMP's names: ``rouge-1`` and ``rouge-L``, ``MAE`` and ``RMSE``, or ``accuracy``
        and ``f1``.

    Raises:
        UserError: If there is nothing to measure, or ratings are no finite numbers.
    """
    if not references or len(predictions) != len(references):
        raise UserError(f"There are {len(predictions)} texts for {len(references)} answers: give one for each.")
    texts, golds = [text.strip() for text in predictions], [text.strip() for text in references]
    if metric == "rouge":
        return _rouge(texts, golds)
    return _ratings(texts, golds) if metric == "ratings" else _accuracy(texts, golds, list(answers))


def score_outputs(golds: Outputs, predictions: Outputs) -> dict[str, float]:
    """Score a file of predictions as LaMP does.

    Args:
        golds: The golds of one task.
        predictions: An output for each of their ids and for no other.

    Returns:
        Figures under LaMP's names.

    Raises:
        UserError: If the files are for different tasks or ids, or for no task of LaMP.
    """
    shape = next((shape for shape in SHAPES.values() if shape.name == golds.task), None)
    if shape is None:
        raise UserError(f"The golds are for {golds.task!r}: LaMP's tasks are LaMP_1 to LaMP_7.")
    if predictions.task != golds.task:
        raise UserError(f"The predictions are for {predictions.task} and the golds for {golds.task}: give one task's.")
    if odd := sorted(set(golds.texts) ^ set(predictions.texts)):
        where = "predictions" if odd[0] in golds.texts else "golds"
        raise UserError(
            f"{len(odd)} ids are in one file only, such as {odd[0]!r}, which the {where} lack: "
            "predict every question once."
        )
    ids = list(golds.texts)
    wanted = [golds.texts[i] for i in ids]
    answers = shape.answers
    if shape.number == 2 and not {text.strip() for text in wanted} & set(answers):
        answers = NEWS_CATEGORIES
    return measure(shape.metric, [predictions.texts[i] for i in ids], wanted, answers=answers)


def _rouge(texts: Sequence[str], golds: Sequence[str]) -> dict[str, float]:
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rouge1", "rougeL"], use_stemmer=False)
    scores = [scorer.score(gold, text) for gold, text in zip(golds, texts, strict=True)]
    return {
        name: sum(score[key].fmeasure for score in scores) / len(scores)
        for name, key in (("rouge-1", "rouge1"), ("rouge-L", "rougeL"))
    }


def _accuracy(texts: Sequence[str], golds: Sequence[str], answers: Sequence[str]) -> dict[str, float]:
    from sklearn.metrics import accuracy_score, f1_score

    place = {answer: number for number, answer in enumerate(answers)}
    found, wanted = [place.get(text, -1) for text in texts], [place.get(text, -1) for text in golds]
    # A label that is neither predicted nor wanted counts as 0, as it does where the question is not asked.
    f1 = f1_score(wanted, found, labels=list(range(len(answers))), average="macro", zero_division=0)
    return {"accuracy": float(accuracy_score(wanted, found)), "f1": float(f1)}


def _ratings(texts: Sequence[str], golds: Sequence[str]) -> dict[str, float]:
    from sklearn.metrics import mean_absolute_error, root_mean_squared_error

    wanted = [_number(gold, math.nan) for gold in golds]
    if not all(map(math.isfinite, wanted)):
        raise UserError("A gold rating is no number: check the file of golds.")
    found = [_number(text, 1.0 if gold > 3 else 5.0) for text, gold in zip(texts, wanted, strict=True)]
    if not all(map(math.isfinite, found)):
        raise UserError("A predicted rating is not finite: write numbers from 1 to 5.")
    return {"MAE": float(mean_absolute_error(wanted, found)), "RMSE": float(root_mean_squared_error(wanted, found))}


def _number(text: str, otherwise: float) -> float:
    try:
        return float(text)
    except ValueError:
        return otherwise
