"""Crash injection: runs that are killed at every point between two durable writes, and taken up again.

`python -m tests.crash --full` (from the top of the repository) is the full sweep; see `__main__.py`.
"""
