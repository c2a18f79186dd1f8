"""The vocabulary: every sentence there is, by what it speaks of. Documented, and stable."""

from __future__ import annotations

from fsm.errors import Invalid, Problem
from fsm.spec.sentences import Vocabulary
from fsm.spec.story import Story
from fsm.spec.words import answers, commands, findings, folder, machines, outcomes, plans

__all__ = ["CHAPTERS", "VOCABULARY", "tell", "unknown"]

CHAPTERS = {
    "The plan": plans.words,
    "What will happen to its steps": outcomes.words,
    "What people ask for": commands.words,
    "What came of it": Vocabulary(findings.words, answers.words),
    "The folder of a @real scenario": folder.words,
    "Machines of your own": machines.words,
}
"""The sentences by what they speak of, in the order in which they are listed."""

VOCABULARY = Vocabulary(*CHAPTERS.values())


def tell(story: Story, keyword: str, text: str, docstring: str | None = None) -> None:
    """Act on one sentence. Raises `Invalid` if there is no such sentence, `Mismatch` if it does not hold."""
    said = VOCABULARY.find(keyword, text)
    if said is None:
        raise unknown(keyword, text)
    said.act(story, docstring)


def unknown(keyword: str, text: str) -> Invalid:
    """What is said of a sentence that nobody knows: the nearest ones, or what it is said after."""
    after = VOCABULARY.keywords(text)
    if after:
        what = f"no such sentence is said after {keyword.capitalize()}"
        hint = f"this one is said after {' or '.join(after)}; And and But go on with the keyword before them"
        return Invalid([Problem(what, hint)])
    near = VOCABULARY.nearest(keyword, text)
    shown = "".join(f"\n    {sentence}" for sentence in near)
    hint = f"the nearest are:{shown}" if near else "see them all with: fsm test --sentences"
    return Invalid([Problem("there is no such sentence", hint)])
