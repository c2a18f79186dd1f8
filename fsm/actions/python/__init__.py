"""Skills written in Python: declared by a decorator, called here or in a process apart."""

from __future__ import annotations

__all__: list[str] = []
