"""Specifications: a story told in sentences about a plan or a machine, rehearsed or really carried out.

It knows nothing of pytest: `fsm.bdd` has features collected and tells their sentences to a `Story`, and
`fsm spec generate` tells sentences to write them down.
"""

from __future__ import annotations

__all__: list[str] = []
