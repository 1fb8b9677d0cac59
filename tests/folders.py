"""Small corpora of every shape a folder may have, and LaMP-shaped files, all of invented words."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from persona_demo.tasks import LampTask, task_named

WORDS = (
    "ferry gull kettle roof swan lock tin cake gate brother harbour lantern orchard pebble quarry river saddle "
    "thimble umbrella valley window yeast anchor basket candle drawer engine feather garden hammer island jacket"
).split()
SPLITS = ("train",) * 6 + ("tune",) * 3 + ("dev",) * 3
ITEMS = 12


def text(*seed: int, words: int = 12) -> str:
    """Words drawn by a seed; two seeds hardly ever share three in a row."""
    drawn = np.random.default_rng(seed).choice(WORDS, size=words)
    return " ".join(drawn).capitalize()


def day(number: int) -> str:
    """A day of 2019, the later the greater the number."""
    return f"2019-{1 + number // 28:02d}-{1 + number % 28:02d}"


def write_lines(path: Path, records: Iterable[dict[str, Any]], *, packed: bool = True) -> None:
    """Write JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = "".join(json.dumps(record) + "\n" for record in records).encode("utf-8")
    path.write_bytes(gzip.compress(content) if packed else content)


def _people(folder: Path, item: Callable[[int, int], dict[str, Any]], *, packed: bool = True) -> Path:
    people = [
        {
            "user": f"u{p:03d}",
            "split": split,
            "items": [{"id": f"u{p}-{i}", "date": day(i)} | item(p, i) for i in range(ITEMS)],
        }
        for p, split in enumerate(SPLITS)
    ]
    write_lines(folder / ("users.jsonl.gz" if packed else "users.jsonl"), people, packed=packed)
    return folder


def blogs(folder: Path) -> Path:
    """Posts."""
    return _people(folder, lambda p, i: {"text": text(p, i, 1, words=30)}, packed=False)


def headlines(folder: Path) -> Path:
    """Headlines with descriptions and categories."""
    return _people(
        folder, lambda p, i: {"headline": text(p, i, 2), "text": text(p, i, 3), "category": ("NEWS", "FOOD")[i % 2]}
    )


