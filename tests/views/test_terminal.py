"""Drawings in a terminal: bounded in width, time and size, whatever the names are."""

from __future__ import annotations

import importlib.util
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsm.views.cells import cells
from fsm.views.columns import columns
from fsm.views.drawings import terminal
from fsm.views.drawings.drawing import Arrow, Box, Drawing
from fsm.views.drawings.terminal import MOST_BOXES, drawing_table, drawn

SMALL = Drawing("t", [Box("1 a"), Box("2 b")], [Arrow(0, 1, short="go")])


def test_boxes_and_arrows_with_their_words() -> None:
    assert drawn(SMALL, 80).splitlines() == [
        "╭────╮go  ╭────╮",
        "│1 a ├───►│2 b │",
        "╰────╯    ╰────╯",
    ]


def test_an_arrow_back_to_its_own_box_is_left_to_the_table() -> None:
    loop = Arrow(0, 0, short="again")
    assert drawn(Drawing("t", SMALL.boxes, [*SMALL.arrows, loop]), 80) == drawn(SMALL, 80)


def test_what_is_too_wide_is_not_drawn() -> None:
    many = [Box(f"{n} {'x' * 20}") for n in range(20)]
    arrows = [Arrow(0, n) for n in range(1, 20)]
    assert drawn(Drawing("t", many, arrows), 30).startswith("(it does not fit into 30 columns")


def test_too_many_boxes_are_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "_painted", lambda *_: pytest.fail("it was tried"))
    many = [Box(f"{n}") for n in range(MOST_BOXES + 1)]
    assert drawn(Drawing("t", many, []), 80).startswith(f"({MOST_BOXES + 1} boxes are too many")


def test_what_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "_BOUNDED", "while True: pass")
    monkeypatch.setattr(terminal, "LONGEST_SECONDS", 0.2)
    assert "takes too long" in drawn(SMALL, 80)


def test_what_takes_too_long_is_not_tried_the_other_way(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []
    monkeypatch.setattr(terminal, "_painted", lambda _, direction, __: tried.append(direction))
    assert "takes too long" in drawn(SMALL, 80)
    assert len(tried) == 1


def test_what_takes_too_much_memory_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    greedy = terminal._BOUNDED.replace("from termaid", "b'x' * (2 << 30); from termaid")
    monkeypatch.setattr(terminal, "_BOUNDED", greedy)
    assert drawn(SMALL, 80).startswith("(it does not fit")


def test_without_termaid_the_line_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert drawn(SMALL, 80) == "(to see it drawn here: pip install 'fsm[pictures]')"


HOSTILE: Any = st.one_of(
    st.text(max_size=24),
    st.sampled_from(['"); x("y', "end", "#35;", "\x1b[31mred", "<br/>", "|a|", "%%", "\ud800"]),
)


@settings(max_examples=15, deadline=None)
@given(text=HOSTILE, other=HOSTILE)
def test_no_text_acts_in_a_terminal(text: str, other: str) -> None:
    drawing = Drawing(text, [Box(text), Box(other)], [Arrow(0, 1, short=other)])
    shown = drawn(drawing, 80) + drawing_table(drawing, 80)
    assert not [char for char in shown if unicodedata.category(char) == "Cc" and char != "\n"]
    assert max(map(cells, drawn(drawing, 80).split("\n"))) <= 110


@given(
    rows=st.lists(st.tuples(st.text(), st.text(), st.text()), min_size=1),
    width=st.integers(40, 120),
)
def test_columns_fit_the_width(rows: list[tuple[str, str, str]], width: int) -> None:
    assert max(map(cells, columns(rows, width)), default=0) <= width
