"""Questions about who waits for whom: pure functions over ids and their dependencies.

`dependencies` says for an id which ids it waits for; an id that waits for none may be left out. All of
them are iterative: a chain of 10,000 steps is no deeper than one of two. A name that is not among the ids
is the caller's mistake (`KeyError`); loading has taken such names out before it asks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from heapq import heapify, heappop, heappush

__all__ = ["WaitsFor", "ancestry", "dependents", "find_cycles", "layers", "order"]

Dependencies = Mapping[str, Collection[str]]
WaitsFor = Callable[[str, str], bool]


def order(ids: Sequence[str], dependencies: Dependencies) -> list[str]:
    """The ids, each after those it waits for; of those that could come next, the first declared.

    What waits for a cycle, or is part of one, can never come: it is left out.
    """
    place = {name: index for index, name in enumerate(ids)}
    waiting = [len(set(dependencies.get(name, ()))) for name in ids]
    after = dependents(ids, dependencies)
    ready = [index for index, count in enumerate(waiting) if not count]
    heapify(ready)
    ordered = []
    while ready:
        name = ids[heappop(ready)]
        ordered.append(name)
        for dependent in after[name]:
            index = place[dependent]
            waiting[index] -= 1
            if not waiting[index]:
                heappush(ready, index)
    return ordered


def find_cycles(ids: Sequence[str], dependencies: Dependencies) -> list[list[str]]:
    """Cycles as closed paths: `[a, b, a]` where a waits for b and b for a. Empty if there is none.

    No two share an id, and each begins with its first declared id. If there are cycles at all, at least
    one is found; others that touch it show once it is gone.
    """
    orderly = set(order(ids, dependencies))
    # Whatever cannot be ordered waits for something that cannot: following it must end in a circle.
    follow = {
        name: next(other for other in dependencies[name] if other not in orderly)
        for name in ids
        if name not in orderly
    }
    place = {name: index for index, name in enumerate(ids)}
    seen: dict[str, str] = {}
    cycles = []
    for start in follow:
        name = start
        while name not in seen:
            seen[name] = start
            name = follow[name]
        if seen[name] == start:
            cycle = [name]
            while follow[cycle[-1]] != name:
                cycle.append(follow[cycle[-1]])
            first = cycle.index(min(cycle, key=place.__getitem__))
            cycle = cycle[first:] + cycle[:first]
            cycles.append([*cycle, cycle[0]])
    return cycles


def dependents(ids: Sequence[str], dependencies: Dependencies) -> dict[str, list[str]]:
    """For each id those that wait for it directly, in order of declaration."""
    after: dict[str, list[str]] = {name: [] for name in ids}
    for name in ids:
        for dependency in set(dependencies.get(name, ())):
            after[dependency].append(name)
    return after


def layers(ids: Sequence[str], dependencies: Dependencies) -> list[list[str]]:
    """The ids in layers: first those that wait for nothing, then those that wait only for these …

    Within a layer as declared. What can never come because of a cycle is left out.
    """
    depth: dict[str, int] = {}
    for name in order(ids, dependencies):
        depth[name] = 1 + max((depth[other] for other in dependencies.get(name, ())), default=-1)
    found: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for name in ids:
        if name in depth:
            found[depth[name]].append(name)
    return found


def ancestry(ids: Sequence[str], dependencies: Dependencies) -> WaitsFor:
    """A function that says whether its first id waits, directly or through others, for its second.

    One set of bits an id: 10,000 steps cost 12 MB while the function is kept, and each answer is instant.
    """
    place = {name: index for index, name in enumerate(ids)}
    before: dict[str, int] = {}
    for name in order(ids, dependencies):
        bits = 0
        for dependency in dependencies.get(name, ()):
            bits |= before[dependency] | 1 << place[dependency]
        before[name] = bits

    def waits_for(later: str, earlier: str) -> bool:
        return bool(before[later] >> place[earlier] & 1)

    return waits_for
