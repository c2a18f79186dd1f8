"""Journals of older versions are brought up when they are read; those of newer ones are refused."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from fsm.engine.journal import Record, read, verify
from fsm.engine.ports import RunSummary, StoredRun
from fsm.engine.recovery import refold
from fsm.engine.versions import VERSION, bring_up
from fsm.errors import StateUnavailable
from fsm.run import events as on

SAMPLES = Path(__file__).parent / "samples"


def stored(version: int = 1) -> StoredRun:
    sample = json.loads((SAMPLES / f"journal-v{version}.json").read_text())
    document = sample["plan"].encode()
    digest = sha256(document).hexdigest()
    records = [Record(*row) for row in sample["records"]]
    verify("run-1", records, digest)
    summary = RunSummary("run-1", "release", "Release", digest, "running", 0.0, 0.0)
    return StoredRun(summary, document, records)


def test_a_journal_of_version_1_is_whole_and_leads_to_its_run() -> None:
    old = stored()
    assert {record.version for record in old.records} == {1}
    run = refold(old)
    assert {record.id: (record.state, record.attempt) for record in run.steps} == {
        "build": ("running", 2),
        "test": ("pending", 1),
    }


def test_a_journal_of_version_2_leads_to_its_run() -> None:
    run = refold(stored(2))
    assert {record.id: (record.state, record.attempt) for record in run.steps} == {
        "build": ("completed", 2),
        "test": ("pending", 1),
    }


@pytest.mark.parametrize("version", range(1, VERSION))
def test_there_is_a_sample_of_each_version_before_this_one(version: int) -> None:
    assert {record.version for record in stored(version).records} == {version}


def test_what_is_written_has_the_fields_of_its_version_and_no_other() -> None:
    """Else an older fsm takes a journal with one more field for damaged: then raise `VERSION`."""
    known = json.loads((SAMPLES / f"fields-v{VERSION}.json").read_text())
    kinds = [kind for kind in on.Event.__subclasses__() if kind.__module__ == on.__name__]
    assert {kind.__name__: list(kind.__dataclass_fields__) for kind in kinds} == known


def test_the_one_step_that_was_sent_back_becomes_a_list() -> None:
    [resumed] = [
        each for each in read("run-1", stored().records) if isinstance(each, on.RunResumed)
    ]
    assert resumed.from_steps == ("build",)


def test_what_did_not_change_is_left_as_it_is() -> None:
    fields = {"step": "build", "attempt": 1}
    assert bring_up(1, "StepStarted", dict(fields)) == fields  # type: ignore[arg-type]
    assert bring_up(1, "RunResumed", {"by": "ann"}) == {"by": "ann"}


def test_a_record_of_a_newer_version_is_refused_and_both_are_named() -> None:
    old = stored()
    newer = [*old.records[:-1], old.records[-1]._replace(version=VERSION + 1)]
    with pytest.raises(StateUnavailable) as refused:
        list(read("run-1", newer))
    assert refused.value.exit_code == 7
    assert refused.value.message == (
        f"record {len(newer)} of run run-1 is of version {VERSION + 1}, written by a newer fsm; "
        f"this one knows version {VERSION}"
    )
    assert refused.value.hint == "nothing was changed; use the fsm that wrote it"
