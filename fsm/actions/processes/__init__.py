"""Processes of steps: started through a shim that outlives the runner, watched, and ended whole."""

from __future__ import annotations

__all__: list[str] = []
