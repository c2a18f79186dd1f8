"""The command about skills: which there are, and what one of them can do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from fsm.cli.options import json_option, skills_option
from fsm.cli.output import Output

__all__ = ["skills_"]


@click.command("skills")
@click.argument("name", metavar="[NAME]", required=False)
@click.option(
    "--plan", metavar="FILE", help="As that plan finds them, with those that it names itself."
)
@skills_option
@json_option
def skills_(name: str | None, plan: str | None, skills: Sequence[str], as_json: bool) -> None:
    """List the skills that plans here can use, or explain one.

    Told are its actions, their parameters, needs and risks.
    """
    from fsm.app.skill_listing import explained, library_of, listed
    from fsm.views.skills import listing_json, listing_text, skill_json, skill_text

    output = Output(json=as_json)
    library = library_of(Path(plan) if plan else None, skills)
    if name is None:
        found = listed(library)
        output.document(listing_json(found))
        output.line(listing_text(found))
    else:
        spec = explained(library, name)
        output.document(skill_json(spec))
        output.line(skill_text(spec))
