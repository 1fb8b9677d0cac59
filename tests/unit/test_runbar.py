"""What a measurement says while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from persona_demo.ui.inside.runbar import at_last_entire


def test_the_last_answer_says_everything_once_more() -> None:
    def run(count: int) -> Iterator[dict[Any, Any]]:
        for at in range(count):
            yield {"table": at, "status": f"{at} of {count}"}
        yield {"status": "done"}

    *before, last = at_last_entire(run)(2)
    assert before == [*run(2)]
    assert last == {"table": 1, "status": "done"}


def test_what_is_stopped_is_closed_at_once() -> None:
    closed = []

    def run() -> Iterator[dict[Any, Any]]:
        try:
            yield {"table": 0}
            yield {"table": 1}
        finally:
            closed.append(True)

    stream = at_last_entire(run)()
    assert next(stream) == {"table": 0} and not closed
    del stream
    assert closed
