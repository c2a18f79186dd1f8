from __future__ import annotations

from graphlib import TopologicalSorter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from fsm.plan import graph

Graph = tuple[list[str], dict[str, list[str]]]


@st.composite
def graphs(draw: st.DrawFn, *, acyclic: bool = True) -> Graph:
    """Ids in some order, and for some of them others that they wait for."""
    count = draw(st.integers(1, 12))
    ids = [f"s{number}" for number in range(count)]
    dependencies = {}
    for number, name in enumerate(ids):
        others = ids[:number] if acyclic else [other for other in ids if other != name]
        chosen = draw(st.lists(st.sampled_from(others), unique=True, max_size=4)) if others else []
        if chosen or draw(st.booleans()):
            dependencies[name] = chosen
    return draw(st.permutations(ids)), dependencies


@given(graphs())
def test_order_puts_every_id_after_those_it_waits_for(case: Graph) -> None:
    ids, dependencies = case
    ordered = graph.order(ids, dependencies)
    assert sorted(ordered) == sorted(ids)
    for name, others in dependencies.items():
        assert all(ordered.index(other) < ordered.index(name) for other in others)


@given(graphs())
def test_of_those_that_could_come_next_order_takes_the_first_declared(case: Graph) -> None:
    ids, dependencies = case
    done: list[str] = []
    for name in graph.order(ids, dependencies):
        ready = [
            other
            for other in ids
            if other not in done and set(dependencies.get(other, ())) <= set(done)
        ]
        assert name == ready[0]
        done.append(name)


@given(graphs(acyclic=False))
def test_a_cycle_that_is_found_is_real_and_one_is_found_if_there_is_any(case: Graph) -> None:
    ids, dependencies = case
    cycles = graph.find_cycles(ids, dependencies)
    assert bool(cycles) == (len(graph.order(ids, dependencies)) < len(ids))
    for cycle in cycles:
        assert cycle[0] == cycle[-1]
        assert cycle[0] == min(cycle, key=ids.index)
        assert len(set(cycle)) == len(cycle) - 1
        assert all(b in dependencies[a] for a, b in pairwise(cycle))
    inside = [name for cycle in cycles for name in cycle[:-1]]
    assert len(inside) == len(set(inside))


@given(graphs())
def test_a_layer_waits_only_for_layers_before_it(case: Graph) -> None:
    ids, dependencies = case
    layers = graph.layers(ids, dependencies)
    depth = {name: number for number, layer in enumerate(layers) for name in layer}
    assert depth.keys() == set(ids)
    for name in ids:
        before = [depth[other] for other in dependencies.get(name, ())]
        assert depth[name] == max(before, default=-1) + 1
    assert all(layer == sorted(layer, key=ids.index) for layer in layers)


@given(graphs())
def test_ancestry_is_the_transitive_closure(case: Graph) -> None:
    ids, dependencies = case
    above: dict[str, set[str]] = {}
    for name in TopologicalSorter(
        {name: dependencies.get(name, ()) for name in ids}
    ).static_order():
        above[name] = set(dependencies.get(name, ()))
        above[name].update(*(above[other] for other in dependencies.get(name, ())))
    waits_for = graph.ancestry(ids, dependencies)
    assert all(
        waits_for(later, earlier) == (earlier in above[later]) for later in ids for earlier in ids
    )


@given(graphs())
def test_dependents_are_the_dependencies_turned_round(case: Graph) -> None:
    ids, dependencies = case
    after = graph.dependents(ids, dependencies)
    assert after.keys() == set(ids)
    for name in ids:
        assert after[name] == [other for other in ids if name in dependencies.get(other, ())]


def test_two_circles_apart_are_both_found_and_begin_with_their_first_declared_step() -> None:
    dependencies = {"b": ["d"], "d": ["c"], "c": ["b"], "x": ["y"], "y": ["x"], "z": ["y"], "a": []}
    assert graph.find_cycles(list("abcdxyz"), dependencies) == [
        ["b", "d", "c", "b"],
        ["x", "y", "x"],
    ]


def test_a_chain_of_ten_thousand_is_no_deeper_than_one_of_two() -> None:
    ids = [str(number) for number in range(10_000)]
    chain = {str(number): [str(number - 1)] for number in range(1, 10_000)}
    assert graph.order(ids[::-1], chain) == ids
    assert len(graph.layers(ids, chain)) == 10_000
    assert graph.ancestry(ids, chain)("9999", "0")
    ring = chain | {"0": ["9999"]}
    assert len(graph.find_cycles(ids, ring)[0]) == 10_001