def commits(folder: Path) -> Path:
    """Subject lines with bodies, three a day."""
    return _people(
        folder,
        lambda p, i: {"subject": text(p, i, 4, words=8), "body": text(p, i, 5) + "\n\nSecond.", "date": day(i // 3)},
    )


def critics(folder: Path) -> Path:
    """Reviews: every third without a score, film 0 without a synopsis."""
    scores = (0.0, 0.3, None, 0.6, 0.875, None, 1.0)
    films = [{"movie": f"f{n}", "synopsis": text(n, 6, words=40) if n else None, "genre": "x"} for n in range(7)]
    write_lines(folder / "movies.jsonl.gz", films)
    return _people(folder, lambda p, i: {"movie": f"f{(p + i) % 7}", "review": text(p, i, 7), "score": scores[i % 7]})


def films(folder: Path) -> Path:
    """Stars: everybody rates the same films, one of which nobody told the story of."""
    told = [
        {
            "movie": n,
            "title": f"{text(n, 8, words=2)} (1999)",
            "genres": ["Drama", "Crime"][: n % 3],
            "overview": text(n, 9),
        }
        for n in range(ITEMS + len(SPLITS))
    ]
    told[0]["overview"] = None
    write_lines(folder / "movies.jsonl.gz", told)
    people = [
        {
            "user": f"m{p}",
            "split": split,
            "tags": [],
            "ratings": [[86_400 * i, p + i, 0.5 + (p + i) % 10 / 2] for i in range(ITEMS)],
        }
        for p, split in enumerate(SPLITS)
    ]
    write_lines(folder / "users.jsonl.gz", people)
    return folder


def papers(folder: Path) -> Path:
    """Papers: in train, neighbours wrote one together; else everybody wrote alone."""
    records, people = [], []
    for p, split in enumerate(SPLITS):
        own = [f"P{p}-{i}" for i in range(ITEMS)]
        records += [
            {"id": n, "year": 2016 + i // 4, "title": text(p, i, 10), "abstract": text(p, i, 11, words=60)}
            for i, n in enumerate(own)
        ]
        shared = [f"P{p - 1}-1"] if split == "train" and p in (1, 2) else []
        people.append({"user": f"a{p}", "split": split, "papers": own[:2] + shared + own[2:]})
    write_lines(folder / "papers.jsonl.gz", records)
    write_lines(folder / "users.jsonl.gz", people)
    return folder


FOLDERS: dict[str, tuple[Callable[[Path], Path], tuple[str, ...]]] = {
    "blogs": (blogs, ("blog-post",)),
    "headlines": (headlines, ("headline",)),
    "commits": (commits, ("commit-subject",)),
    "critics": (critics, ("film-review", "film-rating")),
    "films": (films, ("movie-stars",)),
    "papers": (papers, ("paper-title",)),
}
"""Writer and tasks of every shape of folder."""

OWN_TASKS = [(shape, task) for shape, (_, tasks) in FOLDERS.items() for task in tasks]


def _lamp_question(number: int, seed: int) -> tuple[str, str]:
    """Input and output of a question."""
    body = text(seed, 20, number, words=14)
    title = text(seed, 21, number, words=5)
    tags = ["sci-fi", "comedy", "dark comedy"]
    return {
        1: (
            f'An author wrote the paper with the title "{title}". Which reference? [1]: "{text(seed, 22)}" '
            f'[2]: "{text(seed, 23)}"',
            f"[{1 + seed % 2}]",
        ),
        2: (f"Which tag? tags: [{', '.join(tags)}] description: {body}", tags[seed % 3]),
        3: (f"Which score? review: {body}", str(1 + seed % 5)),
        4: (f"A headline for the article: {body}", title),
        5: (f"A title for the abstract of a paper: {body}", title),
        7: (f"Say it again, without words before or after it: {body}", title),
    }[number]


def _lamp_item(number: int, *seed: int) -> dict[str, Any]:
    """A profile item."""
    title, body = text(*seed, number, 30, words=6), text(*seed, number, 31, words=20)
    return {
        1: {"title": title, "abstract": body},
        2: {"description": body, "tag": ["sci-fi", "comedy", "classic"][seed[-1] % 3]},
        3: {"text": body, "score": str(1 + seed[-1] % 5)},
        4: {"title": title, "text": body},
        5: {"title": title, "abstract": body},
        7: {"text": body},
    }[number]


def lamp(
    folder: Path, number: int, split: str, *, time: bool = False, questions: int = 6, outputs: bool = True
) -> Path:
    """Questions and outputs of a LaMP task in a folder.

    In the time split two questions are of one user, and profile items carry dates, the latest first.
    """
    asked, golds = [], []
    for q in range(questions):
        name = f"{split}{number}{q:02d}"
        text_in, text_out = _lamp_question(number, q)
        profile = [{"id": f"{q}{i}"} | _lamp_item(number, q // 2 if time else q, i) for i in range(6)]
        if time:
            profile = [item | {"date": f"2015-{12 - i}-0{i + 1}"} for i, item in enumerate(profile)]
        asked.append({"id": name, "input": text_in, "profile": profile} | ({"user_id": f"w{q // 2}"} if time else {}))
        golds.append({"id": name, "output": text_out})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{split}_questions.json").write_text(json.dumps(asked), encoding="utf-8")
    if outputs:
        answers = {"task": f"LaMP_{number}", "golds": golds}
        (folder / f"{split}_outputs.json").write_text(json.dumps(answers), encoding="utf-8")
    return folder


LAMP_NUMBERS = (1, 2, 3, 4, 5, 7)


def lamp_task(number: int) -> LampTask:
    """A task of LaMP's."""
    task = task_named(f"lamp-{number}")
    assert isinstance(task, LampTask)
    return task
