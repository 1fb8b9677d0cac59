"""Files that are whole or not there: what is written appears under its name only when it is complete."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from persona_demo.errors import UserError


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Lend a draft to write to, and put it in place when the block ends well.

    A kill, a full disk or an exception leaves the old file as it was; two writers do not mix.

    Args:
        path: Where the file shall be; its folder is made when missing.

    Yields:
        The draft, beside it.

    Raises:
        UserError: If nothing can be written there.
    """
    draft = path.with_name(f".{secrets.token_hex(8)}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield draft
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(draft, path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be written ({type(error).__name__}): choose another place.") from error
    finally:
        with suppress(OSError, ValueError):
            draft.unlink(missing_ok=True)
