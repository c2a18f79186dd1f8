"""Drawings painted: what stands in the SVG, whatever the names are, and what happens without a painter."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsm.errors import FsmError, Invalid
from fsm.machine import load_table
from fsm.plan.model import Plan
from fsm.views.drawings import picture
from fsm.views.drawings.dot import attributes, html_text
from fsm.views.drawings.drawing import MOST_ARROWS, PAINTS, Arrow, Box, Cluster, Drawing, Mark
from fsm.views.drawings.letters import text_width
from fsm.views.drawings.picture import paint, pure_painter
from fsm.views.drawings.plan import plan_drawing

from .drawn import as_text, machine_diagram, plan_diagram

PlanOf = Callable[..., Plan]
SVG = "{http://www.w3.org/2000/svg}"
PLAIN_TAGS = {SVG + name for name in ("svg", "title", "style", "g", "text", "path", "polygon")}
PLAIN_TAGS |= {SVG + name for name in ("ellipse", "polyline")}
HOSTILE = st.one_of(
    st.text(max_size=30),
    st.text(alphabet="\"'`<>[](){}|#;&%\\/\n\r\t:-=~$@*_.!,\x1b eEnN", max_size=30),
    st.sampled_from(
        ["<script>alert(1)</script>", "\\N\\G\\E\\T", "]]>", "&#60;b>", '"]; x [label="', "\ud800"]
    ),
)


def painted(drawing: Drawing) -> ET.Element:
    return ET.fromstring(paint(as_text(drawing, "dot"), "svg", pure_painter()))


def titles(root: ET.Element) -> dict[str, str]:
    """The title of each group that has an id."""
    return {
        group.attrib["id"]: group.findtext(f"{SVG}title") or ""
        for group in root.iter(f"{SVG}g")
        if "id" in group.attrib
    }


def test_each_state_is_a_group_with_its_name_as_id_and_its_meaning_as_title() -> None:
    root = ET.fromstring(paint(machine_diagram(load_table("plan"), "dot"), "svg"))
    found = titles(root)
    assert set(found) == {f"state-{name}" for name in load_table("plan").states}
    assert found["state-paused"] == "paused: nothing is started; a person decides"
    assert root.findtext(f"{SVG}title") == "plan machine"


def test_each_step_is_a_group_with_its_id_and_its_facts_as_title(plan_of: PlanOf) -> None:
    root = ET.fromstring(paint(plan_diagram(plan_of({"id": "a.b_c-D"}, {}), "dot"), "svg"))
    assert titles(root)["step-a.b_c-D"] == "1 s1 (a.b_c-D)\nrun: true\nno rollback"


@settings(max_examples=40, deadline=None)
@given(text=HOSTILE, other=HOSTILE)
def test_no_text_acts_in_a_picture(text: str, other: str) -> None:
    boxes = [Box(text, (other,), "risky", other, "step-x"), Box(other, colour="bad", tooltip=text)]
    arrows = [Arrow(0, 1, (text, other), "scenario", other)]
    drawing = Drawing(text, boxes, arrows, subtitle=other, clusters=[Cluster(text, (0,))])
    root = painted(drawing)
    assert {element.tag for element in root.iter()} <= PLAIN_TAGS
    for element in root.iter():
        assert not [name for name in element.attrib if name.startswith("on") or "href" in name]
    [style] = root.iter(f"{SVG}style")
    assert re.fullmatch(r"[\sA-Za-z0-9.,:;#%\"=\[\]{}()@-]*", style.text or "")


@settings(max_examples=40, deadline=None)
@given(text=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=30))
def test_a_picture_says_what_the_text_says(text: str) -> None:
    root = painted(Drawing("t", [Box(text, tooltip=f"tip {text}", id="step-x")], []))
    said = "".join(element.text or "" for element in root.iter(f"{SVG}text"))
    assert said == f"t{text}"
    assert titles(root)["step-x"] == f"tip {text}"


@pytest.mark.parametrize("bold", [True, False])
def test_a_text_is_as_wide_as_the_box_was_made_for(bold: bool) -> None:
    """The painter's own measure of each character: a box of ten of them without a margin."""
    for char in (*map(chr, range(33, 127)), "…"):
        text = html_text(char * 10)
        label = f"<b>{text}</b>" if bold else text
        about = attributes(shape="box", margin="0", width="0", fontname="Helvetica", fontsize="10")
        plain = subprocess.run(
            [pure_painter(), "-Tplain"],
            input=f"digraph {{ node [{about}] a [label=<{label}>] }}".encode(),
            capture_output=True,
        )
        width = float(plain.stdout.split()[8]) * 72
        assert text_width(char * 10, 10.0, bold=bold) == pytest.approx(width, abs=0.5), char
    assert text_width("日本", 10.0) is None


