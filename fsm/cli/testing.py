"""`fsm test`: rehearses features, and tells what came of it in fsm's own words."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from fsm.cli import coverage
from fsm.cli.options import json_option
from fsm.cli.output import Output
from fsm.cli.rehearsal import Rehearsal, rehearse

if TYPE_CHECKING:
    from pydantic import JsonValue

    from fsm.spec.coverage import Coverage

__all__ = ["test_"]


@click.command("test")
@click.argument("paths", metavar="[PATH]…", nargs=-1, type=click.Path(readable=False))
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
    type=click.Path(readable=False),
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
    """Rehearse the features at PATH; nothing is really done.

    Without PATH it is those in this folder. A feature is a file such as `release.feature`, beside the plan
    or machine that it is about. Scenarios tagged @real run the real actions, in a temporary folder. A
    conftest.py there is loaded, as by pytest, and so is the code of skills that the plan names. Needs pip
    install 'fsm[bdd]'.

    \b
    Exit codes: 0 all holds   1 a scenario fails, or too little is exercised
                2 a feature cannot be read
    """
    output = Output(json=as_json)
    if sentences:
        _list_sentences(output)
        return 0
    watched = covering or fail_under is not None or drawing is not None
    told = rehearse(output, paths or (".",), watched, wanted)
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


def _show(
    output: Output,
    told: Rehearsal,
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
