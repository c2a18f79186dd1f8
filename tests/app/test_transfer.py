"""Runs as files: what comes out is what went in, and what was changed on the way is refused."""

from __future__ import annotations

import json
import stat
import tempfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsm.app.transfer import decode, encode, export_run, import_run, move_run
from fsm.app.workspace import Workspace
from fsm.engine.journal import Record, seal, verify
from fsm.engine.ports import RunSummary, StoredRun
from fsm.engine.recovery import refold
from fsm.errors import Damaged, FsmError, Held, Invalid, Refused, StateUnavailable
from fsm.run import events as on

SAMPLE = Path(__file__).parent / "samples" / "export-v1.json"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path, f"sqlite:{tmp_path}/elsewhere/state.db", environ={})


# --- the format


def test_the_stored_sample_is_read_and_written_again_byte_for_byte() -> None:
    data = SAMPLE.read_bytes()
    stored = decode(data, "sample")
    verify(stored.summary.run_id, stored.records, stored.summary.digest)
    run = refold(stored)
    assert (run.state, run.plan.name, len(stored.records)) == ("rolled_back", "Größe ☃", 11)
    assert stored.records[7].event == on.StepFailed("deploy", 1, "Ünglück\x00", 1.0, 1)
    assert encode(stored) == data


def test_the_stored_sample_is_imported(workspace: Workspace) -> None:
    import_run(workspace, str(SAMPLE))
    assert encode(workspace.store.load("run-1")) == SAMPLE.read_bytes()


@settings(max_examples=80, deadline=None)
@given(
    st.text(st.characters(codec="utf-8"), max_size=60),
    st.lists(st.tuples(st.text(max_size=30), st.floats(0, 2e9)), min_size=1, max_size=8),
)
def test_any_run_comes_out_as_it_went_in(text: str, errors: list[tuple[str, float]]) -> None:
    document = json.dumps({"name": text}, ensure_ascii=False).encode()
    digest = sha256(document).hexdigest()
    records: list[Record] = []
    for error, at in errors:
        event = on.StepFailed("a", len(records) + 1, error)
        previous = records[-1].hash if records else digest
        records += seal([event], after=len(records), previous=previous, epoch=1, at=at)
    summary = RunSummary("r", "p", text, digest, "paused", errors[0][1], errors[-1][1])
    stored = StoredRun(summary, document, records)
    assert decode(encode(stored), "x") == stored
    verify("r", decode(encode(stored), "x").records, digest)


# --- from store to store


def test_a_run_moves_to_another_store_and_on_with_equal_hashes_and_plan(
    workspace: Workspace, elsewhere: Workspace, populate: Any, tmp_path: Path
) -> None:
    populate(workspace, failing=True, undone=True)
    memory = Workspace(tmp_path, "memory:", environ={})
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    export_run(workspace, "run-1", str(first))
    import_run(memory, str(first))
    export_run(memory, "run-1", str(second))
    import_run(elsewhere, str(second))
    assert first.read_bytes() == second.read_bytes()
    assert elsewhere.store.load("run-1") == workspace.store.load("run-1")


def test_the_file_is_for_its_owner_alone_and_overwrites_nothing(
    workspace: Workspace, populate: Any, tmp_path: Path
) -> None:
    populate(workspace)
    target = tmp_path / "run.json"
    export_run(workspace, "run-1", str(target))
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    target.write_text("precious")
    with pytest.raises(Refused, match=r"run\.json already; it is not overwritten"):
        export_run(workspace, "run-1", str(target))
    assert target.read_text() == "precious"


def test_a_link_in_place_of_the_file_is_not_followed(
    workspace: Workspace, populate: Any, tmp_path: Path
) -> None:
    populate(workspace)
    (tmp_path / "link").symlink_to(tmp_path / "nowhere-yet")
    with pytest.raises(Refused):
        export_run(workspace, "run-1", str(tmp_path / "link"))
    assert not (tmp_path / "nowhere-yet").exists()


