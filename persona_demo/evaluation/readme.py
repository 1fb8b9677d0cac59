"""The README's tables, made from the files of ``assets/results``, so that no figure is typed by hand.

A table stands between two marks of its own; what is between them is replaced, all else stays:

    <!-- table arms blog-post.dev -->            arms of one results file, and what it says besides
    <!-- table tasks dev -->                     a line for each task that has a results file of a split
    <!-- table sweep blog-post.sweep/sweep -->   what each switch bought
    <!-- table plugs a.tune-x,a.tune-y -->       a line for each of several results files
    <!-- table speed -->                         the benchmarks
    <!-- /table -->
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from persona_demo.errors import UserError
from persona_demo.evaluation.results import RESULTS, read_record
from persona_demo.evaluation.tables import arms_table, plugs_table, speed_table, tasks_table
from persona_demo.files import whole
from persona_demo.shipped import ASSETS
from persona_demo.training.tables import table as sweep_table

README = ASSETS.parent / "README.md"

_TABLE = re.compile(r"(<!-- table ([^>]*?) -->\n).*?(<!-- /table -->)", re.DOTALL)


def write_tables(*, readme: Path = README, results: Path = RESULTS, check: bool = False) -> bool:
    """Make the tables of a README anew.

    Args:
        readme: The file.
        results: Folder of results files.
        check: Change nothing, and complain if there would be something to change.

    Returns:
        Whether something changed.

    Raises:
        UserError: If a results file is missing or damaged, a mark is unknown, or the README is stale.
    """
    try:
        old = readme.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{readme} cannot be read ({type(error).__name__}): restore the file.") from error
    new = _TABLE.sub(lambda mark: f"{mark[1]}{_table(mark[2], results)}\n{mark[3]}", old)
    if new == old:
        return False
    if check:
        raise UserError(
            f"{readme.name} does not show the figures of {results.name}: run 'python -m persona_demo results'."
        )
    with whole(readme) as draft:
        draft.write_text(new, encoding="utf-8")
    return True


def _table(mark: str, results: Path) -> str:
    kind, *rest = mark.split()
    makers: dict[str, Callable[[str], str]] = {
        "arms": lambda name: arms_table(read_record(results / f"{name}.json")),
        "tasks": lambda split: tasks_table(results, split),
        "sweep": lambda name: sweep_table(read_record(results / f"{name}.json")),
        "plugs": lambda names: plugs_table({name: read_record(results / f"{name}.json") for name in names.split(",")}),
        "speed": lambda _: speed_table(results),
    }
    if kind not in makers or len(rest) != (kind != "speed"):
        raise UserError(
            f"There is no table {mark!r}: write 'arms FILE', 'tasks SPLIT', 'sweep FILE', 'plugs FILE,FILE' or 'speed'."
        )
    try:
        return makers[kind]("".join(rest))
    except (KeyError, TypeError, IndexError) as error:
        raise UserError(f"A results file lacks {error} for the table {mark!r}: make it anew.") from error
