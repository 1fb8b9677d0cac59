"""What the commands do that make plugs: ``train``, ``sweep``, and ``plug push``, ``pull`` and ``card``."""

from __future__ import annotations

import argparse
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from persona_demo.errors import UserError
from persona_demo.terminal import ProgressLine, document, quiet_libraries, say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from persona_demo.plug.config import PlugConfig
    from persona_demo.tasks import Task
    from persona_demo.training.models import Models
    from persona_demo.training.options import TrainOptions
    from persona_demo.training.presets import Preset
    from persona_demo.training.trainer import Progress

PROGRESS_STEPS = 10
"""Steps between two reports."""
MOST_MEMORY = 2**20
"""GiB that no machine has."""


def train(arguments: argparse.Namespace) -> None:
    """``train``: a plug for one or several tasks; under ``accelerate launch`` by several processes."""
    from persona_demo.plug.config import PlugConfig
    from persona_demo.tasks import task_named
    from persona_demo.training.options import TrainOptions
    from persona_demo.training.presets import PRESETS

    preset = PRESETS[arguments.preset]
    form = {**preset.form, **_given(arguments, PlugConfig)}
    switches = {**preset.options, **_given(arguments, TrainOptions)}
    if arguments.begin_with is not None:
        form = _form_of(arguments)
        if hasattr(arguments, "warm_steps"):
            raise UserError("With --begin-with plug and control have parted: leave --warm-steps away.")
        switches["warm_steps"] = 0
    options = TrainOptions(**switches)
    tasks = [task_named(name.strip()) for name in arguments.task.split(",")]
    quiet_libraries()
    memory = _prefix_bytes(arguments)
    from persona_demo.training.material import sources_of
    from persona_demo.training.processes import find_processes
    from persona_demo.training.run import train_plug
    from persona_demo.training.start import Start

    start: Start | None = None
    if arguments.begin_with is not None:
        start = Start(arguments.begin_with, "everything")
    elif arguments.words_from is not None:
        start = Start(arguments.words_from, "words")
    sources = sources_of(tasks, _folders(arguments.data))
    processes = find_processes()
    first = processes.rank == 0
    report = ProgressLine(shown=first)

    def progress(p: Progress) -> None:
        if p.step % PROGRESS_STEPS == 0:
            report(_progress_text(p))

    if processes.count > 1:
        report(f"training in {processes.count} processes")
    models = _load(arguments, preset, tasks, form, report)
    train_plug(
        sources,
        arguments.out,
        models=models,
        options=options,
        resume=arguments.resume,
        report=report,
        progress=progress,
        start=start,
        prefix_bytes=memory,
        processes=processes,
    )
    if first:
        report.close()
        say(document({"plug": str(arguments.out)}) if arguments.json else f"The plug is in {arguments.out}.")


def _form_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """Switches of the plug that is gone on with."""
    from persona_demo.plug.config import PlugConfig
    from persona_demo.plug.storage import read_config

    if given := _given(arguments, PlugConfig):
        flag = f"--{next(iter(given)).replace('_', '-')}"
        raise UserError(f"With --begin-with the form is that of the plug gone on with: leave {flag} away.")
    config = read_config(arguments.begin_with)
    return {f.name: getattr(config, f.name) for f in fields(PlugConfig) if "help" in f.metadata}


def _prefix_bytes(arguments: argparse.Namespace) -> int:
    """Memory for inputs that the frozen LM has read."""
    from persona_demo.lm.differentiable import PREFIX_BYTES

    gib: float | None = arguments.prefix_memory
    if gib is None:
        return PREFIX_BYTES
    if not 0 <= gib < MOST_MEMORY:
        raise UserError(f"--prefix-memory is {gib:g}: give GiB, from 0 on.")
    return round(gib * 1024**3)


def _given(arguments: argparse.Namespace, owner: type[PlugConfig] | type[TrainOptions]) -> dict[str, Any]:
    """Switches that were named on the command line."""
    return {f.name: getattr(arguments, f.name) for f in fields(owner) if hasattr(arguments, f.name)}


def _load(
    arguments: argparse.Namespace, preset: Preset, tasks: Sequence[Task], form: Mapping[str, Any], report: Any
) -> Models:
    from persona_demo.catalog import models as catalog
    from persona_demo.lm.torch_engine import choose_device
    from persona_demo.training.models import load_models

    device = choose_device()
    if arguments.dtype != "auto":
        device = replace(device, dtype=arguments.dtype, reason=f"{device.name}, {arguments.dtype} as asked for")
    return load_models(
        tasks,
        lm=arguments.lm or preset.lm or catalog.DEFAULT_LM,
        encoder=arguments.encoder or preset.encoder or catalog.DEFAULT_ENCODER,
        form=form,
        report=report,
        device=device,
    )


