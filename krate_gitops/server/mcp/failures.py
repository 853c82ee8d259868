"""From any exception to what a caller is told: a code, a message and a remedy, and nothing that it may not know.

Messages of the floors below are for the owner of a repository: they name files of this machine, commits and records.
So a caller hears fixed words for each code; only what is wrong with its own arguments is told as it is.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from krate_gitops.errors import KrateError, UsageError
from krate_gitops.printable import printable

_log = logging.getLogger(__name__)

_LONGEST_MESSAGE = 600


class Refusal(msgspec.Struct, frozen=True):
    """What stands in place of an answer."""

    code: str
    message: str
    remedy: str


class _Says(NamedTuple):
    message: str
    remedy: str


_OPERATOR = "tell whoever runs this server; its log says more"
_SAYS: Mapping[str, _Says] = {
    "MEMORY_RECORD_NOT_FOUND": _Says(
        "there is no such record or document here, or it may not be read",
        "ids and paths are exact; find them with memory_graph_search or memory_docs_grep",
    ),
    "MEMORY_REF_NOT_FOUND": _Says("there is no such ref or commit", "name a branch, a tag, a commit or current"),
    "NOT_FOUND": _Says("there is no such snapshot", "compare with current, a ref or a commit"),
    "MEMORY_REF_NO_COMMIT_AT_TIME": _Says("nothing was committed yet at that time", "name a later time"),
    "MEMORY_REF_AMBIGUOUS": _Says("that name can mean several things", "write it in full, such as refs/heads/main"),
    "MEMORY_REF_NOT_APPROVED": _Says("that commit is not an approved one", "compare with current"),
    "MEMORY_REF_NOT_CURRENT": _Says("only the current commit may be read", "compare with current"),
    "MEMORY_REF_NOT_COMMIT": _Says("that is no commit", "name a branch, a tag or a commit"),
    "MEMORY_SNAPSHOT_TAG_INVALID": _Says("that snapshot tag can't be trusted", _OPERATOR),
    "MEMORY_ONTOLOGY_INVALID": _Says("the policy requires a valid ontology, and there is none", _OPERATOR),
    "MEMORY_LAYOUT_INVALID": _Says("there is no brain at that commit", _OPERATOR),
    "MEMORY_REDACTION_FAILED": _Says("the answer could not be made safe to show, so it is withheld", _OPERATOR),
    "MEMORY_WRITES_DISABLED": _Says("the memory takes no proposals now", _OPERATOR),
    "SERVICE_UNAVAILABLE": _Says("the call could not be recorded, so it was not answered", _OPERATOR),
}
_TOLD_AS_IT_IS = frozenset(("CROSS_ORG_REF_DENIED", "MEMORY_PIN_VIOLATION", "POLICY_DENIED", "RATE_LIMITED"))
"""Codes whose texts are written for callers, in this package."""


def describe(error: Exception) -> Refusal:
    """The refusal for an exception."""
    if not isinstance(error, KrateError):
        # Its text may quote anything; the type and the place are for the log alone.
        _log.error("unexpected %s", type(error).__name__, exc_info=_log.isEnabledFor(logging.DEBUG))
        return Refusal("INTERNAL", "something unforeseen went wrong", _OPERATOR)
    if error.code in _SAYS:
        return Refusal(error.code, *_SAYS[error.code])
    if isinstance(error, UsageError) or error.code in _TOLD_AS_IT_IS:
        message = printable(error.message)[:_LONGEST_MESSAGE]
        return Refusal(error.code, message, printable(error.hint) or "correct the arguments; the schema lists them")
    _log.error("%s: %s", error.code, printable(error.message))
    return Refusal(error.code, "the memory can't be read now", _OPERATOR)


def text_of(refusal: Refusal) -> str:
    """A refusal for a model to read."""
    return f"error[{refusal.code}]: {refusal.message}\nremedy: {refusal.remedy}"
