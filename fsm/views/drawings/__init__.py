"""Plans, machines and runs as drawings, and the formats that drawings are written in."""

from __future__ import annotations

__all__: list[str] = []
