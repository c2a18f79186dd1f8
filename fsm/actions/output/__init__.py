"""What steps print and hand on: their logs, masked and bounded, and their outputs."""

from __future__ import annotations

__all__: list[str] = []
