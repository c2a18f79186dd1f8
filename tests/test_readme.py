"""The README is run: its commands print what it shows, its files are the repository's files.

`python tests/test_readme.py` writes into it what the commands print now.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INSTALL = "python3 -m venv .venv && .venv/bin/pip install --quiet . && .venv/bin/"
BLOCK = re.compile(
    r"(?:<!-- file: (?P<file>\S+) -->\n)?```(?P<language>\w+)\n(?P<text>.*?)```\n", re.DOTALL
)


def renewed(readme: str, scratch: Path) -> str:
    """The README with every block that shows a file or a command's output made anew."""
    shell = _Shell(scratch)

    def block(match: re.Match[str]) -> str:
        text = match["text"]
        if match["file"]:
            text = (ROOT / match["file"]).read_text()
        elif match["language"] == "console":
            commands = [line[2:] for line in text.splitlines() if line.startswith("$ ")]
            text = "".join(f"$ {command}\n{shell.run(command)}" for command in commands)
        start = match.start("text") - match.start()
        end = match.end("text") - match.start()
        return match[0][:start] + text + match[0][end:]

    return BLOCK.sub(block, readme)


def steady(text: str) -> str:
    """The text with what differs from run to run (ids, people, digests, durations) made alike."""
    text = re.sub(r"\d{8}-\d{6}-\w{4}", "RUN", text)
    text = re.sub(r"(approved|asked) by [^\s)]+", r"\1 by WHO", text)
    text = re.sub(r"\b[0-9a-f]{64}\b", "DIGEST", text)
    text = re.sub(r"\(\d+\.\ds\)", "(TIME)", text)
    return re.sub(r"(took +|completed in |rolled back in )\S+", r"\1TIME", text)


class _Shell:
    """Runs the README's commands one after the other, as one shell would, in a copy of the checkout."""

    def __init__(self, scratch: Path) -> None:
        self.folder = scratch
        (scratch / "specs").mkdir()
        examples = [ROOT / "specs" / "plans", ROOT / "specs" / "machines"]
        subprocess.run(["cp", "-R", *examples, scratch / "specs"], check=True)
        beside_python = Path(sys.executable).parent
        self.environ = {
            **os.environ,
            "PATH": f"{beside_python}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(scratch),
            "USER": "you",
        }
        self.environ.pop("FSM_STATE", None)

    def run(self, command: str) -> str:
        script = f"{{ {command.removeprefix(INSTALL)}\n}} 2>&1; pwd > '{self.folder}/.where'"
        where = self.folder / ".where"
        folder = Path(where.read_text().strip()) if where.exists() else self.folder
        done = subprocess.run(
            ["sh", "-c", script], cwd=folder, env=self.environ, capture_output=True, text=True
        )
        return done.stdout


def test_the_readme_shows_what_its_commands_print_and_what_its_files_hold(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text()
    assert steady(readme) == steady(renewed(readme, tmp_path))


def test_the_python_of_the_readme_raises_what_it_says() -> None:
    [source] = [
        m["text"]
        for m in BLOCK.finditer((ROOT / "README.md").read_text())
        if m["language"] == "python" and not m["file"]
    ]
    code, shown = source.split("# TransitionRefused: ")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.endswith("TransitionRefused: " + shown.replace("#   ", "  "))


def test_every_heading_is_in_the_contents_and_every_link_leads_somewhere() -> None:
    readme = (ROOT / "README.md").read_text()
    prose = BLOCK.sub("", readme)
    headings = re.findall(r"^##+ (.+)$", prose, re.MULTILINE)
    anchors = [re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in headings]
    links = re.findall(r"\]\(#([^)]+)\)", prose)
    assert set(anchors) - {"contents"} == set(links)
    files = re.findall(r"\]\(([^#)][^)]*)\)", prose)
    assert [file for file in files if not (ROOT / file).exists()] == []


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        readme = (ROOT / "README.md").read_text()
        text = re.sub(
            r"\b(approved|asked) by [^\s)]+", r"\1 by you@host", renewed(readme, Path(name))
        )
        (ROOT / "README.md").write_text(text)
