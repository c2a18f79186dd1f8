"""A runner in a process of its own: performs commands, cancels, and reports.

Called with a JSON object: `commands` (all at once), `cancel` (the index of the one to cancel, once the file
`ready` exists in its folder, twice if `hurry`; then each finds a file `done`), `grace`, `before` (a command
that is performed first), `crowd` (how many other processes there seem to be, which all must be looked at).
Prints what became
of them, of the orphans that came to the shim, and of children of its own that no step began.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from fsm.actions.processes import watch
from fsm.actions.processes.proc import all_pids, look_at
from fsm.actions.shell import ShellAction
from fsm.engine.ports import Task


def task(index: int | str, command: object, grace: float) -> Task:
    folder = Path.cwd() / str(index)
    folder.mkdir()
    outputs = folder / "outputs"
    env = {
        **os.environ,
        "FSM_RUN_ID": f"run {Path.cwd()}",
        "FSM_STEP_ID": f"step-{index}",
        "FSM_ATTEMPT": "1",
        "FSM_OUTPUT": str(outputs),
    }
    return Task(
        run_id="run",
        step_id=f"step-{index}",
        attempt=1,
        purpose="run",
        action="run",
        params={"command": command},  # type: ignore[dict-item]
        env=env,
        cwd=str(folder),
        log=str(folder / "log"),
        outputs=str(outputs),
        grace_seconds=grace,
    )


async def drive(job: dict[str, Any], own: set[int]) -> dict[str, Any]:
    shell = ShellAction()
    if "before" in job:
        await shell.perform(task("before", job["before"], 0))
    tasks = [task(n, command, job.get("grace", 5)) for n, command in enumerate(job["commands"])]
    running = [asyncio.ensure_future(shell.perform(each)) for each in tasks]
    seconds = 0.0
    if (index := job.get("cancel")) is not None:
        while not Path(tasks[index].cwd, "ready").exists():
            await asyncio.sleep(0.005)
        began = time.monotonic()
        running[index].cancel()
        if job.get("hurry"):
            await asyncio.sleep(0.1)
            assert not running[index].done(), "it should still be waiting for the grace to pass"
            running[index].cancel()
        await asyncio.wait([running[index]])
        seconds = time.monotonic() - began
        for each in tasks:
            Path(each.cwd, "done").touch()
    ended = await asyncio.gather(*running, return_exceptions=True)
    procs = [proc for pid in all_pids() if (proc := look_at(pid)) and pid not in own]
    shim = shell._launcher.shim
    adopted = [proc for proc in procs if proc.parent == shim]
    return {
        "seconds": seconds,
        "outcomes": [type(each).__name__ for each in ended],
        "tails": [getattr(each, "tail", "") for each in ended],
        "logs": [Path(each.log).read_text() if Path(each.log).exists() else "" for each in tasks],
        "adopted": sum(proc.running for proc in adopted),
        "zombies": sum(not proc.running for proc in adopted),
    }


def main() -> None:
    job = json.loads(sys.argv[1])
    crowd = range(1 << 24, (1 << 24) + job.get("crowd", 0))
    watch.all_pids = lambda: [*all_pids(), *crowd]  # type: ignore[attr-defined]
    foreign = [
        subprocess.Popen(["sleep", "600"]),
        subprocess.Popen(["sleep", "600"], start_new_session=True),
        subprocess.Popen(["sleep", "600"], start_new_session=True, env={}),
    ]
    # This one ends while the step is being ended; its status belongs to its Popen.
    brief = subprocess.Popen(["sh", "-c", "exit 9"], start_new_session=True)
    report = asyncio.run(drive(job, {each.pid for each in [*foreign, brief]}))
    report["foreign"] = [each.poll() for each in foreign] + [brief.wait()]
    for each in foreign:
        each.kill()
        each.wait()
    print(json.dumps(report))


main()
