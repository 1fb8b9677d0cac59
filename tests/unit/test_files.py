"""A file is the old one or the new one, never a part of either."""

from __future__ import annotations

from pathlib import Path

import pytest

from persona_demo.errors import UserError
from persona_demo.files import whole


def test_what_breaks_off_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "figures.json"
    with whole(path) as draft:
        draft.write_text("old")
    with pytest.raises(KeyboardInterrupt), whole(path) as draft:
        draft.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert [p.name for p in path.parent.iterdir()] == ["figures.json"]


@pytest.mark.parametrize("name", ["taken/figures.json", "bad\0name.json"])
def test_a_place_that_cannot_be_written_is_one_clear_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "taken").write_text("a file where a folder should be")
    with pytest.raises(UserError, match="choose another place"), whole(tmp_path / name) as draft:
        draft.write_text("x")
