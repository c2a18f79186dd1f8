"""An action of `files` and its undoing, killed before every system call that Python reports.

Called with a folder to work in and the name of a case. For each number of calls a process of its own is
killed with SIGKILL before that call; then it must be known whether the step was done, undoing it must bring
everything back, and so must doing it again and undoing that. Prints how many kills there were.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fsm.actions.python.skill import Context
from fsm.actions.skills.files import files

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "write new": ("write", {"path": "new", "text": "hello"}),
    "write over": ("write", {"path": "old", "text": "hello"}),
    "write private": ("write", {"path": "old", "text": "hello", "mode": "0600"}),
    "copy": ("copy", {"source": "old", "to": "sub/copy"}),
    "copy over": ("copy", {"source": "old", "to": "other"}),
    "move": ("move", {"source": "old", "to": "sub/moved"}),
    "move over": ("move", {"source": "old", "to": "other"}),
    "move a folder": ("move", {"source": "sub", "to": "moved"}),
    "move a link": ("move", {"source": "link", "to": "moved"}),
    "remove": ("remove", {"path": "old"}),
    "remove a folder": ("remove", {"path": "sub"}),
    "remove a link": ("remove", {"path": "link"}),
    "template": ("template", {"source": "in", "to": "other", "values": {"x": "y"}}),
    "make a folder": ("make-folder", {"path": "made"}),
}


def set_up(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "sub").mkdir(parents=True)
    for name, text, mode in (
        ("old", "old\n", 0o640),
        ("other", "other\n", 0o600),
        ("in", "is {{ x }}\n", 0o644),
        ("sub/inner", "inner\n", 0o755),
    ):
        (folder / name).write_text(text)
        (folder / name).chmod(mode)
    (folder / "link").symlink_to("old")


def picture(folder: Path) -> dict[str, tuple[str, int, str]]:
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if name.split("/")[0] == ".fsm":
            continue
        mode = path.lstat().st_mode
        content = path.readlink() if stat.S_ISLNK(mode) else path.is_file() and path.read_text()
        found[name] = (stat.filemode(mode), stat.S_IMODE(mode), str(content))
    return found


def context(folder: Path) -> Context:
    return Context(
        cwd=folder,
        folder=folder,
        env={},
        run_id="r",
        step_id="s",
        kept=folder / ".fsm/logs/r/s@kept",
    )


def killed_at(call: int, work: Callable[[], object]) -> bool:
    """Do it in a process of its own, killed before that call; whether it was killed."""
    child = os.fork()
    if child == 0:
        calls = 0

        def count(event: str, _: object) -> None:
            nonlocal calls
            if event == "open" or event.startswith(("os.", "shutil.")):
                calls += 1
                if calls == call:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        try:
            work()
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert not os.WIFEXITED(status) or os.WEXITSTATUS(status) == 0, "it failed by itself"
    return os.WIFSIGNALED(status)


def main(folder: Path, case: str) -> None:
    name, params = CASES[case]
    action = files.actions[name]
    assert action.probe is not None

    def do() -> None:
        action(context=context(folder), **params)

    def undo() -> None:
        files.actions["restore"](context=context(folder))

    def is_done() -> bool:
        assert action.probe is not None
        return bool(action.probe(context=context(folder), **params))

    set_up(folder)
    before = picture(folder)
    do()
    after = picture(folder)
    assert after != before
    do()
    assert picture(folder) == after, "done twice it is something else"
    assert is_done()
    undo()
    assert picture(folder) == before, "undone after it was done twice"

    call, kills = 0, 0
    while True:
        call += 1
        set_up(folder)
        if not killed_at(call, do):
            break
        kills += 1
        assert is_done() == (picture(folder) == after), f"unknown after call {call}"
        assert picture(folder) in (before, after), f"half done after call {call}"
        if (folder / ".fsm/logs/r/s@kept").exists():
            undo()
        assert picture(folder) == before, f"undone after call {call}"
        assert not is_done()
        set_up(folder)
        killed_at(call, do)
        do()
        assert picture(folder) == after, f"done again after call {call}"
        undo()
        assert picture(folder) == before, f"undone after doing it again after call {call}"

    call, undo_kills = 0, 0
    while True:
        call += 1
        set_up(folder)
        do()
        if not killed_at(call, undo):
            break
        undo_kills += 1
        undo()
        assert picture(folder) == before, f"undone again after call {call}"
        do()
        assert picture(folder) == after
    print(json.dumps({"kills": kills, "undo_kills": undo_kills}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
