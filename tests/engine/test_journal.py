from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm.engine.journal import Record, read, seal, verify
from fsm.errors import Damaged
from fsm.run import events as on
from fsm.run.events import decode, encode

EVENTS: list[on.Event] = [
    on.RunCreated("d" * 64, by="me", cwd="/somewhere", path="plan.yaml"),
    on.RunApproved("d" * 64, "me", "--yes", 1.5),
    on.RunValidated("d" * 64, 3),
    on.RunStarted(),
    on.StepStarted("a", 1),
    on.StepFailed("a", 1, "exit code 1", 0.25, 1, "größer ✓\nlast", 12.5),
    on.StepStarted("a", 2),
    on.StepCompleted("a", 2, 0.5, {"name": "x", "many": [1, None, True]}),
    on.RunResumed("d" * 64, rerun=("a", "b"), done=("c",)),
    on.StepMarked("a", "undone", "me", "no UTF-8: \udcff"),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_survives_its_encoding(event: on.Event) -> None:
    assert decode(*encode(event)) == event


@pytest.mark.parametrize(
    ("kind", "data"), [("StepFlew", {}), ("StepStarted", {}), ("StepStarted", {"wings": 2})]
)
def test_what_this_version_does_not_know_is_refused(kind: str, data: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=kind):
        decode(kind, data)


def chain() -> list[Record]:
    return seal(EVENTS, after=0, previous="d" * 64, epoch=1, at=10.25)


def test_a_chain_that_was_left_alone_verifies_and_reads_back() -> None:
    verify("run-1", chain(), "d" * 64)
    assert list(read("run-1", chain())) == EVENTS


@given(st.data())
def test_a_chain_with_any_one_thing_changed_does_not_verify(data: st.DataObject) -> None:
    records = chain()
    index = data.draw(st.integers(0, len(records) - 1))
    change = data.draw(st.sampled_from(["drop", "swap", "twice", *Record._fields]))
    if change == "drop" and index == len(records) - 1:
        return  # a lost end shows only against the head that the store keeps
    match change:
        case "drop":
            del records[index]
        case "twice":
            records.insert(index, records[index])
        case "swap":
            other = (index + 1) % len(records)
            records[index], records[other] = records[other], records[index]
        case field:
            old = getattr(records[index], field)
            new = old + "x" if isinstance(old, str) else old + 1
            records[index] = records[index]._replace(**{field: new})
    with pytest.raises(Damaged, match="run-1"):
        verify("run-1", records, "d" * 64)


def test_a_record_of_an_older_writer_than_the_one_before_does_not_verify() -> None:
    """Though each record is as it was sealed, and the chain holds (I20)."""
    first = seal(EVENTS[:4], after=0, previous="d" * 64, epoch=2, at=10.25)
    for epoch in (2, 3):
        later = seal(EVENTS[4:6], after=4, previous=first[-1].hash, epoch=epoch, at=11.0)
        verify("run-1", [*first, *later], "d" * 64)
    older = seal(EVENTS[4:6], after=4, previous=first[-1].hash, epoch=1, at=11.0)
    with pytest.raises(Damaged, match="record 5 is of an older writer than the one before"):
        verify("run-1", [*first, *older], "d" * 64)


def test_another_plan_does_not_fit_the_chain() -> None:
    with pytest.raises(Damaged, match="record 1"):
        verify("run-1", chain(), "e" * 64)
