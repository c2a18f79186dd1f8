"""The plans that are measured, as text of the kind that a user would write."""

from __future__ import annotations

__all__ = ["layered", "naps", "noops", "one_true", "stops_at_half", "trues", "undone", "written"]

_COLUMNS = 100


def trues(count: int) -> str:
    """Steps of `true`, without a shell, one after another."""
    return _plan("trues", [f"{{id: step-{n}, run: ['true']}}" for n in range(count)])


def one_true() -> str:
    """The smallest plan that does something."""
    return "plan:\n  id: one\n  steps:\n    - {id: only, run: 'true'}\n"


def noops(count: int) -> str:
    """In-process steps that do nothing, one after another."""
    return _plan("noops", [_noop(n) for n in range(count)])


def naps(count: int, parallel: int) -> str:
    """Steps that sleep for 50 ms and wait for nobody."""
    steps = [f"{{id: step-{n}, run: [sleep, '0.05']}}" for n in range(count)]
    return _plan("naps", steps, f"parallel: {parallel}")


def layered(count: int) -> str:
    """Layers of 100 steps; each waits for three of the layer before. 16 run at once."""
    steps = []
    for n in range(count):
        layer, column = divmod(n, _COLUMNS)
        above = [(layer - 1) * _COLUMNS + (column + by) % _COLUMNS for by in (0, 1, 7)]
        waits = ", ".join(f"step-{m}" for m in above) if layer else ""
        steps.append(_noop(n, f", depends_on: [{waits}]"))
    return _plan("layered", steps, "parallel: 16")


def undone(count: int) -> str:
    """In-process steps with a rollback each, then one that fails, whereupon all are undone."""
    steps = [_noop(n, ", rollback: {action: undo}") for n in range(count)]
    steps.append("{id: last, skill: noop, action: fail}")
    return _plan("undone", steps, "error_handling: {single_failure: rollback}")


def stops_at_half(count: int) -> str:
    """Shell steps that each leave a line in `effects`; the middle one kills runner and shim the first time.

    The second time it tells in `first` what these two had cost when they started this step.
    """
    steps = [f"{{id: step-{n}, run: 'echo {n} >> effects'}}" for n in range(count)]
    half = count // 2
    command = (
        f'{_RUNNER}; if [ "$FSM_ATTEMPT" = 1 ]; then kill -9 $runner $PPID; exit; fi; '
        f"{_STAMP_OF_BOTH}; echo {half} >> effects"
    )
    steps[half] = f"{{id: step-{half}, idempotent: true, run: '{command}'}}"
    return _plan("half", steps)


def written(count: int) -> str:
    """Steps that each write a small file into the folder `out`, each after the one before."""
    steps = [
        f"{{id: step-{n}, skill: files, action: write, params: {{path: out/{n}.txt, text: hello {n}}}"
        + (f", depends_on: [step-{n - 1}]}}" if n else "}")
        for n in range(count)
    ]
    return _plan("written", steps)


STAMP = 'read -r cpu rest < /proc/$PPID/schedstat; echo "$cpu $(date +%s%N)" > first'
"""Shell text: nanoseconds on a processor of the process that started the shell, and the time of day."""

_RUNNER = 'while read -r key runner; do [ "$key" = PPid: ] && break; done < /proc/$PPID/status'
"""Shell text: sets `runner` to the parent of the shim, which is the parent of every step."""

_STAMP_OF_BOTH = (
    "read -r cpu rest < /proc/$PPID/schedstat; read -r more rest < /proc/$runner/schedstat; "
    'echo "$((cpu + more)) $(date +%s%N)" > first'
)
"""As `STAMP`, of the shim and its runner together."""


def _noop(number: int, more: str = "") -> str:
    return f"{{id: step-{number}, skill: noop, action: pass{more}}}"


def _plan(name: str, steps: list[str], more: str = "") -> str:
    head = f"plan:\n  id: {name}\n" + (f"  {more}\n" if more else "") + "  steps:\n"
    return head + "".join(f"    - {step}\n" for step in steps)
