"""One plug for several tasks."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from persona_demo.errors import UserError
from persona_demo.plug.model import PersonaPlug
from persona_demo.plug.storage import load_plug
from persona_demo.runtime import Runtime
from persona_demo.tasks import task_named
from persona_demo.training.material import Source, sources_of
from persona_demo.training.models import Models
from persona_demo.training.options import TrainOptions
from persona_demo.training.run import train_plug
from persona_demo.training.trainer import Progress
from persona_demo.wordfilter import WordFilter
from tests import folders, tiny
from tests.training import BLOG, make_models, silent, write_corpus


def two_tasks(folder: Path) -> tuple[tuple[Source, ...], Models]:
    """Two tasks with a folder each, and models for one plug."""
    tasks = [BLOG, task_named("headline")]
    sources = sources_of(tasks, [write_corpus(folder / "blogs"), folders.headlines(folder / "headlines")])
    return sources, make_models(folder, tiny.causal_lm(), tasks=("blog-post", "headline"))


def test_a_joint_plug_trains_resumes_exactly_and_serves_both_tasks(tmp_path: Path) -> None:
    sources, models = two_tasks(tmp_path)
    options = TrainOptions(steps=10, batch_size=4, warm_steps=3, check_every=5, save_every=4)

    class Killed(Exception):
        """Stands for the kill."""

    def kill(progress: Progress) -> None:
        if progress.step == 7:
            raise Killed

    def train(out: Path, progress: object, *, resume: bool = False) -> PersonaPlug:
        return train_plug(
            sources,
            out,
            models=models,
            options=options,
            resume=resume,
            report=silent,
            progress=progress,  # type: ignore[arg-type]
        )

    whole = train(tmp_path / "whole", lambda p: None)
    with pytest.raises(Killed):
        train(tmp_path / "cut", kill)
    again = train(tmp_path / "cut", lambda p: None, resume=True)
    for (name, one), other in zip(whole.state_dict().items(), again.state_dict().values(), strict=True):
        torch.testing.assert_close(one, other, msg=name)
    plug = load_plug(tmp_path / "whole")
    runtime = Runtime(lm=models.lm, plug=plug, encoder=models.encoder, atlas=None, words=WordFilter.of([]))
    for name in ("blog-post", "headline"):
        made = runtime.embed(tiny.history(items=3), runtime.task(name))
        assert (made.persona.shape, made.words.shape) == ((3, 32), (4, 32))
    card = (tmp_path / "whole" / "README.md").read_text(encoding="utf-8")
    assert "blog-post and headline" in card


def test_tasks_and_folders_are_paired() -> None:
    tasks = [BLOG, task_named("headline")]
    assert [s.data.name for s in sources_of(tasks, [Path("a"), Path("b")])] == ["a", "b"]
    assert [s.data.name for s in sources_of(tasks, [Path("a")])] == ["a", "a"]
    with pytest.raises(UserError, match="one for each"):
        sources_of(tasks, [Path("a"), Path("b"), Path("c")])
    with pytest.raises(UserError, match="twice"):
        sources_of([BLOG, BLOG], [Path("a")])