def test_a_full_disk_leaves_no_half_file(
    workspace: Workspace, populate: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    populate(workspace)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(Invalid, match="No space left on device"):
        export_run(workspace, "run-1", str(tmp_path / "run.json"))
    assert not (tmp_path / "run.json").exists()


def test_an_unfinished_run_is_not_copied(
    workspace: Workspace, populate: Any, tmp_path: Path
) -> None:
    populate(workspace, failing=True)
    with pytest.raises(Refused, match="run run-1 is paused: with a copy, two places could go on"):
        export_run(workspace, "run-1", str(tmp_path / "run.json"))
    assert not (tmp_path / "run.json").exists()


def test_an_unfinished_run_that_moves_can_go_on_there_alone(
    workspace: Workspace, elsewhere: Workspace, populate: Any, tmp_path: Path
) -> None:
    populate(workspace, failing=True)
    before = workspace.store.load("run-1")
    target = tmp_path / "run.json"
    move_run(workspace, "run-1", str(target))
    import_run(elsewhere, str(target))
    assert elsewhere.store.load("run-1") == before
    left = workspace.store.load("run-1")
    assert left.summary.state == "failed"
    assert left.records[: len(before.records)] == before.records
    assert isinstance(left.records[-1].event, on.RunAborted)
    assert left.records[-1].event.reason == f"moved to {target}"


def test_a_held_run_does_not_move(workspace: Workspace, populate: Any, tmp_path: Path) -> None:
    populate(workspace, failing=True)
    journal = workspace.store.acquire("run-1")
    with pytest.raises(Held):
        move_run(workspace, "run-1", str(tmp_path / "run.json"))
    journal.close()
    assert not (tmp_path / "run.json").exists()


def test_a_move_whose_file_cannot_be_written_gives_nothing_up(
    workspace: Workspace, populate: Any, tmp_path: Path
) -> None:
    populate(workspace, failing=True)
    before = workspace.store.load("run-1")
    with pytest.raises(Invalid, match="No such file or directory"):
        move_run(workspace, "run-1", str(tmp_path / "no" / "run.json"))
    assert workspace.store.load("run-1") == before


def test_a_finished_run_needs_no_move(workspace: Workspace, populate: Any, tmp_path: Path) -> None:
    populate(workspace)
    with pytest.raises(Refused, match="run run-1 is completed: there is nothing to go on with"):
        move_run(workspace, "run-1", str(tmp_path / "run.json"))
    assert not (tmp_path / "run.json").exists()


def test_a_run_is_taken_over_once(workspace: Workspace, populate: Any, tmp_path: Path) -> None:
    import_run(workspace, str(SAMPLE))
    with pytest.raises(Refused, match="there is a run run-1 already"):
        import_run(workspace, str(SAMPLE))


def test_an_unfinished_run_is_taken_over_beside_another_only_if_told_so(
    workspace: Workspace, elsewhere: Workspace, populate: Any, tmp_path: Path
) -> None:
    populate(workspace, failing=True)
    target = str(tmp_path / "run.json")
    move_run(workspace, "run-1", target)
    populate(elsewhere, "run-2", failing=True)
    with pytest.raises(Refused, match="plan release has an unfinished run run-2"):
        import_run(elsewhere, target)
    import_run(elsewhere, target, alongside=True)
    assert len(elsewhere.store.runs()) == 2


# --- what is refused


def refused(data: bytes) -> FsmError:
    """Why an import of this is refused; nothing is taken over."""
    workspace = Workspace(SAMPLE.parent, "memory:", environ={})
    with pytest.raises(FsmError) as raised:
        _import(workspace, data)
    assert not workspace.store.runs()
    return raised.value


def _import(workspace: Workspace, data: bytes) -> None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        import_run(workspace, file.name)


def test_every_flipped_bit_is_refused() -> None:
    data = SAMPLE.read_bytes()
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1 << place % 8
        assert isinstance(refused(bytes(changed)), Damaged | Invalid | StateUnavailable)


def test_every_truncation_is_refused() -> None:
    data = SAMPLE.read_bytes()
    for length in range(0, len(data), 7):
        assert isinstance(refused(data[:length]), Damaged | Invalid)
    assert isinstance(refused(data + b"\n"), Damaged)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is no export of fsm"),
        (b"plan:\n  id: x\n", "is no export of fsm"),
        (b'{"some": "json"}', "is no export of fsm"),
        (b'{"fsm_export": 1}', "is no export of fsm"),
        (b"\x00\xff" * 100, "is no export of fsm"),
    ],
)
def test_a_foreign_file_is_refused(data: bytes, says: str) -> None:
    error = refused(data)
    assert isinstance(error, Invalid)
    assert says in error.message


