"""The pytest plugin `fsm`: features about plans and machines are collected without any glue module.

A feature is taken if it is named on the command line, if it stands beside a plan or a machine of its own
name, or if it says `the plan "FILE"` or `the machine "FILE"`; the ini value `fsm_features` says `all` or
`none` instead.
What a glue module has collected by `scenarios` stays with it. Steps of a project's own (conftest.py) may be
used beside the vocabulary, and come before it.

It is loaded by every pytest where fsm is installed: until there is a feature to take, it imports nothing
else of fsm.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from fsm.bdd.features import FeatureFile

__all__: list[str] = []

_SPEAKS_OF = re.compile(
    rb'^\s*\S+\s+the (?:approved )?(?:plan|machine) "[^"\n]+\.(?:ya?ml|json)"', re.MULTILINE
)
_DECLARES = re.compile(
    rb"""^(?:\{?\s*["'])?(?:plan|workflow_?id|phases|states|rows)["']?\s*:""",
    re.MULTILINE | re.IGNORECASE,
)
"""A key by which a file is a plan, phases or a machine: others have data beside their features, too."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(
        "fsm_features",
        "which .feature files fsm collects: auto (those about a plan or a machine), all, none",
        default="auto",
    )
    parser.getgroup("fsm").addoption(
        "--fsm-stage",
        choices=["rehearsal", "executor"],
        default="rehearsal",
        help="where scenarios happen that are not @real: on the pure core, or on the real executor with "
        "scripted actions",
    )
    parser.getgroup("fsm").addoption(
        "--fsm-coverage",
        action="store_true",
        help="keep what scenarios exercised of plans and machines, for `fsm test --coverage`",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "real: the scenario runs real actions in a temporary folder")
    if _has_pytest_bdd(config):
        from fsm.bdd import steps

        config.pluginmanager.register(steps, "fsm-steps")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> FeatureFile | None:
    if file_path.suffix != ".feature" or not _is_taken(file_path, parent):
        return None
    if not _has_pytest_bdd(parent.config):
        raise pytest.UsageError(f"{file_path.name} needs pytest-bdd: pip install 'fsm[bdd]'")
    from fsm.bdd import telling
    from fsm.bdd.features import FeatureFile

    plugins = parent.config.pluginmanager
    if not plugins.has_plugin("fsm-telling"):
        plugins.register(telling, "fsm-telling")
    return FeatureFile.from_parent(parent, path=file_path)


def _has_pytest_bdd(config: pytest.Config) -> bool:
    # Under its own name it is what pytest finds by itself, under its module's what `-p` names.
    return any(map(config.pluginmanager.has_plugin, ("pytest-bdd", "pytest_bdd.plugin")))


def _is_taken(path: Path, parent: pytest.Collector) -> bool:
    wanted = parent.config.getini("fsm_features")
    if wanted == "none":
        return False
    if wanted == "all" or parent.session.isinitpath(path):
        return True
    beside = (path.with_suffix(suffix) for suffix in (".yaml", ".yml", ".json"))
    return _has(_SPEAKS_OF, path) or any(_has(_DECLARES, file) for file in beside)


def _has(pattern: re.Pattern[bytes], path: Path) -> bool:
    try:
        return path.is_file() and pattern.search(path.read_bytes()) is not None
    except OSError:
        return False
