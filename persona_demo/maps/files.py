"""The two files a frozen map is kept in: its arrays (no pickle), and its facts as JSON.

Knows nothing of what a map holds: which arrays there must be and whether they fit together, the map says.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from persona_demo.errors import UserError
from persona_demo.files import whole


@dataclass(frozen=True)
class MapFiles:
    """How the files of one kind of map are called.

    Attributes:
        title: What errors call the map.
        arrays: Name of the file of arrays.
        facts: Name of the file of facts.
        schema: The newest schema, which is written; all before it are read.
    """

    title: str
    arrays: str
    facts: str
    schema: int

    def save(self, folder: Path, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> None:
        """Write a map, each file whole or not at all.

        Raises:
            UserError: If the folder cannot be written.
        """
        with whole(folder / self.arrays) as draft:
            save_file(dict(arrays), draft)
        with whole(folder / self.facts) as draft:
            draft.write_text(json.dumps({"schema": self.schema, **facts}) + "\n", encoding="utf-8")

    @contextmanager
    def opened(self, folder: Path) -> Iterator[tuple[dict[str, Any], dict[str, NDArray[Any]]]]:
        """Lend what the files hold; what the block cannot make a map of is called damaged.

        Yields:
            Facts and arrays.

        Raises:
            UserError: If the folder holds no such map, or its files are damaged.
        """
        try:
            facts = json.loads((folder / self.facts).read_text(encoding="utf-8"))
            # The first atlases did not say.
            if facts.get("schema", 1) not in range(1, self.schema + 1):
                raise ValueError("schema")
            yield facts, load_file(folder / self.arrays)
        except FileNotFoundError as error:
            missing = f"{folder} holds no {self.title}: run 'python -m persona_demo atlas build'."
            raise UserError(missing) from error
        except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
            damaged = f"The {self.title} in {folder} is damaged: restore it or run 'atlas build'."
            raise UserError(damaged) from error
