"""The vocabulary: documented, stable, and never in the way of a project's own sentences.

`python tests/spec/test_sentences.py` writes `specs/sentences.md` anew.
"""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
from pytest_bdd.parser import FeatureParser
from pytest_bdd.steps import step_function_context_registry

from fsm.spec.sentences import Sentence
from fsm.spec.words import CHAPTERS, VOCABULARY

SPECS = Path(__file__).parents[2] / "specs"
LISTED = SPECS / "sentences.md"

OWN = {"plans", "machines"}
"""The folders of `specs` whose features are told in the vocabulary alone."""


def listed() -> str:
    """The page that lists every sentence."""
    lines = [
        "# The sentences of specifications",
        "",
        "What a feature beside a plan or a machine may say (`fsm test --sentences`). Words in capitals",
        'stand for yours. `somebody` may be a name in quotes: `"ann" runs the plan`. `And` and `But` go on',
        "with the keyword before them. States are those of the tables, with blanks: `rolled back`.",
    ]
    for title, words in CHAPTERS.items():
        lines += [
            "",
            f"## {title}",
            "",
            "| after | sentence | what it does |",
            "| --- | --- | --- |",
        ]
        for sentence in words.sentences:
            keywords = ", ".join(sentence.keywords)
            lines.append(f"| {keywords} | {_code(sentence.shown)} | {sentence.means} |")
    return "\n".join(lines) + "\n"


def _code(text: str) -> str:
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def said(sentence: Sentence) -> str:
    """The sentence as an author would say it."""
    text = sentence.shown.replace("(s)", "s").replace("(es)", "es")
    return text.replace("STATE", "completed").replace("DURATION", "5m").replace(" N ", " 3 ")


def test_every_sentence_is_listed() -> None:
    assert LISTED.read_text() == listed(), "write it anew: python tests/spec/test_sentences.py"


@pytest.mark.parametrize("sentence", VOCABULARY.sentences, ids=lambda s: s.shown)
def test_a_sentence_as_it_is_shown_finds_itself_and_no_other(sentence: Sentence) -> None:
    text = said(sentence).removesuffix(" N") + (" 3" if sentence.shown.endswith(" N") else "")
    assert sentence.arguments(text) is not None, text
    for keyword in sentence.keywords:
        fitting = [
            other.shown
            for other in VOCABULARY.sentences
            if keyword in other.keywords and other.arguments(text) is not None
        ]
        assert fitting == [sentence.shown]


def test_no_two_sentences_are_shown_alike() -> None:
    for one, other in combinations(VOCABULARY.sentences, 2):
        if set(one.keywords) & set(other.keywords):
            assert one.shown != other.shown


def test_each_says_what_it_does_in_a_line() -> None:
    for sentence in VOCABULARY.sentences:
        assert 0 < len(sentence.means) <= 90, sentence.shown
        assert sentence.means[0] == sentence.means[0].lower() or sentence.means[:4] == "NAME"


def test_the_features_beside_plans_and_machines_use_no_other_sentence() -> None:
    features = [path for folder in OWN for path in (SPECS / folder).glob("*.feature")]
    assert len(features) > 5
    for path in features:
        feature = FeatureParser(str(path.parent), path.name).parse()
        for scenario in feature.scenarios.values():
            for step in scenario.render({}).steps:
                if "<" not in step.name:
                    assert VOCABULARY.find(step.type, step.name), f"{path.name}: {step.name}"


def test_the_other_features_of_this_project_say_nothing_of_it() -> None:
    import specs.conftest  # noqa: F401  registers the project's own sentences

    own = list(step_function_context_registry.values())
    assert len(own) > 50
    for path in SPECS.glob("*.feature"):
        feature = FeatureParser(str(path.parent), path.name).parse()
        for scenario in feature.scenarios.values():
            for step in scenario.render({}).steps:
                found = VOCABULARY.find(step.type, step.name)
                assert found is None, f"{path.name}: {step.name}"


if __name__ == "__main__":
    LISTED.write_text(listed())
