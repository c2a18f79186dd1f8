"""Runs on a Redis server."""

from __future__ import annotations

__all__: list[str] = []
