"""`fsm test`: has pytest run features, and tells of each scenario in fsm's own words."""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fsm.cli import coverage
from fsm.cli.options import json_option
from fsm.cli.output import Output
from fsm.errors import FsmError, Invalid, Problem

if TYPE_CHECKING:
    import pytest
    from pydantic import JsonValue

    from fsm.spec.coverage import Coverage

__all__ = ["test_"]


@click.command("test")
@click.argument("paths", metavar="[PATH]…", nargs=-1, type=click.Path())
@click.option(
    "--coverage", "covering", is_flag=True, help="Tell what of plans and machines was exercised."
)
@click.option(
    "--fail-under",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="Fail if less than that of any plan or machine was exercised.",
)
@click.option(
    "--diagram",
    "drawing",
    metavar="FILE",
    type=click.Path(),
    help="Write the plan or machine to FILE, coloured by what was exercised: .svg, .png, .mmd or .dot.",
)
@click.option(
    "--view",
    type=click.Choice(coverage.VIEWS),
    default="plan",
    show_default=True,
    help="What of a plan --diagram draws.",
)
@click.option("-k", "wanted", metavar="TEXT", help="Only scenarios whose name has TEXT in it.")
@click.option("--sentences", is_flag=True, help="List every sentence there is instead.")
@json_option
def test_(
    paths: tuple[str, ...],
    covering: bool,
    fail_under: float | None,
    drawing: str | None,
    view: str,
    wanted: str | None,
    sentences: bool,
    as_json: bool,
) -> int:
    """Rehearse the features at PATH, or in this folder: nothing is really done.

    A feature is a file such as `release.feature`, beside the plan or machine that it is about. Scenarios
    tagged @real run the real actions, in a temporary folder. A conftest.py there is loaded, as by pytest,
    and so is the code of skills that the plan names. Needs pip install 'fsm[bdd]'.

    \b
    Exit codes: 0 all holds   1 a scenario fails, or too little is exercised   2 a feature cannot be read
    """
    output = Output(json=as_json)
    if sentences:
        _list_sentences(output)
        return 0
    watched = covering or fail_under is not None or drawing is not None
    told = _run(output, paths or (".",), watched, wanted)
    covered = list(told.coverage.values())
    too_little = [c for c in covered if fail_under is not None and c.percent < fail_under]
    code = told.exit_code or (1 if too_little else 0)
    output.document(
        {
            "exit_code": code,
            "scenarios": [*told.scenarios],
            "errors": [*told.errors],
            "coverage": [c.as_json() for c in covered],
        }
    )
    _show(output, told, covered, too_little, fail_under)
    if drawing is not None:
        coverage.draw(covered, drawing, view)
        output.line(f"✓ {drawing} drawn")
    return code


def _run(output: Output, paths: Sequence[str], covering: bool, wanted: str | None) -> _Told:
    try:
        import pytest
        import pytest_bdd  # noqa: F401
    except ImportError:
        missing = "`fsm test` needs pytest and pytest-bdd, which are not installed"
        raise Invalid([Problem(missing, "pip install 'fsm[bdd]'")]) from None
    for path in paths:
        _require_feature(path)
    told = _Told(output, wanted or "")
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


class _Told:
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


def _show(
    output: Output,
    told: _Told,
    covered: Sequence[Coverage],
    too_little: Sequence[Coverage],
    fail_under: float | None,
) -> None:
    for error in told.errors:
        output.line(f"✗ {error}")
    coverage.show(output, covered)
    skipped = sum(bool(scenario["skipped"]) for scenario in told.scenarios)
    failed = sum(not scenario["holds"] for scenario in told.scenarios) - skipped
    count = len(told.scenarios)
    what = f"{count} scenario{'s' if count != 1 else ''}"
    ended = f"{failed} failed" if failed else "all others hold" if skipped else "all hold"
    if skipped:
        ended = f"{skipped} skipped, {ended}"
    if told.errors:
        ended = f"{len(told.errors)} feature{'s' if len(told.errors) > 1 else ''} could not be read"
    output.line()
    bad = failed or told.errors or too_little
    output.line(f"{'✗' if bad else '✓'} {what}: {ended} ({told.seconds:.1f}s)")
    for each in too_little:
        output.line(
            f"✗ {os.path.relpath(each.file)}: {each.percent:.1f} % exercised, less than {fail_under:g} %"
        )


def _list_sentences(output: Output) -> None:
    from fsm.spec.words import CHAPTERS

    chapters: dict[str, JsonValue] = {
        title: [
            {"keywords": list(s.keywords), "sentence": s.shown, "means": s.means}
            for s in words.sentences
        ]
        for title, words in CHAPTERS.items()
    }
    output.document({"sentences": chapters})
    for title, words in CHAPTERS.items():
        output.line(f"{title}\n")
        for sentence in words.sentences:
            output.line(f"  {' or '.join(sentence.keywords)} {sentence.shown}")
            output.line(f"      {sentence.means}")
        output.line()
