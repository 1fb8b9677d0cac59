"""How far a map can be trusted, as it was measured and lies in ``assets/results``. Nothing here needs a model."""

from __future__ import annotations

import json
from pathlib import Path

from persona_demo.evaluation.results import RESULTS
from persona_demo.maps.placing import PlacementError

FILE = "bench.placement.json"


def read_placement_error(plug_fingerprint: str, *, results: Path = RESULTS) -> PlacementError | None:
    """What was measured of the map of a plug; None where nothing was.

    Args:
        plug_fingerprint: SHA-256 of the plug's weights.
        results: Folder of results files.
    """
    try:
        record = json.loads((results / FILE).read_text(encoding="utf-8"))
        if record["made"]["models"]["plug"]["sha256"] != plug_fingerprint:
            return None
        return PlacementError(
            points=int(record["points"]),
            error=float(record["error"]),
            drift=float(record["drift"]),
            chance=float(record["chance"]),
            kept=float(record["kept"]),
            kept_refit=float(record["kept_refit"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        # A page does without, as it does without other figures of its plug.
        return None
