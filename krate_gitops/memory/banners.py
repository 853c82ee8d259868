"""Warnings about a memory as a whole, in the words of a prompt or a preview."""

from __future__ import annotations

from collections.abc import Sequence

from krate_gitops.git.refs import RefResolution
from krate_gitops.memory.snapshot import KnownBadMark

_PLAIN = {
    "unapproved-ref": "this commit was never approved on the default branch",
    "ontology-invalid": "the ontology of this commit is invalid; kinds and edges may be misread",
    "memory-moved-since-dispatch": "the memory has moved on since this was pinned",
    "truncated": "not everything that matched is shown",
    "redacted": "secrets were taken out",
    "denied-scope": "part of what was asked for may not be read",
}


def standing(resolution: RefResolution) -> list[str]:
    """Codes about the commit itself, the gravest first."""
    return [
        *["known-bad"] * resolution.known_bad,
        *["unapproved-ref"] * (not resolution.approved),
        *["pinned-to-history"] * (resolution.resolved_commit != resolution.current_commit),
    ]


def banner_lines(codes: Sequence[str], resolution: RefResolution, mark: KnownBadMark | None = None) -> list[str]:
    """One bracketed line for each code."""
    return [f"[{code}: {_words(code, resolution, mark)}]" for code in dict.fromkeys(codes)]


def _words(code: str, resolution: RefResolution, mark: KnownBadMark | None) -> str:
    if code == "pinned-to-history":
        behind = "" if resolution.commits_behind is None else f"{resolution.commits_behind} commits behind, "
        return (
            f"read at commit {resolution.resolved_commit[:12]} of {resolution.commit_time}, {behind}"
            f"{resolution.stale_by_seconds} seconds stale; newer memory exists"
        )
    if code == "known-bad":
        reason = f": {mark.reason}" if mark else ""
        return f"this memory is known to be bad, use it only where that was acknowledged{reason}"
    return _PLAIN.get(code, code)
