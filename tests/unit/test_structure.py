"""The house rules that a test can hold: layers, pickles, sizes, words that must not be there."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pages import FOREIGN

ROOT = Path(__file__).resolve().parents[2]
WIDGETS = sorted((ROOT / "persona_demo" / "ui").rglob("*.html"))
SCRIPTS = sorted((ROOT / "persona_demo" / "ui" / "widgets").glob("*.js"))
CORE = sorted(p for p in (ROOT / "persona_demo").rglob("*.py") if "ui" not in p.relative_to(ROOT).parts)


def imports(path: Path) -> set[str]:
    """Top-level names of everything a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("path", CORE, ids=lambda p: str(p.relative_to(ROOT)))
def test_the_core_knows_nothing_of_the_app(path: Path) -> None:
    assert not any(name.split(".")[0] == "gradio" or name.startswith("persona_demo.ui") for name in imports(path))


@pytest.mark.parametrize("path", CORE, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_loads_what_could_run_code(path: Path) -> None:
    assert not imports(path) & {"pickle", "joblib", "dill", "shelve", "marshal"}
    text = path.read_text(encoding="utf-8")
    assert "torch.load" not in text
    assert "trust_remote_code=True" not in text


@pytest.mark.parametrize("module", ["views", "words", "shelf", "state", "loading", "lesson_steps"])
def test_views_are_free_of_gradio(module: str) -> None:
    assert not any(name.split(".")[0] == "gradio" for name in imports(ROOT / "persona_demo" / "ui" / f"{module}.py"))


@pytest.mark.parametrize("template", WIDGETS, ids=lambda p: p.name)
def test_templates_say_nothing_about_a_task(template: Path) -> None:
    # They are shared by the pages of all tasks, whose words come with the values.
    assert not FOREIGN.search(re.sub(r'(class|id)="[^"]*"', "", template.read_text(encoding="utf-8")))


def test_help_and_errors_of_the_command_line_load_no_heavy_library() -> None:
    code = "import sys, persona_demo.cli; print([m for m in ('torch', 'transformers', 'gradio') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_what_ships_is_small_enough_for_a_space() -> None:
    files = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    sizes = {name: (ROOT / name).stat().st_size for name in files.split("\0") if name and (ROOT / name).is_file()}
    assert max(sizes.values()) < 9 * 1024**2


@pytest.mark.parametrize("path", [p for p in SCRIPTS if p.name != "common.js"], ids=lambda p: p.name)
def test_a_widget_declares_nothing_that_all_widgets_share(path: Path) -> None:
    # They are joined to one script, which a name declared twice keeps from running at all.
    ours, shared = (
        set(re.findall(r"^(?:const|let|function) (\w+)", p.read_text(encoding="utf-8"), re.MULTILINE))
        for p in (path, path.with_name("common.js"))
    )
    assert shared and not ours & shared
