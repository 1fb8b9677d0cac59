"""Set up and start: the two commands of the README, with nothing but Python 3 and pip.

    python3 run.py app      make the environment, install, fetch the models, open the app
    python3 run.py check    make the environment, install, run every check and test

Both can be run again at any time: what is done is not done twice. Arguments after ``check`` go to pytest.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
MADE = ENVIRONMENT / "made"
OLDEST = (3, 11)


def run(*words: str) -> None:
    """Run a command from the project's folder; stop with its status if it fails."""
    sys.stderr.write(f"$ {' '.join(Path(w).name if w == str(PYTHON) else w for w in words)}\n")
    status = subprocess.run(words, cwd=ROOT, check=False).returncode
    if status != 0:
        sys.exit(status)


def install(requirements: str) -> None:
    """Make the environment and install, unless exactly this was installed before."""
    wanted = b"".join((ROOT / name).read_bytes() for name in ("requirements.txt", requirements, "constraints.txt"))
    stamp = ENVIRONMENT / f"{requirements}.sha256"
    digest = hashlib.sha256(wanted).hexdigest()
    if MADE.is_file() and stamp.is_file() and stamp.read_text() == digest:
        return
    if not MADE.is_file():
        sys.stderr.write("Making the environment in .venv\n")
        # What a kill left half made is made anew.
        try:
            venv.create(ENVIRONMENT, with_pip=True, clear=True)
        except subprocess.CalledProcessError:
            sys.exit("Python came without the module that environments are made with: install python3-venv, try again.")
        MADE.touch()
    run(str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "-r", requirements, "-c", "constraints.txt")
    stamp.write_text(digest)


def app() -> None:
    """Everything up to the open app."""
    install("requirements.txt")
    run(str(PYTHON), "-m", "persona_demo", "models", "fetch")
    run(str(PYTHON), "app.py")


def check(arguments: list[str]) -> None:
    """Lint, types, tests, and that the README's tables are those of the results."""
    install("requirements-dev.txt")
    run(str(PYTHON), "-m", "ruff", "check", ".")
    run(str(PYTHON), "-m", "ruff", "format", "--check", ".")
    run(str(PYTHON), "-m", "mypy")
    run(str(PYTHON), "-m", "persona_demo", "results", "--check")
    # A module stays in one process, because its tests share an app.
    parallel = ("-n", "logical", "--maxprocesses", "4", "--dist", "loadscope")
    run(str(PYTHON), "-m", "pytest", *parallel, *arguments)


def main() -> None:
    """Do what was asked for."""
    if sys.version_info < OLDEST:
        sys.exit(f"Python {OLDEST[0]}.{OLDEST[1]} or later is needed, and this is {sys.version.split()[0]}.")
    match sys.argv[1:]:
        case ["app"]:
            app()
        case ["check", *arguments]:
            check(arguments)
        case _:
            sys.exit("Use 'python3 run.py app' or 'python3 run.py check'.")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
