"""Batches: cuts of histories, parts for several processes, and rivals."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from persona_demo.plug.model import PersonaPlug
from persona_demo.training.data import Examples
from persona_demo.training.options import TrainOptions
from tests.training import setting


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> tuple[Examples, PersonaPlug]:
    """Examples of a tiny corpus and the plug they are for."""
    trainer, _, _ = setting(tmp_path_factory.mktemp("examples"), options=TrainOptions(steps=9, warm_steps=2))
    return trainer.examples["blog-post"], trainer.plug


def test_cuts_keep_parts_of_the_history_in_order(examples: tuple[Examples, PersonaPlug]) -> None:
    found, _ = examples
    indices = list(range(len(found.targets))) * 8
    whole = [found.targets[i].history for i in indices]
    for subsampling in ("any", "paper", "none"):
        cuts = found.cut(indices, np.random.default_rng(0), subsampling=subsampling)  # type: ignore[arg-type]
        for cut, history in zip(cuts, whole, strict=True):
            assert 1 <= len(cut.kept) <= len(history)
            assert cut.kept.tolist() == sorted(cut.kept.tolist()) and set(cut.kept.tolist()) <= set(history)
        shares = np.array([len(c.kept) / len(h) for c, h in zip(cuts, whole, strict=True)])
        whole_share = (shares == 1).mean()
        assert {"any": 0.4 < whole_share < 0.7, "paper": whole_share < 0.2, "none": whole_share == 1}[subsampling]
        if subsampling == "paper":
            least = np.array([(len(h) - 1 - int(0.5 * len(h))) / len(h) for h in whole])
            assert (shares >= least - 1e-9).all()
    again = found.cut(indices, np.random.default_rng(0))
    assert [c.kept.tolist() for c in again] == [c.kept.tolist() for c in found.cut(indices, np.random.default_rng(0))]


def test_a_part_of_a_batch_is_the_same_rows_of_the_whole(examples: tuple[Examples, PersonaPlug]) -> None:
    found, plug = examples
    indices, rng = found.draw(3, size=6, seed=0)
    cuts = found.cut(indices, rng)
    whole = found.batch(indices, plug, cuts=cuts, rivals=4)
    parts = [found.batch(indices, plug, cuts=cuts, rows=rows, rivals=4) for rows in (range(0, 3), range(3, 6))]
    assert parts[0].targets + parts[1].targets == whole.targets
    torch.testing.assert_close(torch.cat([p.query for p in parts]), whole.query, atol=1e-5, rtol=1e-4)
    assert [int(p) for part in parts for p in part.present.sum(1)] == whole.present.sum(1).tolist()
    assert whole.rivals is not None and parts[0].rivals is not None and parts[1].rivals is not None
    assert parts[0].rivals.rows == (0, 1, 2) and parts[1].rivals.rows == (0,)
    assert whole.rivals.rows == (0, 1, 2, 3)
    kept = parts[1].rivals.present.sum(1)[0]
    torch.testing.assert_close(parts[1].rivals.items[0, :kept], whole.rivals.items[3, :kept], atol=1e-5, rtol=1e-4)


def test_rivals_are_other_people_of_the_batch(examples: tuple[Examples, PersonaPlug]) -> None:
    found, plug = examples
    same = [i for i, t in enumerate(found.targets) if t.person == found.targets[0].person][:3]
    assert found.batch(same, plug, rivals=3).rivals is None
    other = next(i for i, t in enumerate(found.targets) if t.person != found.targets[0].person)
    mixed = found.batch([*same, other], plug, rivals=2)
    assert mixed.rivals is not None
    theirs = found.batch([other], plug)
    for row in range(2):
        torch.testing.assert_close(mixed.rivals.items[row], theirs.items[0])
