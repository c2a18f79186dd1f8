"""The log of an attempt: live, bounded, and never the reason that a step fails (F17, F40, F67)."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from fsm.actions.output.log import Log, read_tail
from fsm.actions.output.masking import Masker
from fsm.actions.output.text import last_lines, plain_text

ROOT = Path(__file__).parents[2]
KIB = 1024


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """A disk on which a file can have so many bytes: the write that passes it is short, the next fails."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_the_file_appears_with_the_first_byte_and_grows_live(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "x.log"
    log = Log(path, Masker())
    assert not path.parent.exists()
    log.write(b"one\n")
    assert path.read_bytes() == b"one\n"
    log.write(b"two\n")
    assert path.read_bytes() == b"one\ntwo\n"
    log.close()


def test_beyond_the_cap_the_end_is_kept_and_the_rest_counted(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    log = Log(path, Masker(), cap=100 * KIB)
    pieces = [bytes([65 + n % 26]) * KIB for n in range(1000)]
    for piece in pieces:
        log.write(piece)
    assert path.stat().st_size == 100 * KIB
    log.close()
    left_out = f"\n[fsm] … {(1000 - 100 - 64) * KIB} bytes left out …\n".encode()
    assert path.read_bytes() == b"".join([*pieces[:100], left_out, *pieces[-64:]])


def test_an_output_just_over_the_cap_is_kept_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    log = Log(path, Masker(), cap=10)
    log.write(b"0123456789abc")
    log.write(b"def")
    log.close()
    assert path.read_bytes() == b"0123456789abcdef"


@given(st.lists(st.integers(0, 90 * KIB), max_size=12), st.integers(0, 200 * KIB))
def test_head_count_and_end_always_add_up(sizes: list[int], cap: int) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x.log"
        log = Log(path, Masker(), cap=cap)
        whole = os.urandom(sum(sizes))
        rest = memoryview(whole)
        for size in sizes:
            log.write(bytes(rest[:size]))
            rest = rest[size:]
        log.close()
        kept = path.read_bytes() if path.exists() else b""
    if len(whole) <= cap + 64 * KIB:
        assert kept == whole
    else:
        count = len(whole) - cap - 64 * KIB
        note = f"\n[fsm] … {count} bytes left out …\n".encode()
        assert kept == whole[:cap] + note + whole[-64 * KIB :]


def test_a_disk_that_fills_up_is_noted_and_nothing_is_raised(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    log = Log(path, Masker())
    with largest_file(1000):
        log.write(b"x" * 990 + b"\n")
        log.write(b"y" * 20 + b"\nlast line\n")
        log.close()
    assert path.read_bytes() == b"x" * 990 + b"\n" + b"y" * 9
    assert log.tail().endswith("\nlast line\n[fsm] the log is incomplete: File too large")


def test_a_link_in_the_place_of_the_log_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("kept")
    path = tmp_path / "x.log"
    path.symlink_to(target)
    log = Log(path, Masker())
    log.write(b"bad")
    log.close()
    assert target.read_text() == "kept"
    assert log.trouble == "Too many levels of symbolic links"
    assert read_tail(path) == ""


def test_a_pipe_in_the_place_of_the_log_blocks_nobody(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    os.mkfifo(path)
    log = Log(path, Masker())
    log.write(b"x")
    log.close()
    assert log.trouble
    assert read_tail(path) == ""


def test_a_note_stands_on_a_line_of_its_own_and_is_masked(tmp_path: Path) -> None:
    log = Log(tmp_path / "x.log", Masker([b"hunter2"]))
    log.write(b"no line end")
    log.note("left: sleep hunter2\n\x1b[31m")
    log.write(b"after\n")
    log.close()
    text = (tmp_path / "x.log").read_text()
    assert text == "no line end\n[fsm] left: sleep ***\nafter\n"


def test_a_secret_that_only_appears_without_its_colours_is_masked_in_the_tail(
    tmp_path: Path,
) -> None:
    log = Log(tmp_path / "x.log", Masker([b"hunter2"]))
    log.write(b"hun\x1b[1mter2\n")
    assert log.tail() == "***"
    log.close()
    assert read_tail(tmp_path / "x.log", [b"hunter2"]) == "***"


@given(st.binary())
def test_plain_text_never_holds_a_control_character(output: bytes) -> None:
    text = plain_text(output)
    assert all(char in "\t\n" or char.isprintable() or ord(char) > 0x9F for char in text)
    last_lines(text).encode()


FLOOD = """
import asyncio, json, os, resource, sys, time
from pathlib import Path
from fsm.actions.shell import ShellAction
from fsm.engine.ports import Task

def memory():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

async def main():
    logs = Path(sys.argv[1])
    def task(size):
        command = f"head -c {size} /dev/zero | tr '\\\\0' 'x'; echo; echo end"
        return Task("r", "s", 1, "run", "run", {"command": command}, dict(os.environ), str(logs),
                    f"{logs}/{size}.log", f"{logs}/outputs", secrets=[b"xyz", b"secret"])
    shell = ShellAction()
    await shell.perform(task(30_000_000))
    before = memory()
    ticks = 0
    async def clock():
        nonlocal ticks
        while True:
            await asyncio.sleep(0.001)
            ticks += 1
    ticking = asyncio.ensure_future(clock())
    began = time.monotonic()
    outcome = await shell.perform(task(200_000_000))
    ticking.cancel()
    print(json.dumps({"grown": memory() - before, "end": outcome.tail, "ticks": ticks,
                      "seconds": time.monotonic() - began,
                      "log": (logs / "200000000.log").stat().st_size}))

asyncio.run(main())
"""


def test_a_flood_of_output_grows_no_memory_and_blocks_no_other_work(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FLOOD, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        timeout=60,
        check=True,
    )
    report = json.loads(done.stdout)
    assert report["grown"] < 2_000_000
    assert report["end"] == "end"
    assert 10 << 20 < report["log"] < (10 << 20) + 70_000
    assert report["ticks"] > 10 * report["seconds"]
