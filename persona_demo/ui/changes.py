"""What a handler answers with."""

from __future__ import annotations

from typing import Any

Changes = dict[Any, Any]
"""New values and properties, by component."""
