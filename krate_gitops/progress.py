"""How long work tells how far it is, without knowing who listens."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called often and from one thread; must be cheap and never raise."""

    def __call__(self, phase: str, done: int, total: int) -> None:
        """``done`` of ``total`` steps of a phase; ``total`` is 0 while unknown. A phase ends when another begins."""


def silent(phase: str, done: int, total: int) -> None:
    """The listener that nobody hears."""
