"""fsm: declare multi-step work in YAML, approve it, run it, and resume or roll back when it breaks."""

__version__ = "0.1.0"
