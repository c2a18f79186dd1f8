"""The command line: a thin face that renders what the app does and asks what only a person can say."""

from fsm.cli.main import run

__all__ = ["run"]
