"""The skill `http`: requests to servers, and downloads, by httpx."""

from __future__ import annotations

from fsm.actions.skills.http.downloads import download
from fsm.actions.skills.http.requests import get, request
from fsm.actions.skills.http.skill import http

__all__ = ["download", "get", "http", "request"]
