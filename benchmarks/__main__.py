"""``python -m benchmarks NAME [--out FILE]``: run one benchmark and print its figures as JSON.

With ``--out`` they are also written to a file, with what it takes to repeat them.

python -m benchmarks attribution    leave each of 50 history items out in turn
python -m benchmarks generation     tokens a second against transformers' generate(), arm by arm
python -m benchmarks edit           first tokens after an edit of one of 200 history items
python -m benchmarks map            3,000 people drawn, and a point moved after an edit, in a real browser
python -m benchmarks placement      people placed on the frozen map against a refit of it
python -m benchmarks training       examples a second against the straightforward loop
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from benchmarks import attribution, edit, generation, map, placement, training
from persona_demo.errors import UserError
from persona_demo.evaluation.provenance import provenance
from persona_demo.files import whole
from persona_demo.shipped import DEFAULT_PLUG

BENCHMARKS = {
    "attribution": attribution.run,
    "edit": edit.run,
    "generation": generation.run,
    "map": map.run,
    "placement": placement.run,
    "training": training.run,
}


def main() -> int:
    """Run the benchmark that is named."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Run one benchmark.")
    parser.add_argument("name", choices=BENCHMARKS, help="which")
    parser.add_argument("--out", type=Path, help="also write the figures here, with what it takes to repeat them")
    arguments = parser.parse_args()
    try:
        figures = dict(BENCHMARKS[arguments.name]())
        if arguments.out is not None:
            made = provenance(sys.argv[1:], program="python -m benchmarks", plug=DEFAULT_PLUG)
            with whole(arguments.out) as draft:
                draft.write_text(json.dumps(figures | {"made": made}, indent=2) + "\n", encoding="utf-8")
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
