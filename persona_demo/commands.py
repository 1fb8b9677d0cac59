"""What each command does: parsed words in, functions of the project called, text or JSON out.

Heavy libraries are imported inside the commands that need them, so that help and errors are instant.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from persona_demo.files import whole
from persona_demo.terminal import ProgressLine, quiet_libraries
from persona_demo.terminal import document as _document
from persona_demo.terminal import say as _print

if TYPE_CHECKING:
    from persona_demo.answers import ArmText
    from persona_demo.maps.atlas import Atlas
    from persona_demo.runtime import Runtime
    from persona_demo.tasks import TaskName


def runtime_of(
    arguments: argparse.Namespace, report: ProgressLine, *, atlas: bool = False, plug: Path | None = None
) -> Runtime:
    """The models and the plug that were named on the command line."""
    quiet_libraries()
    from persona_demo.runtime import Runtime
    from persona_demo.shipped import atlas_of
    from persona_demo.tasks import task_named

    plug = plug or plug_folder_of(arguments, report)
    runtime = Runtime.load(
        plug_folder=plug,
        atlas_folder=atlas_of(plug, task_named(arguments.task).name) if atlas else None,
        lm=arguments.lm,
        encoder=arguments.encoder,
        engine=arguments.engine,
        report=report,
    )
    if runtime.variant_notice:
        sys.stderr.write(f"{runtime.variant_notice}\n")
    return runtime


def plug_folder_of(arguments: argparse.Namespace, report: ProgressLine) -> Path:
    """The folder of the plug that was named, which may be on the hub, or of the shipped one for the task."""
    from persona_demo.plug.hub import find_plug
    from persona_demo.plug.storage import read_config
    from persona_demo.shipped import plug_for
    from persona_demo.tasks import task_named

    # What cannot be served is told before anything is fetched or loaded.
    task = task_named(arguments.task)
    plug = plug_for(task.name) if arguments.plug is None else find_plug(arguments.plug, report=report)
    read_config(plug).require(task.name)
    return plug


def models(arguments: argparse.Namespace) -> None:
    """``models fetch | list``."""
    from persona_demo.catalog import models as catalog

    report = ProgressLine()
    if arguments.action == "fetch":
        quiet_libraries()
        catalog.fetch_all(source=arguments.source, report=report)
        report.close()
    found = catalog.local_models()
    if arguments.json:
        _print(_document({"models": [{k: _plain(v) for k, v in dataclasses.asdict(f).items()} for f in found]}))
    elif not found:
        _print("No model is here yet: run 'python -m persona_demo models fetch'.")
    else:
        for it in found:
            _print(f"{it.name}  ({it.variant}, SHA-256 {it.fingerprint[:12]})\n    {it.folder}")


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Path) else value


def generate(arguments: argparse.Namespace) -> None:
    """``generate``: arms side by side."""
    from persona_demo.arms import ARMS, KNOWN, arms_named
    from persona_demo.history_io import load_history
    from persona_demo.lm.decode import DecodeOptions
    from persona_demo.samples import strangers

    named = [name.strip() for name in arguments.arms.split(",")]
    arms = arms_named([*KNOWN, *ARMS] if named == ["all"] else named)
    options = DecodeOptions(
        max_new_tokens=arguments.max_new_tokens, temperature=arguments.temperature, seed=arguments.seed
    )
    history = load_history(arguments.history)
    report = ProgressLine()
    placebo = any(":" in arm.name for arm in arms)
    runtime = runtime_of(arguments, report, atlas=placebo)
    task = runtime.task(arguments.task)
    # Somebody whose texts are here is read as the person is; of the map's people there are only vectors.
    others = strangers(task) if placebo else ()
    inputs = runtime.arm_inputs(history, task, arguments.prompt, seed=arguments.seed, others=others)
    written: tuple[ArmText, ...] = ()
    for written in runtime.compare(
        inputs,
        arms,
        strength=arguments.strength,
        options=options,
        allow_listed_words=arguments.allow_listed_words,
    ):
        report("writing", max(len(w.written.tokens) for w in written) / options.max_new_tokens)
    report.close()
    if arguments.json:
        record = {
            "task": task.name,
            "prompt": inputs.input_text,
            "strength": arguments.strength,
            "engine": runtime.lm.info.engine,
            "arms": [text.told() for text in written],
        }
        _print(_document(record))
        return
    opening = task.prompt(arguments.prompt).opening
    for arm, text in zip(arms, written, strict=True):
        cost = f"{len(text.written.tokens)} tokens, {text.written.total_ms:.0f} ms, prompt {text.prompt_tokens} tokens"
        vectors = f" and {text.soft_vectors} soft vectors" if text.soft_vectors else ""
        _print(f"{arm.title} [{arm.name}] - {cost}{vectors}\n    {opening}{text.written.text}\n")


def embed(arguments: argparse.Namespace) -> None:
    """``embed``: what the plug makes of a person."""
    from persona_demo.history_io import load_history

    history = load_history(arguments.history)
    report = ProgressLine()
    runtime = runtime_of(arguments, report)
    made = runtime.embed(history, runtime.task(arguments.task), query=arguments.query)
    report.close()
    if arguments.json:
        _print(_document(made.told(history.active)))
        return
    _print(f"{history.name}: {len(made.persona)} persona vectors of {made.persona.shape[1]} figures.")
    weights = zip(history.active, made.weights.tolist(), strict=True)
    for item, weight in sorted(weights, key=lambda pair: -pair[1]):
        _print(f"{weight:7.1%}  {item.id:>6}  {' '.join(item.text.split())[:80]}")


def evaluate(arguments: argparse.Namespace) -> None:
    """``evaluate``: figures of a split."""
    from persona_demo.corpora.convert import write_predictions
    from persona_demo.corpus import split_named
    from persona_demo.evaluation.run import EvaluateOptions, read_subjects
    from persona_demo.evaluation.strengths import strengths_named
    from persona_demo.tasks import task_named

    strengths = strengths_named(arguments.strengths)
    options = EvaluateOptions(
        arms=tuple(name.strip() for name in arguments.arms.split(",")),
        users=arguments.users,
        targets_per_user=arguments.targets_per_user,
        seed=arguments.seed,
        strength=arguments.strength,
        metrics=arguments.metrics or arguments.predictions is not None,
        attribution=arguments.attribution,
        cold_start=arguments.cold_start,
        reference=arguments.reference,
    )
    task, split = task_named(arguments.task), split_named(arguments.split)
    report = ProgressLine()
    plug = plug_folder_of(arguments, report)
    subjects = read_subjects(arguments.data, split, task, plug=plug, report=report)
    runtime = runtime_of(arguments, report, plug=plug)
    from persona_demo.evaluation.provenance import provenance
    from persona_demo.evaluation.record import people_of, record_of, strength_of, table_of
    from persona_demo.evaluation.run import evaluate as measure
    from persona_demo.evaluation.strengths import at_strengths

    dialled = at_strengths(runtime, runtime.task(task.name), subjects, options, strengths, report=report)
    made = measure(runtime, runtime.task(task.name), subjects, options, report=report)
    report.close()
    record = record_of(
        made,
        options,
        task=task.name,
        split=split,
        plug=plug.name,
        engine=runtime.lm.info.engine,
        compare=arguments.compare,
    )
    if dialled:
        record["strengths"] = [strength_of(one) for one in dialled]
    if arguments.out is not None:
        record["people"] = people_of(made)
        record["made"] = provenance(
            arguments.words,
            program="python -m persona_demo",
            plug=plug,
            lm=runtime.lm.info,
            data=arguments.data,
        )
        record["made"] |= {"leakage": subjects.compared} | ({"twins": subjects.twins} if subjects.twins else {})
    # Told before anything is written: a full disk must not take the figures of hours along.
    _print(_document(record) if arguments.json else table_of(record, made, dialled))
    if arguments.predictions is not None:
        write_predictions(arguments.predictions, task, {arm.arm: arm.answers or {} for arm in made.arms})
    if arguments.out is not None:
        with whole(arguments.out) as draft:
            draft.write_text(_document(record) + "\n", encoding="utf-8")


def results(arguments: argparse.Namespace) -> None:
    """``results``: the tables of README and shipped cards from the results files."""
    from persona_demo.evaluation.plug_figures import check_weights
    from persona_demo.evaluation.readme import README, write_tables
    from persona_demo.evaluation.results import RESULTS
    from persona_demo.shipped import shipped_plugs
    from persona_demo.training.card import write_figures

    check_weights()
    changed = [README.name] if write_tables(check=arguments.check) else []
    served = shipped_plugs()
    for plug in sorted(set(served.values())):
        files = [path for task, own in served.items() if own == plug for path in RESULTS.glob(f"{task}.dev*.json")]
        if write_figures(plug, sorted(files), check=arguments.check):
            changed.append(f"the card of {plug.name}")
    said = f"New tables: {', '.join(changed)}." if changed else "README and cards show the figures of the results."
    _print(_document({"changed": changed}) if arguments.json else said)


def atlas(arguments: argparse.Namespace) -> None:
    """``atlas build``: the map of the population a plug was trained on; several processes may encode it."""
    from persona_demo.training.processes import find_processes

    processes = find_processes()
    report = ProgressLine(shown=processes.rank == 0)
    plug = plug_folder_of(arguments, report)
    runtime = runtime_of(arguments, report, plug=plug)
    from persona_demo.shipped import atlas_of, shipped_plugs
    from persona_demo.training.maps import maps_of

    task = runtime.task(arguments.task)
    folder = arguments.out or atlas_of(plug, task.name)
    made = maps_of(
        runtime,
        task,
        arguments.data,
        plug,
        seed=arguments.seed,
        report=report,
        processes=processes,
    )
    if made is None:
        return
    made.save(folder)
    if arguments.out is None:
        _task_map(plug, seed=arguments.seed, report=report)
    # An example is made only for the page that will show it.
    if arguments.out is None and shipped_plugs().get(task.name) == plug.resolve():
        _showcase(runtime, made.people, plug, task.name, report)
    report.close()
    people, items = len(made.people.ids), 0 if made.items is None else len(made.items.people)
    record = {"atlas": str(folder), "people": people, "items": items}
    _print(_document(record) if arguments.json else f"Maps of {people:,} people and {items:,} items are in {folder}.")


def _task_map(plug: Path, *, seed: int, report: ProgressLine) -> None:
    """Make the map of a plug's tasks anew, as far as their maps of people are there."""
    from persona_demo.maps.task_map import build_task_map
    from persona_demo.plug.storage import read_config
    from persona_demo.runtime import matching_atlas
    from persona_demo.shipped import atlas_of, task_map_of

    found = {task: matching_atlas(atlas_of(plug, task), plug) for task in read_config(plug).tasks}
    there: dict[str, Atlas] = {task: atlas for task, atlas in found.items() if atlas is not None}
    if len(there) > 1:
        build_task_map(there, seed=seed, report=report).save(task_map_of(plug))


def _showcase(runtime: Runtime, atlas: Atlas, plug: Path, task: TaskName, report: ProgressLine) -> None:
    """Make the example of a task's page anew: it shows the plug and the map that ship."""
    from persona_demo.plug.storage import plug_fingerprint
    from persona_demo.runtime import Runtime
    from persona_demo.samples import load_openings, load_samples
    from persona_demo.showcase import FIRST_PERSON, FIRST_STRENGTH, build_showcase, save_showcase, showcase_of

    samples, openings = load_samples(task), load_openings(task)
    if not samples or not openings:
        return
    whole = Runtime(lm=runtime.lm, plug=runtime.plug, encoder=runtime.encoder, atlas=atlas, words=runtime.words)
    made = build_showcase(
        whole,
        samples,
        person=FIRST_PERSON.get(task, samples[0].slug),
        opening=openings[0],
        plug_fingerprint=plug_fingerprint(plug),
        task=task,
        strength=FIRST_STRENGTH.get(task, 1.0),
        report=report,
    )
    save_showcase(made, showcase_of(task))
