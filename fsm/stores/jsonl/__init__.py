"""Runs in a folder, as files of JSON lines."""

from __future__ import annotations

__all__: list[str] = []
