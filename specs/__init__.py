"""Acceptance: what fsm promises, in Gherkin, tried on the real command."""
