"""Logs: structured, on standard error, as loud as ``-v`` and ``-q`` say.

structlog is imported with the first line that is logged: loading it costs more than many a command does. Floors below
the command line don't log; they return values, raise errors and report progress.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from krate_gitops.cli.invocation import Invocation


def logger(invocation: Invocation) -> FilteringBoundLogger:
    """A logger of this command line's level and form."""
    import structlog

    stamps: list[Any] = [structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True)]
    if invocation.log_format == "json":
        form: list[Any] = [structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer(ensure_ascii=True)]
    else:
        form = [structlog.dev.ConsoleRenderer(colors=_may_paint(invocation), pad_event_to=24)]
    wrapped: FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=[*stamps, *form],
        wrapper_class=structlog.make_filtering_bound_logger(level(invocation)),
    )
    return wrapped


def level(invocation: Invocation) -> int:
    """``-q`` leaves errors; one ``-v`` adds debugging to what is logged anyway."""
    if invocation.quiet:
        return logging.ERROR
    return logging.DEBUG if invocation.verbosity else logging.INFO


def _may_paint(invocation: Invocation) -> bool:
    return invocation.colour and sys.stderr.isatty()
