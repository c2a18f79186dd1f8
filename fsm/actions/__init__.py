"""What steps do: the skills, and what a runner needs beside them."""

from __future__ import annotations

__all__: list[str] = []
