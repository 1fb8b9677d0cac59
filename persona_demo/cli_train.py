"""Flags of the commands that make plugs: train, sweep, plug.

A flag for every switch of a plug's form and of its training, made from the fields themselves, so that
no switch can be forgotten here.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from persona_demo import commands_train
from persona_demo.plug.config import PlugConfig
from persona_demo.tasks import TASKS
from persona_demo.training.options import TrainOptions
from persona_demo.training.presets import PRESETS

Command = Callable[[str, str], argparse.ArgumentParser]
"""Adds a command (name, text) and gives its parser."""

FORM = tuple(f for f in fields(PlugConfig) if "help" in f.metadata)
OPTIONS = tuple(f for f in fields(TrainOptions) if "help" in f.metadata)


def seed(text: str) -> int:
    """A seed from the command line."""
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is no seed: give a whole number from 0")
    return int(text)


def add_train(command: Command) -> None:
    """``train``."""
    train = command("train", "train a plug, the language model untouched")
    _what(train, several=True)
    train.add_argument("--out", type=Path, required=True, help="where the plug goes")
    train.add_argument("--preset", choices=tuple(PRESETS), default="classroom", help="what is not said otherwise")
    train.add_argument(
        "--resume", action="store_true", help="go on from the last checkpoint in --out, also to more --steps"
    )
    start = train.add_mutually_exclusive_group()
    start.add_argument("--words-from", type=Path, help="a trained plug whose maps of own words this one begins with")
    start.add_argument(
        "--begin-with", type=Path, help="a trained plug to go on with, its control too: of this data, its form is kept"
    )
    _memory(train)
    _models(train)
    group = train.add_argument_group("form of the plug", "in brackets what classroom and paper choose")
    _switches(group, PlugConfig, FORM, {name: preset.form for name, preset in PRESETS.items()})
    group = train.add_argument_group("training", "in brackets what classroom and paper choose")
    _switches(group, TrainOptions, OPTIONS, {name: preset.options for name, preset in PRESETS.items()})
    train.set_defaults(run=commands_train.train)


def add_sweep(command: Command) -> None:
    """``sweep``."""
    sweep = command("sweep", "train a plug for each switch on a small budget, and measure what it bought")
    _what(sweep, several=False)
    sweep.add_argument("--out", type=Path, required=True, help="where tables, figures and checkpoints go")
    sweep.add_argument("--steps", type=int, default=400, help="optimiser steps of each variant")
    sweep.add_argument("--warm-steps", type=int, default=100, help="steps at the start in which plugs are the control")
    sweep.add_argument("--batch-size", type=int, default=16, help="examples a step")
    sweep.add_argument("--people", type=int, default=100, help="tune people the figures are of, at most")
    sweep.add_argument("--targets-per-user", type=int, default=4, help="texts of each, at most")
    sweep.add_argument("--only", help="names of variants, by commas; the base is always among them (default: all)")
    sweep.add_argument("--seed", type=seed, default=0, help="of everything drawn")
    _memory(sweep)
    _models(sweep)
    sweep.set_defaults(run=commands_train.sweep)


def add_plug(command: Command) -> None:
    """``plug push``, ``plug pull`` and ``plug card``; the command is that of the inner parsers."""
    push = command("push", "put a plug's folder on the Hugging Face hub")
    push.add_argument("folder", type=Path, help="the plug's folder")
    push.add_argument("repo", help="hub id, such as name/plug")
    push.add_argument("--private", action="store_true", help="where the repository is made anew: for yourself alone")
    push.set_defaults(run=commands_train.push)
    pull = command("pull", "get a plug from the Hugging Face hub")
    pull.add_argument("repo", help="hub id, such as name/plug")
    pull.set_defaults(run=commands_train.pull)
    card = command("card", "put figures of 'evaluate --json' into a plug's model card")
    card.add_argument("folder", type=Path, help="the plug's folder")
    card.add_argument("results", type=Path, nargs="+", help="files that 'evaluate --out' wrote")
    card.set_defaults(run=commands_train.card)


def _what(command: argparse.ArgumentParser, *, several: bool) -> None:
    more = ", or several by commas for one plug" if several else ""
    each = ", one for each task by commas or one for all" if several else ""
    command.add_argument("--task", default="blog-post", help=f"one of {', '.join(TASKS)}{more}")
    command.add_argument("--data", required=True, help=f"corpus folder with splits train and tune{each}")


def _memory(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--prefix-memory",
        type=float,
        metavar="GIB",
        help="for inputs that were read, for when they come again (default: 2)",
    )


def _models(command: argparse.ArgumentParser) -> None:
    command.add_argument("--lm", help="hub id or folder of the frozen LM, where not the preset's")
    command.add_argument("--encoder", help="hub id or folder of the sentence encoder, where not the preset's")
    command.add_argument(
        "--dtype",
        choices=("auto", "float32", "bfloat16"),
        default="auto",
        help="precision of the frozen models; auto: bfloat16 where the device has units for it",
    )


def _switches(group: Any, owner: type, among: tuple[Field[Any], ...], presets: Mapping[str, Mapping[str, Any]]) -> None:
    """A flag for each field; left out, it is as if it had not been named."""
    hints = get_type_hints(owner)
    for f in among:
        chosen = [_said(preset.get(f.name, f.default)) for preset in presets.values()]
        text = f"{f.metadata['help']} [{'; '.join(chosen)}]"
        settings: dict[str, Any] = {"dest": f.name, "default": argparse.SUPPRESS, "help": text}
        flag, kind = f"--{f.name.replace('_', '-')}", hints[f.name]
        if kind is bool:
            group.add_argument(flag, action=argparse.BooleanOptionalAction, **settings)
        elif get_origin(kind) is Literal:
            group.add_argument(flag, choices=get_args(kind), **settings)
        elif get_origin(kind) is tuple:
            group.add_argument(flag, type=_names, **settings)
        else:
            group.add_argument(flag, type=kind, metavar=kind.__name__.upper(), **settings)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _said(value: object) -> str:
    if value is MISSING or isinstance(value, bool):
        return "yes" if value is True else "no"
    if isinstance(value, tuple):
        return "+".join(map(str, value))
    return repr(value) if isinstance(value, str) and (not value or " " in value) else str(value)
