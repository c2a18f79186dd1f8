"""Sentences of specifications: how they are written, found, and missed with the nearest ones named."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

__all__ = ["KEYWORDS", "Keyword", "Said", "Sentence", "Vocabulary"]

Keyword = Literal["Given", "When", "Then"]
KEYWORDS: Sequence[Keyword] = ("Given", "When", "Then")

Act = Callable[..., None]
"""Takes the story, the sentence's arguments by name, and `docstring` if its sentence ends with a colon."""

_HOLE = re.compile(r'"\{(?P<quoted>\w+)\}"|\{(?P<name>\w+):(?P<kind>\w+)\}')

_QUOTED = r'"[^"]*"'
_KINDS: Mapping[str, tuple[str, str, Callable[[str], object]]] = {
    "number": (r"\d+", "N", int),
    "duration": (r"[0-9][0-9a-z.]*", "DURATION", str),
    "state": (r"[a-z][a-z _]*", "STATE", lambda text: text.replace(" ", "_")),
    "who": (rf"(?:somebody|{_QUOTED})", "somebody", lambda text: text.strip('"')),
    "names": (
        rf"{_QUOTED}(?:, {_QUOTED})*(?: and {_QUOTED})?",
        '"A", "B" and "C"',
        lambda text: re.findall(r'"([^"]*)"', text),
    ),
    "command": (r"`[^`]+`", "`COMMAND`", lambda text: text.strip("`")),
}


@dataclass(frozen=True)
class Sentence:
    """One sentence that a specification may use; `text` holds `"{name}"` and `{name:kind}` where it varies.

    `keywords` are those it may follow; `means` says in a line what it does.
    """

    keywords: tuple[Keyword, ...]
    text: str
    means: str
    act: Act

    @property
    def shown(self) -> str:
        """The sentence as people are shown it: `the step "STEP" fails`."""

        def hole(match: re.Match[str]) -> str:
            if match["quoted"]:
                return f'"{match["quoted"].upper()}"'
            return _KINDS[match["kind"]][1]

        return _HOLE.sub(hole, self.text)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        pattern, at = "", 0
        for hole in _HOLE.finditer(self.text):
            pattern += _literal(self.text[at : hole.start()])
            if hole["quoted"]:
                pattern += f'"(?P<{hole["quoted"]}>[^"]*)"'
            else:
                pattern += f"(?P<{hole['name']}>{_KINDS[hole['kind']][0]})"
            at = hole.end()
        return re.compile(pattern + _literal(self.text[at:]))

    @cached_property
    def _read(self) -> Mapping[str, Callable[[str], object]]:
        holes = _HOLE.finditer(self.text)
        return {hole["name"]: _KINDS[hole["kind"]][2] for hole in holes if hole["name"]}

    def arguments(self, said: str) -> dict[str, Any] | None:
        """The arguments in what was said; `None` if this sentence was not said."""
        match = self._pattern.fullmatch(said)
        if match is None:
            return None
        return {name: self._read.get(name, str)(text) for name, text in match.groupdict().items()}


@dataclass(frozen=True)
class Said:
    """A sentence with its arguments, ready to be acted on."""

    sentence: Sentence
    arguments: Mapping[str, Any]

    def act(self, story: object, docstring: str | None = None) -> None:
        """Do or check what was said."""
        more = {"docstring": docstring or ""} if self.sentence.text.endswith(":") else {}
        self.sentence.act(story, **self.arguments, **more)


class Vocabulary:
    """The sentences there are, in the order in which they are listed; those of the parts first."""

    def __init__(self, *parts: Vocabulary) -> None:
        self.sentences: list[Sentence] = [sentence for part in parts for sentence in part.sentences]

    def add(self, *keywords: Keyword, text: str, means: str) -> Callable[[Act], Act]:
        """Register the function that acts on this sentence."""

        def register(act: Act) -> Act:
            self.sentences.append(Sentence(keywords, text, means, act))
            return act

        return register

    def given(self, text: str, means: str) -> Callable[[Act], Act]:
        """A sentence that arranges something before anything happens."""
        return self.add("Given", text=text, means=means)

    def arranging(self, text: str, means: str) -> Callable[[Act], Act]:
        """A sentence that arranges what is to come: before anything happens, or between commands."""
        return self.add("Given", "When", text=text, means=means)

    def when(self, text: str, means: str) -> Callable[[Act], Act]:
        """A sentence that makes something happen."""
        return self.add("When", text=text, means=means)

    def then(self, text: str, means: str) -> Callable[[Act], Act]:
        """A sentence that checks what happened."""
        return self.add("Then", text=text, means=means)

    def find(self, keyword: str, text: str) -> Said | None:
        """The sentence said after `keyword` (in any case); `None` if there is none."""
        keyword = keyword.capitalize()
        for sentence in self.sentences:
            if keyword in sentence.keywords:
                arguments = sentence.arguments(text)
                if arguments is not None:
                    return Said(sentence, arguments)
        return None

    def keywords(self, text: str) -> list[str]:
        """After which keywords it would be a sentence."""
        return [each for each in ("Given", "When", "Then") if self.find(each, text) is not None]

    def nearest(self, keyword: str, text: str, most: int = 3) -> list[str]:
        """The sentences that are most like what was said, each with its keyword, the nearest first."""
        from difflib import SequenceMatcher

        keyword = keyword.capitalize()
        shape = _shape(text)
        matcher = SequenceMatcher(autojunk=False)
        matcher.set_seq2(shape)
        words = _stems(shape)
        rated: list[tuple[float, str]] = []
        for sentence in self.sentences:
            other = _shape(sentence.shown)
            matcher.set_seq1(other)
            shared = len(words & _stems(other)) / len(words | _stems(other))
            ratio = matcher.ratio() + shared + (0.3 if keyword in sentence.keywords else 0)
            if ratio > 0.9:
                own = keyword if keyword in sentence.keywords else sentence.keywords[0]
                rated.append((ratio, f"{own} {sentence.shown}"))
        rated.sort(key=lambda rating: -rating[0])
        return [shown for _, shown in rated[:most]]

    def listed(self) -> Iterator[tuple[str, str]]:
        """Each sentence as it is written, with its keywords, and what it means."""
        for sentence in self.sentences:
            yield f"{' or '.join(sentence.keywords)} {sentence.shown}", sentence.means


def _literal(text: str) -> str:
    """The pattern of a text; `(s)` and `(es)` may be left out."""
    return re.sub(r"\\\((e?s)\\\)", r"(?:\1)?", re.escape(text))


def _shape(text: str) -> str:
    """The sentence without its arguments, so that only its words are compared."""
    text = re.sub(r'"[^"]*"', '"X"', text.rstrip(":"))
    return re.sub(r"\b\d\w*|\b(?:N|DURATION|STATE)\b", "N", text).lower()


def _stems(shape: str) -> set[str]:
    return {word[:3] for word in re.findall(r"\w+", shape)}
