"""Drawings of machines and plans, in the languages that they are written in."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm.machine import MachineSpec, Row, StateSpec, load_table
from fsm.plan.model import ErrorHandling, Plan
from fsm.run import plan_spec
from fsm.views.drawings.drawing import PAINTS, Arrow, Box, Cluster, Drawing, Mark, Tinted

from .drawn import as_text, machine_diagram, plan_diagram

Format = Literal["mermaid", "dot"]
FORMATS: tuple[Format, ...] = ("mermaid", "dot")
PlanOf = Callable[..., Plan]
UNDO = {"call": {"skill": "shell", "action": "run", "params": {"command": ["false"]}}}


# Machines.


@pytest.mark.parametrize("language", FORMATS)
@pytest.mark.parametrize("table", ["plan", "step"])
def test_every_row_of_a_table_is_in_its_diagram(table: str, language: Format) -> None:
    text = machine_diagram(load_table(table), language)
    for row in load_table(table).rows:
        for name in (row.trigger, row.dest, *row.source, *row.conditions, *row.unless):
            assert name in text


def test_rows_between_the_same_two_states_share_one_arrow_and_loops_stand_inside() -> None:
    spec = MachineSpec(
        name="door",
        initial="closed",
        states={"closed": StateSpec(), "open": StateSpec(final=True)},
        rows=(
            Row(trigger="push", source=("closed",), dest="open", why="x"),
            Row(
                trigger="kick",
                source=("closed",),
                dest="open",
                conditions=("weak",),
                unless=("far",),
                why="x",
            ),
            Row(trigger="knock", source=("closed",), dest="closed", why="x"),
        ),
    )
    assert machine_diagram(spec, "mermaid").splitlines()[4:] == [
        "flowchart TB",
        '  start((" ")):::initial',
        "  start --> s1",
        '  s1("<b>closed</b><br/>stays on<br/>knock")',
        '  s2("<b>◉ open</b>"):::final',
        '  s1 -->|"push<br/>kick [weak, not far]"| s2',
        "  classDef initial fill:#57606a,stroke:#57606a",
        "  classDef final stroke-width:3px",
    ]


@pytest.mark.parametrize("language", FORMATS)
def test_a_row_of_the_error_table_has_a_red_arrow_with_its_scenario(language: Format) -> None:
    text = machine_diagram(load_table("plan"), language)
    for scenario in ("single failure", "multiple failures", "rollback failure"):
        assert scenario in text
    assert "#d1242f" in text
    assert "#d1242f" not in machine_diagram(load_table("step"), language)


@pytest.mark.parametrize("language", FORMATS)
def test_a_plan_s_own_policy_is_drawn(language: Format) -> None:
    own = plan_spec(ErrorHandling(single_failure="continue"))
    text = machine_diagram(own, language)
    assert text != machine_diagram(load_table("plan"), language)
    red = f'<font color="{PAINTS["bad"].line}">'
    stays = {
        "mermaid": "step_failed [tolerated]<br/>single failure#58;<br/>step_failed<br/>",
        "dot": f"{red}single failure:</font><br/>{red}step_failed</font><br/>",
    }
    assert stays[language] in text


# Plans.


@pytest.mark.parametrize("language", FORMATS)
def test_the_diagram_of_a_release(
    release: Plan, snapshot: Callable[[str, str], None], language: Format
) -> None:
    suffix = {"mermaid": "mmd", "dot": "dot"}[language]
    snapshot(f"release.{suffix}", plan_diagram(release, language))


@pytest.mark.parametrize("language", FORMATS)
def test_the_same_plan_gives_the_same_text(release: Plan, language: Format) -> None:
    again = Plan.from_document(release.document)
    assert plan_diagram(again, language) == plan_diagram(release, language)


def test_a_sequential_plan_without_dependencies_is_a_dashed_chain(plan_of: PlanOf) -> None:
    text = plan_diagram(plan_of({}, {}, {}), "mermaid")
    assert "  s1 -.-> s2\n  s2 -.-> s3\n" in text
    assert "-->" not in text
    assert text.count("style=dashed") == 0
    assert plan_diagram(plan_of({}, {}, {}), "dot").count("[style=dashed]") == 2


def test_a_parallel_plan_without_dependencies_has_no_arrows(plan_of: PlanOf) -> None:
    assert "->" not in plan_diagram(plan_of({}, {}, parallel=2), "mermaid")


def test_a_long_chain_is_folded_into_rows(plan_of: PlanOf) -> None:
    text = plan_diagram(plan_of(*[{}] * 20), "dot")
    assert text.count("rank=same") == 5
    assert text.count("style=invis") == 4


def test_a_chain_in_frames_is_folded_within_each_of_them(plan_of: PlanOf) -> None:
    steps = [{"id": f"{'a' if n < 8 else 'b'}.s{n}"} for n in range(14)]
    text = plan_diagram(plan_of(*steps), "dot")
    inner = [line.strip() for line in text.splitlines() if "rank=same" in line]
    assert inner == [
        "{rank=same; s1; s2; s3; s4}",
        "{rank=same; s5; s6; s7; s8}",
        "{rank=same; s9; s10; s11; s12}",
        "{rank=same; s13; s14}",
    ]
    assert text.index("cluster_1") < text.index(inner[1]) < text.index("cluster_2")
    assert text.index("cluster_2") < text.index(inner[2])


def test_a_chain_that_comes_back_to_a_frame_is_not_folded(plan_of: PlanOf) -> None:
    steps = [{"id": f"{'ab'[n % 2]}.s{n}"} for n in range(14)]
    assert "rank=same" not in plan_diagram(plan_of(*steps), "dot")


@pytest.mark.parametrize("waits", [True, False])
def test_a_chain_is_folded_whether_its_steps_wait_for_each_other_or_not(
    plan_of: PlanOf, waits: bool
) -> None:
    steps = [{"depends_on": [f"s{n}"]} if n and waits else {} for n in range(9)]
    text = plan_diagram(plan_of(*steps), "dot")
    assert text.count("rank=same") == 3
    assert ("style=dashed" in text) is not waits


@pytest.mark.parametrize("language", FORMATS)
def test_steps_that_share_the_beginning_of_their_ids_stand_in_one_frame(
    plan_of: PlanOf, language: Format
) -> None:
    steps = [{"id": name} for name in ("fetch", "eu.build", "us.build", "eu.ship", "one.only")]
    text = plan_diagram(plan_of(*steps), language)
    assert text.count("subgraph") == 1
    frame = {"mermaid": 'subgraph g1["eu"]\n    s2\n    s4\n  end', "dot": "    s2; s4\n"}[language]
    assert frame in text


def test_a_plan_too_large_for_its_steps_is_drawn_by_its_own_groups(plan_of: PlanOf) -> None:
    steps = [{"id": f"{'eu' if n % 2 else 'us'}.s{n}"} for n in range(600)]
    text = plan_diagram(plan_of(*steps, parallel=2), "mermaid")
    assert '"<b>us</b><br/>300 steps' in text
    assert '"<b>eu</b><br/>300 steps' in text


# Marks: what a run or a coverage says.


@pytest.mark.parametrize("language", FORMATS)
def test_a_marked_step_has_its_colour_and_its_words(plan_of: PlanOf, language: Format) -> None:
    marks = {"s1": Mark("bad", ("failed", "exit code 3"))}
    text = plan_diagram(plan_of({}, {}), language, marks)
    assert "<b>1 s1</b>" in text
    assert "failed<br/>exit code 3<br/>no rollback" in text
    assert text.count(PAINTS["bad"].fill) == 1


@pytest.mark.parametrize("language", FORMATS)
def test_groups_of_marked_steps_count_their_states_and_show_the_worst(
    plan_of: PlanOf, language: Format
) -> None:
    marks = {f"s{n}": Mark("good", ("completed",)) for n in range(1, 600)}
    marks["s600"] = Mark("bad", ("failed",))
    text = plan_diagram(plan_of(*[{}] * 600), language, marks)
    assert sum(map(int, re.findall(r"(\d+) completed", text))) == 599
    assert text.count("1 failed") == 1


@pytest.mark.parametrize("language", FORMATS)
def test_a_marked_row_is_drawn_apart_from_rows_of_another_colour(language: Format) -> None:
    spec = load_table("step")
    rows = [n for n, row in enumerate(spec.rows) if row.source == ("running",)]
    marks = {rows[1]: Mark("good"), rows[2]: Mark("bad", ("never taken",))}
    text = machine_diagram(spec, language, marks)
    assert PAINTS["good"].line in text
    assert "never taken" in text


def test_a_marked_row_that_stays_in_its_state_is_a_line_of_its_box() -> None:
    spec = load_table("step")
    [stays] = [n for n, row in enumerate(spec.rows) if row.trigger == "found_unknown"]
    text = machine_diagram(spec, "dot", {stays: Mark("bad", ("never taken",))})
    line = f'<font color="{PAINTS["bad"].line}">found_unknown (never taken)</font>'
    assert f"stays on<br/>{line}" in text
    assert "stays on<br/>found_unknown (never taken)" in machine_diagram(
        spec, "mermaid", {stays: Mark("bad", ("never taken",))}
    ).replace("#40;", "(")


# Hostile text.

HOSTILE = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="\"'`<>[](){}|#;&%\\/\n\r\t:-=~$@*_.!,\x1b end", max_size=40),
    st.sampled_from(
        ["end", "s1", "%%{init:{}}%%", "---", "1. a", "- b", "\\N", "&lt;", "]]>", "-->"]
    ),
    st.sampled_from(["<script>alert(1)</script>", '"]; s9["x', "#quot;", "ﬂ°quot¶ß", "\ud800"]),
)
MERMAID_LABEL = r"(?:[A-Za-z0-9 _,./()\[\]='+…◉-]|#\d+;)*"
MERMAID_LABELS = rf"{MERMAID_LABEL}(?:<br/>{MERMAID_LABEL})*"
MERMAID_LINE = re.compile(
    "|".join(
        [
            r"---",
            r'title: "(?:[^"\\<>]|\\.)*"',
            r"config: .*",
            r"flowchart (?:LR|TB)",
            r'  start\(\(" "\)\):::initial',
            r"  start --> s1",
            rf'  s\d+\("<b>{MERMAID_LABEL}</b>(?:<br/>{MERMAID_LABELS})?"\)(?::::\w+)?',
            rf'  s\d+ (?:-->|==>|-\.->)(?:\|"{MERMAID_LABELS}"\|)? s\d+',
            rf'  subgraph g\d+\["{MERMAID_LABEL}"\]|    s\d+|  end',
            r"  class s1 thick",
            r"  linkStyle [\d,]+ \S+",
            r"  classDef \w+ \S+",
        ]
    )
)
DOT_QUOTED = r'"(?:[^"\\\n]|\\["\\n])*"'
DOT_HTML = r"<(?:[^<>&]|&[^;]+;|</?b>|<br/>|</?font[^<>]*>)*>"
DOT_VALUE = rf"(?:[A-Za-z][A-Za-z0-9]*|{DOT_QUOTED}|{DOT_HTML})"
DOT_LINE = re.compile(
    rf"digraph \{{|\}}|  (?:graph|node|edge|start|start -> s1|s\d+|s\d+ -> s\d+)"
    rf"(?: \[\w+={DOT_VALUE}(?:, \w+={DOT_VALUE})*\])?"
    rf"|  subgraph cluster_\d+ \{{|    graph \[label={DOT_HTML}, [^<>]*\]|    s\d+|  \}}"
)


def drawing(text: str, other: str) -> Drawing:
    boxes = [
        Box(text, (other, Tinted(text, "good")), "risky", other, "step-x", "bad", thick=True),
        Box(other, (), "final", text),
    ]
    arrows = [
        Arrow(0, 1, (text, other), "scenario", other, "good"),
        Arrow(1, 0, (), "order", text, thick=True),
    ]
    clusters = [Cluster(text, (0,)), Cluster(other, (1,))]
    return Drawing(text, boxes, arrows, initial=0, subtitle=other, clusters=clusters)


@given(text=HOSTILE, other=HOSTILE)
def test_no_text_can_leave_its_label_in_mermaid(text: str, other: str) -> None:
    written = as_text(drawing(text, other), "mermaid")
    written.encode()
    for line in written.removesuffix("\n").split("\n"):
        assert MERMAID_LINE.fullmatch(line), line


@given(text=HOSTILE, other=HOSTILE)
def test_no_text_can_leave_its_label_in_dot(text: str, other: str) -> None:
    written = as_text(drawing(text, other), "dot")
    written.encode()
    for line in written.removesuffix("\n").split("\n"):
        assert DOT_LINE.fullmatch(line), line


@given(text=st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1))
def test_a_label_says_in_both_languages_what_the_text_says(text: str) -> None:
    [line] = [
        x for x in as_text(Drawing("t", [Box(text)], []), "mermaid").splitlines() if "<b>" in x
    ]
    label = line.partition("<b>")[2].rpartition("</b>")[0]
    assert re.sub(r"#(\d+);", lambda found: chr(int(found[1])), label.replace("#8203;", "")) == text
    written = as_text(Drawing("t", [Box(text)], []), "dot")
    label = written.partition("<b>")[2].rpartition("</b>")[0]
    assert html.unescape(label).replace("\\\\", "\\") == text


@given(name=HOSTILE, word=HOSTILE)
def test_a_plan_of_hostile_names_is_drawn(name: str, word: str) -> None:
    call: dict[str, Any] = {"skill": "shell", "action": "run", "params": {"command": [word]}}
    step = {"id": "end", "name": name, "call": call, "condition": word, "rollback": {"call": call}}
    document = json.dumps({"id": "p", "name": name, "steps": [step]})
    plan = Plan.from_document(document.encode())
    assert MERMAID_LINE.fullmatch(plan_diagram(plan, "mermaid").split("\n")[5])
    assert DOT_LINE.fullmatch(plan_diagram(plan, "dot").split("\n")[4])
