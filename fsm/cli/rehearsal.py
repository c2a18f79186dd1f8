"""A rehearsal: pytest runs the features, and each scenario is shown once it has ended."""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fsm.cli.output import Output
from fsm.errors import FsmError, Invalid, Problem

if TYPE_CHECKING:
    import pytest
    from pydantic import JsonValue

    from fsm.spec.coverage import Coverage

__all__ = ["Rehearsal", "rehearse"]


def rehearse(output: Output, paths: Sequence[str], covering: bool, wanted: str | None) -> Rehearsal:
    """Have pytest run the features. Raises `Invalid` if it cannot, or if there is none."""
    try:
        import pytest
        import pytest_bdd  # noqa: F401
    except ImportError:
        missing = "`fsm test` needs pytest and pytest-bdd, which are not installed"
        raise Invalid([Problem(missing, "pip install 'fsm[bdd]'")]) from None
    for path in paths:
        _require_feature(path)
    told = Rehearsal(output, wanted or "")
    arguments = [*paths, "-p", "no:cacheprovider", "-o", "python_files=", *_QUIET, *_one_by_one()]
    arguments += ["--fsm-coverage"] if covering else []
    arguments += [word for plugin in _to_be_named() for word in ("-p", plugin)]
    with redirect_stdout(sys.stderr if output.json else sys.stdout):
        code = int(pytest.main(arguments, plugins=[told]))
    if told.defect:
        raise FsmError(f"pytest stopped in mid-work: {told.defect}")
    if code == pytest.ExitCode.INTERRUPTED and not told.errors:
        raise KeyboardInterrupt
    if code == pytest.ExitCode.USAGE_ERROR:
        hint = "mend what is said above, or test a folder with other settings"
        raise Invalid([Problem("pytest does not take its settings here", hint)])
    if code == pytest.ExitCode.NO_TESTS_COLLECTED:
        where = " or ".join(paths)
        what = f"no scenario whose name has `{wanted}` in it" if wanted else "no feature"
        hint = "name one, or write one beside a plan: fsm spec generate PLAN"
        raise Invalid([Problem(f"there is {what} in {where}", hint)])
    if code == pytest.ExitCode.OK and not told.scenarios:
        hint = "such as `--collect-only` in its `addopts`: test a folder with other settings"
        raise Invalid([Problem("the settings of pytest here keep it from running anything", hint)])
    told.exit_code = {0: 0, 1: 1}.get(code, 2)
    return told


def _require_feature(path: str) -> None:
    """Raises `Invalid` if that is neither a folder nor a feature that pytest can be given."""
    if not os.path.exists(path):  # noqa: PTH110 (of a name that no file can have, Path raises)
        raise Invalid([Problem(f"there is no `{path}`", "name a feature, or a folder of them")])
    file = Path(path)
    if file.is_file() and file.suffix != ".feature":
        beside = file.with_suffix(".feature")
        hint = f"write one: fsm spec generate {path}"
        if beside.is_file():
            hint = f"did you mean `{beside}`?"
        raise Invalid([Problem(f"`{path}` is no feature", hint)])
    if "[" in path or "::" in path:
        what = f"pytest takes no `{path}`, for the `[` or `::` in it"
        raise Invalid(
            [Problem(what, "rename it, or give the command in its folder, without a name")]
        )


_QUIET = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
"""That parts of fsm and of pytest-bdd are loaded before is no matter of whoever wrote the features."""


def _to_be_named() -> Sequence[str]:
    """The plugins that pytest does not find by itself here."""
    from importlib.metadata import entry_points

    if os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD"):
        return ("pytest_bdd.plugin", "fsm.bdd.plugin")
    found = {entry.value for entry in entry_points(group="pytest11")}
    return [] if "fsm.bdd.plugin" in found else ["fsm.bdd.plugin"]


def _one_by_one() -> Sequence[str]:
    """What keeps scenarios in this process, where a project has its tests run in several."""
    from importlib.util import find_spec

    is_loaded = find_spec("xdist") and not os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    return ("-n", "0") if is_loaded else ()


class Rehearsal:
    """What pytest tells, as its plugin: each scenario is shown once it has ended.

    Only those are run that have `wanted` in their name, in whatever case.
    """

    def __init__(self, output: Output, wanted: str) -> None:
        self._output = output
        self._wanted = wanted.casefold()
        self._began = time.monotonic()
        self._root = Path.cwd()
        self._file = ""
        self._failures: dict[str, str] = {}
        self._skipped: set[str] = set()
        self._names: dict[str, str] = {}
        self.scenarios: list[dict[str, JsonValue]] = []
        self.errors: list[str] = []
        self.coverage: dict[str, Coverage] = {}
        self.defect = ""
        self.exit_code = 0

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Nothing but this tells of the tests, not even what a conftest.py printed so far."""
        self._root = session.config.rootpath
        capture: Any = session.config.pluginmanager.get_plugin("capturemanager")
        if capture.is_globally_capturing():
            capture.read_global_capture()
        reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            from _pytest.config import create_terminal_writer

            reporter._tw = create_terminal_writer(session.config, io.StringIO())

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Only those that are wanted; pytest's own `-k` takes an expression about names of functions."""
        self._names = {i.nodeid: str(dict(i.user_properties).get("scenario", "")) for i in items}
        items[:] = [i for i in items if self._wanted in self._names[i.nodeid].casefold()]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A feature that cannot be read."""
        if report.failed:
            self.errors.append(str(report.longrepr).removeprefix("CollectError: ").strip())

    def pytest_internalerror(self, excrepr: object) -> None:
        """Something is wrong with a plugin, or with this one."""
        self.defect = str(excrepr).strip().splitlines()[-1]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A part of a scenario: the last is its teardown."""
        if report.failed and report.nodeid not in self._failures:
            self._failures[report.nodeid] = str(report.longrepr)
        if report.skipped:
            self._skipped.add(report.nodeid)
        if report.when == "call":
            self._cover(report)
        if report.when != "teardown":
            return
        name = self._names.get(report.nodeid) or report.nodeid.partition("::")[2]
        file = os.path.relpath(self._root / report.nodeid.partition("::")[0])
        told = dict(report.user_properties)
        failure = self._failures.get(report.nodeid)
        skipped = report.nodeid in self._skipped
        scenario: dict[str, JsonValue] = {
            "feature": file,
            "scenario": str(told.get("scenario", name)),
            "line": int(str(told.get("line", 0))),
            "holds": failure is None and not skipped,
            "skipped": skipped,
            "failure": failure or "",
        }
        self.scenarios.append(scenario)
        self._show(scenario)

    def _show(self, scenario: dict[str, JsonValue]) -> None:
        if scenario["feature"] != self._file:
            self._file = str(scenario["feature"])
            self._output.line(self._file)
        mark = "-" if scenario["skipped"] else "✓" if scenario["holds"] else "✗"
        name = self._output.styled(f"{mark} {scenario['scenario']}")
        self._output.line(f"  {name}")
        _, _, failure = str(scenario["failure"]).partition("\n")
        for line in failure.splitlines():
            self._output.line(f"    {line}".rstrip())

    def _cover(self, report: pytest.TestReport) -> None:
        for key, value in report.user_properties:
            if key != "fsm-coverage":
                continue
            from fsm.spec.coverage import Coverage

            found = Coverage.from_json(value)  # type: ignore[arg-type]
            if found.file in self.coverage:
                self.coverage[found.file].add(found)
            else:
                self.coverage[found.file] = found