def test_a_file_of_a_newer_version_is_refused_with_both_versions() -> None:
    error = refused(SAMPLE.read_bytes().replace(b'"fsm_export":1', b'"fsm_export":2'))
    assert (type(error), error.exit_code) == (StateUnavailable, 7)
    assert error.message.endswith("is an export of version 2; this fsm knows version 1")


Change = Callable[[dict[str, Any]], object]


def _of_a_newer_record(told: dict[str, Any]) -> None:
    """The last record as a newer fsm would write it, its chain intact."""
    seq, epoch, at, _, kind, data, _ = told["records"].pop()
    previous = told["records"][-1][-1]
    text = f"{previous}\nv99 {seq} {epoch} {at!r} {kind}\n{data}"
    hash_ = sha256(text.encode()).hexdigest()
    told["records"].append([seq, epoch, at, 99, kind, data, hash_])


def _against_the_rules(told: dict[str, Any]) -> None:
    last = told["records"][-1]
    event = on.StepCompleted("deploy", 9)
    [record] = seal([event], after=last[0], previous=last[-1], epoch=last[1], at=last[2])
    told["records"].append(list(record))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t["records"].pop(), "does not lead to what it says"),
        (lambda t: t["records"].pop(5), "record 6 is missing"),
        (lambda t: t["records"].clear(), "does not begin with its creation"),
        (lambda t: t["records"][7].__setitem__(5, "{}"), "record 8 (StepFailed) was altered"),
        (lambda t: t["records"][7].__setitem__(2, 5.0), "record 8 (StepFailed) was altered"),
        (lambda t: t["records"][7].append(1), "does not hold what an export"),
        (lambda t: t["records"][7].__setitem__(0, "8"), "does not hold what an export"),
        (lambda t: t["records"][7].__setitem__(2, 1e300), "does not hold what an export"),
        (lambda t: t["records"].append(None), "does not hold what an export"),
        (lambda t: t.__setitem__("records", None), "does not hold what an export"),
        (
            lambda t: t.__setitem__("plan", t["plan"] + " "),
            "the plan of run run-1 is not as it was",
        ),
        (lambda t: t.__setitem__("plan", 7), "does not hold what an export"),
        (lambda t: t.__setitem__("plan", "\ud800"), "does not hold what an export"),
        (lambda t: t.pop("run"), "does not hold what an export"),
        (lambda t: t["run"].__setitem__("state", "completed"), "does not lead to what it says"),
        (lambda t: t["run"].__setitem__("plan_id", "other"), "does not lead to what it says"),
        (lambda t: t["run"].__setitem__("plan_name", "\x1b[2J"), "does not lead to what it says"),
        (lambda t: t["run"].__setitem__("run_id", "../../etc"), "'../../etc' cannot name a run"),
        (
            lambda t: t["run"].__setitem__("created_at", float("nan")),
            "does not hold what an export",
        ),
        (lambda t: t["run"].__setitem__("more", 1), "does not hold what an export"),
        (_of_a_newer_record, "record 11 of run run-1 is of version 99"),
        (_against_the_rules, "breaks a rule at record 12 (StepCompleted)"),
    ],
)
def test_a_file_that_was_sealed_anew_is_refused_for_what_it_says(change: Change, says: str) -> None:
    told = json.loads(SAMPLE.read_bytes())
    change(told)
    error = refused(_sealed(told))
    assert says in error.message
    assert error.exit_code in {6, 7}


def test_a_file_that_was_sealed_anew_unchanged_is_taken() -> None:
    workspace = Workspace(SAMPLE.parent, "memory:", environ={})
    _import(workspace, _sealed(json.loads(SAMPLE.read_bytes())))
    assert [run.run_id for run in workspace.store.runs()] == ["run-1"]


def test_nested_brackets_are_refused_in_words() -> None:
    text = '{"fsm_export":1,\n"run":' + "[" * 100_000
    seal_ = sha256(text.encode()).hexdigest()
    assert isinstance(refused(f'{text},\n"sha256":"{seal_}"}}\n'.encode()), Damaged)


def _sealed(told: dict[str, Any]) -> bytes:
    """A file with these contents and a seal that fits, as a forger makes it."""
    told.pop("sha256")
    version = told.pop("fsm_export")
    text = f'{{"fsm_export":{version},\n{json.dumps(told)[1:-1]}'
    return f'{text},\n"sha256":"{sha256(text.encode()).hexdigest()}"}}\n'.encode()
