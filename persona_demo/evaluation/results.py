"""Results files: what evaluations, sweeps and benchmarks left in ``assets/results``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from persona_demo.errors import UserError
from persona_demo.shipped import ASSETS

RESULTS = ASSETS / "results"

Record = dict[str, Any]


def read_record(path: Path) -> Record:
    """What a results file holds.

    Raises:
        UserError: If it cannot be read or holds no object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is no readable results file ({type(error).__name__}): make it anew.") from error
    if not isinstance(value, dict):
        raise UserError(f"{path} is no results file: make it anew.")
    return value