def _folders(text: str) -> list[Path]:
    """Folders by commas; one whose name has a comma is itself."""
    return [Path(text)] if Path(text).is_dir() else [Path(name.strip()) for name in text.split(",")]


def _progress_text(p: Progress) -> str:
    pace = f"{p.examples_per_second:.1f} examples/s  {p.seconds_left / 60:.0f} min left"
    if p.trains == "control":
        return f"the control, step {p.step:,}/{p.steps:,}  loss {p.control_nll:.3f}  {pace}, then the plug as long"
    control = f" (control {p.control_nll:.3f})" if p.trains == "both" else ""
    gap = "not yet measured" if p.placebo_gap is None else f"{p.placebo_gap[0]:.3f} ± {p.placebo_gap[1]:.3f}"
    lift = "" if p.lift is None else f"  lift {p.lift:+.3f}"
    return f"step {p.step:,}/{p.steps:,}  loss {p.persona_nll:.3f}{control}  placebo gap {gap}{lift}  {pace}"


def sweep(arguments: argparse.Namespace) -> None:
    """``sweep``: one change at a time, on a small budget."""
    from persona_demo.tasks import task_named
    from persona_demo.training.options import TrainOptions
    from persona_demo.training.presets import PRESETS
    from persona_demo.training.variants import chosen

    task = task_named(arguments.task)
    variants = chosen(arguments.only)
    options = TrainOptions(
        steps=arguments.steps,
        warm_steps=arguments.warm_steps,
        batch_size=arguments.batch_size,
        seed=arguments.seed,
        check_every=0,
    )
    if arguments.people < 2:
        raise UserError(f"--people is {arguments.people}: use 2 or more.")
    if arguments.targets_per_user < 1:
        raise UserError(f"--targets-per-user is {arguments.targets_per_user}: use 1 or more.")
    quiet_libraries()
    memory = _prefix_bytes(arguments)
    from persona_demo.evaluation.provenance import command_line, commit, data_digest
    from persona_demo.training.material import Source
    from persona_demo.training.sweep import Sweep
    from persona_demo.training.tables import table

    report = ProgressLine()
    models = _load(arguments, PRESETS["classroom"], [task], {}, report)
    data, config = Path(arguments.data), models.config
    origin = {
        "command": command_line(arguments.words, program="python -m persona_demo"),
        "commit": commit(),
        "models": {
            "lm": {"name": config.lm_name, "sha256": config.lm_fingerprint},
            "encoder": {"name": config.encoder_name, "sha256": config.encoder_fingerprint},
        },
        "device": models.lm.info.device,
        "data": {"name": data.name, "sha256": data_digest(data)},
    }
    made = Sweep(
        Source(task, data),
        arguments.out,
        models=models,
        options=options,
        variants=variants,
        people=arguments.people,
        targets=arguments.targets_per_user,
        report=report,
        made=origin,
        prefix_bytes=memory,
    ).run()
    report.close()
    say(document(made) if arguments.json else table(made))


def push(arguments: argparse.Namespace) -> None:
    """``plug push``: to the hub."""
    from persona_demo.plug.hub import push_to_hub

    page = push_to_hub(arguments.folder, arguments.repo, private=arguments.private)
    say(document({"repo": arguments.repo, "page": page}) if arguments.json else f"The plug is on {page}.")


def pull(arguments: argparse.Namespace) -> None:
    """``plug pull``: from the hub, the newest there is."""
    quiet_libraries()
    from persona_demo.plug.hub import fetch_plug

    report = ProgressLine()
    folder = fetch_plug(arguments.repo, report=report, again=True)
    report.close()
    record = {"repo": arguments.repo, "plug": str(folder)}
    say(document(record) if arguments.json else f"The plug is in {folder}; --plug {arguments.repo} uses it.")


def card(arguments: argparse.Namespace) -> None:
    """``plug card``: figures into a model card."""
    from persona_demo.training.card import own_results, write_figures

    own = own_results(arguments.folder, arguments.results)
    if not own:
        raise UserError(f"No file is about the weights in {arguments.folder}: name files of this plug's evaluations.")
    write_figures(arguments.folder, arguments.results)
    path = arguments.folder / "README.md"
    record = {"card": str(path), "results": len(own)}
    say(document(record) if arguments.json else f"The figures are in {path}.")
