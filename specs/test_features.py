"""Every scenario of every feature beside this file."""

from pytest_bdd import scenarios

scenarios(".")
