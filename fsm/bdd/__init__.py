"""Features for pytest: a plugin that collects them without glue and tells their sentences to a story."""

from __future__ import annotations

__all__: list[str] = []
