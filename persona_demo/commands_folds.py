"""``folds make`` and ``folds pool``: cross-validation over people where few are left to evaluate on."""

from __future__ import annotations

import argparse
import json

from persona_demo.errors import UserError
from persona_demo.files import whole
from persona_demo.terminal import document, say


def make(arguments: argparse.Namespace) -> None:
    """``folds make``: a corpus folder for each fold."""
    from persona_demo.corpora.fold import write_folds

    made = write_folds(arguments.data, arguments.out, folds=arguments.folds, seed=arguments.seed)
    if arguments.json:
        say(document({"folds": [{"folder": str(m.folder), "people": dict(m.people)} for m in made]}))
        return
    for m in made:
        counts = ", ".join(f"{count:,} {split}" for split, count in m.people.items())
        say(f"{m.folder}: {counts}")


def pool(arguments: argparse.Namespace) -> None:
    """``folds pool``: evaluations of all folds as one."""
    from persona_demo.evaluation.pool import pool as pooled
    from persona_demo.evaluation.provenance import command_line, commit
    from persona_demo.evaluation.results import read_record
    from persona_demo.evaluation.tables import arms_table

    records = [read_record(path) for path in arguments.results]
    if len({json.dumps(record.get("people"), sort_keys=True) for record in records}) < len(records):
        raise UserError("Two of the files hold the figures of the same people: name one file of each fold.")
    made = pooled(records)
    made["made"] |= {
        "command": command_line(arguments.words, program="python -m persona_demo"),
        "commit": commit(),
    }
    if arguments.out is not None:
        with whole(arguments.out) as draft:
            draft.write_text(document(made) + "\n", encoding="utf-8")
    say(document(made) if arguments.json else arms_table(made))
