"""What outlives a runner: its steps, and the shim that sees them to their end."""

from __future__ import annotations

import fcntl
import json
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from pytest_bdd import parsers, then, when

from fsm.run.events import ProcessIdentified
from fsm.stores import open_store

from ..journal import newest_run
from ..place import Place
from ..waiting import until
from .processes import is_alive, is_shim, killed, parent_of

_BOOT = Path("/proc/sys/kernel/random/boot_id")


@when("nobody looks after its steps any more")
def shim_is_gone(place: Place) -> None:
    until(lambda: not _is_locked(_ledger(place)), "the end of the shim")


@when("its shim is killed by kill -9, and its runner")
def both_killed(place: Place) -> None:
    assert place.runner is not None
    place.runner.send_signal(signal.SIGSTOP)
    (shim,) = _shims(place.runner.pid)
    subprocess.run(["kill", "-9", str(shim)], check=True)
    killed(place)
    until(lambda: not is_alive(shim), "the end of the shim")


@when("its shim is killed by kill -9")
def shim_killed(place: Place) -> None:
    assert place.runner is not None
    (shim,) = _shims(place.runner.pid)
    subprocess.run(["kill", "-9", str(shim)], check=True)


@when(parsers.parse('I note the process in "{name}"'))
def note_process(place: Place, name: str) -> None:
    place.noted["pid"] = int(place.path(name).read_text())


@when(parsers.parse('there is a process in "{name}"'))
def there_is_a_process(place: Place, name: str) -> None:
    until(lambda: place.path(name).exists() and place.path(name).read_text().strip(), name)


@when(parsers.parse('it is waiting for "{name}"'))
def it_is_waiting(place: Place, name: str) -> None:
    """It sleeps until the shim lets go of the ledger."""
    runner = place.runner
    assert runner is not None
    call = Path(f"/proc/{runner.pid}/wchan")
    until(lambda: "flock" in call.read_text() or "lock" in call.read_text(), "a wait for the lock")


@then(parsers.parse('its JSON names the process as at work for "{step}"'))
def at_work(place: Place, step: str) -> None:
    found = json.loads(place.answer.out)["at_work"]
    told = {each["pid"]: each for each in found}
    first = told[place.noted["pid"]]
    assert {each["step"] for each in found} == {step}
    assert (first["attempt"], first["start"]) == (1, _start(first["pid"]))
    assert first["boot"] == _BOOT.read_text().strip()
    assert "hold middle" in first["command"]


@when(parsers.parse("another process is at work, named by the {where} with {what}"))
def another_process(place: Place, where: str, what: str) -> None:
    """One that no step began, and so without a mark."""
    process = subprocess.Popen(["sleep", "600"], cwd=place.folder, env={}, start_new_session=True)
    place.leaving.callback(process.wait)
    place.leaving.callback(process.kill)
    place.path("other.pid").write_text(str(process.pid))
    start, boot = _start(process.pid), _BOOT.read_text().strip()
    if what == "another boot":
        boot = "5d1f9a3e-0000-4000-8000-000000000000"
    elif what == "another start":
        start -= 1
    _NAMED_BY[where](place, process.pid, start, boot)


def _by_ledger(place: Place, pid: int, start: int, boot: str) -> None:
    now = time.time()
    entry = {"step": "middle", "purpose": "run", "attempt": 1, "pid": pid, "start": start}
    entry |= {"boot": boot, "began": now, "ended": 0.0, "status": None}
    _ledger(place).write_text(json.dumps(entry) + "\n")


def _by_journal(place: Place, pid: int, start: int, boot: str) -> None:
    journal = open_store(f"sqlite:{place.state}").acquire(newest_run(place.state))
    identified = ProcessIdentified("middle", 1, pid, start, boot)
    journal.append([identified], at=time.time(), state="running")
    journal.close()


_NAMED_BY: Mapping[str, Callable[[Place, int, int, str], None]] = {
    "ledger": _by_ledger,
    "journal": _by_journal,
}


def _ledger(place: Place) -> Path:
    return place.path(place.filled(".fsm/logs/{run}/processes.jsonl"))


def _is_locked(path: Path) -> bool:
    if not path.exists():
        return False
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _shims(runner: int) -> list[int]:
    pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
    children = [pid for pid in pids if parent_of(pid) == runner]
    return [pid for pid in children if is_shim(pid)]


def _start(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
