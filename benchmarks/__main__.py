"""``python -m benchmarks NAME``: run one benchmark and print its figures as JSON.

python -m benchmarks attribution    leave each of 50 history items out in turn
python -m benchmarks generation     tokens a second against transformers' generate(), arm by arm
python -m benchmarks edit           first tokens after an edit of one of 200 history items
python -m benchmarks map            3,000 people drawn, and a point moved after an edit, in a real browser
python -m benchmarks training       examples a second against the straightforward loop
"""

from __future__ import annotations

import json
import os
import sys

from benchmarks import attribution, edit, generation, map, training
from persona_demo.errors import UserError

BENCHMARKS = {
    "attribution": attribution.run,
    "edit": edit.run,
    "generation": generation.run,
    "map": map.run,
    "training": training.run,
}


def main() -> int:
    """Run the benchmark that is named."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    if len(sys.argv) != 2 or sys.argv[1] not in BENCHMARKS:
        sys.stderr.write(f"Name one benchmark: {', '.join(BENCHMARKS)}.\n")
        return 2
    try:
        figures = BENCHMARKS[sys.argv[1]]()
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