@pytest.mark.parametrize("text", ["\\", "\\N", "\\\\N", "\\n", "a\\\\", "\\E\\T\\G\\L"])
def test_a_tooltip_keeps_its_backslashes(text: str) -> None:
    root = painted(Drawing("t", [Box("b", tooltip=text, id="step-x")], []))
    assert titles(root)["step-x"] == text


def test_every_colour_is_turned_over_in_the_dark() -> None:
    boxes = [Box(colour, colour=colour) for colour in PAINTS]
    boxes += [Box("risky", kind="risky"), Box("final", kind="final")]
    root = painted(Drawing("t", boxes, [Arrow(0, 1, kind="scenario")], initial=0))
    [style] = root.iter(f"{SVG}style")
    light, _, dark = (style.text or "").partition("prefers-color-scheme: dark")
    assert "fill" not in light
    for element in root.iter():
        for name in ("fill", "stroke"):
            value = element.get(name)
            assert value in (None, "none") or f'[{name}="{value}"]' in dark


def test_the_same_drawing_gives_the_same_picture(plan_of: PlanOf) -> None:
    drawn = plan_diagram(plan_of({}, {}), "dot", {"s1": Mark("good", ("completed",))})
    for kind in ("svg", "png"):
        assert paint(drawn, kind, pure_painter()) == paint(drawn, kind, pure_painter())  # type: ignore[arg-type]


@pytest.mark.parametrize("chained", [True, False])
def test_a_picture_of_300_steps_fits_a_page_of_letters_that_can_be_read(
    plan_of: PlanOf, chained: bool
) -> None:
    steps = [{"depends_on": [f"s{n - 4}"]} if n > 4 and not chained else {} for n in range(1, 301)]
    png = paint(plan_diagram(plan_of(*steps), "dot"), "png", pure_painter())
    width, height = struct.unpack(">II", png[16:24])
    assert png.startswith(b"\x89PNG")
    assert width < 4000
    assert height < 16000
    assert b"DOCTYPE" not in paint(plan_diagram(plan_of(*steps), "dot"), "svg")


def test_without_a_painter_the_error_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(Invalid, match=r"pictures need a program.*pip install 'fsm\[pictures\]'"):
        paint("digraph {}", "svg")


def test_graphviz_is_taken_if_it_is_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dot = tmp_path / "dot"
    dot.write_text("#!/bin/sh\ncat > /dev/null\nprintf painted\n")
    dot.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert paint("digraph {}", "png") == b"painted"


def test_a_painter_that_goes_on_and_on_is_ended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    slow = tmp_path / "slow"
    slow.write_text(f"#!{sys.executable}\nwhile True: pass\n")
    slow.chmod(0o755)
    monkeypatch.setattr(picture, "LONGEST_SECONDS", 0.2)
    with pytest.raises(Invalid, match=r"slow took more than .*--format mermaid"):
        paint("digraph {}", "svg", str(slow))


def test_a_painter_that_fails_says_why(tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    bad.write_text("#!/bin/sh\necho no memory >&2\nexit 1\n")
    bad.chmod(0o755)
    with pytest.raises(FsmError, match="bad cannot draw it: no memory"):
        paint("digraph {}", "svg", str(bad))


def test_letters_that_the_painter_has_no_picture_of_are_known() -> None:
    assert picture.lacks_letters("/bin/graphviz-pure", "日本")
    assert picture.lacks_letters("/bin/graphviz-pure", "✓")
    assert not picture.lacks_letters("/bin/graphviz-pure", "ÄÖÜ Ωμέγα Привет …")
    assert not picture.lacks_letters("/usr/bin/dot", "日本")


def test_more_arrows_than_can_be_painted_in_time_are_drawn_in_groups(plan_of: PlanOf) -> None:
    steps = [{"depends_on": [f"s{m}" for m in range(max(1, n - 8), n)]} for n in range(1, 300)]
    assert plan_drawing(plan_of(*steps), MOST_ARROWS["svg"]).boxes[0].title == "layers 1-13"
    assert len(plan_drawing(plan_of(*steps), MOST_ARROWS["dot"]).boxes) == 299
