"""Whether a ref can be trusted, and which refs a grant names."""

from __future__ import annotations

import re

from krate_gitops.brain.globs import compile_globs
from krate_gitops.resources.kinds.grants import RefPatterns
from krate_gitops.resources.permissions.request import ReviewRequest

UNTRUSTED_PREFIXES = ("refs/pull/", "refs/merge-requests/")
"""Refs that anybody may push to by proposing a change, also from the same repository."""
_HEADS = "refs/heads/"
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?\Z")
_MALFORMED = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|//|@\{|/\.|\.lock(/|\Z)|\A/|/\Z|\.\Z")
"""What git takes for no ref. Whoever asks with one means to look like another."""
_NAMESPACES = ("heads/", "tags/", "pull/", "merge-requests/")


def full_ref(ref: str) -> str:
    """A ref in full: a bare name is a branch, ``pull/7/head`` a ref of a pull request; a commit id stays as it is."""
    if not ref or ref.startswith("refs/") or _COMMIT.match(ref):
        return ref
    return f"refs/{ref}" if ref.startswith(_NAMESPACES) else f"{_HEADS}{ref}"


def is_untrusted(request: ReviewRequest) -> bool:
    """Whether strangers may have written what would run."""
    ref = full_ref(request.ref)
    is_odd = _MALFORMED.search(ref) is not None or ref.startswith(UNTRUSTED_PREFIXES)
    return request.is_fork or request.source_untrusted or is_odd


def matches_ref(patterns: tuple[str, ...], ref: str) -> bool:
    """Whether a ref, in full or as the name of a branch, matches one of the patterns."""
    matches, full = compile_globs(patterns), full_ref(ref)
    return matches(full) or (full.startswith(_HEADS) and matches(full.removeprefix(_HEADS)))


def excludes(patterns: RefPatterns | None, ref: str) -> bool:
    """Whether a grant takes a ref off by name."""
    return patterns is not None and bool(ref) and matches_ref(patterns.exclude, ref)


def admits(patterns: RefPatterns | None, ref: str) -> bool:
    """Whether a trusted ref is among those of a grant; every one is where it includes none. Exclusions aside."""
    return patterns is None or not patterns.include or not ref or matches_ref(patterns.include, ref)


def names_untrusted(patterns: RefPatterns | None, ref: str) -> bool:
    """Whether a grant names refs of pull requests, this one among them. A pattern for all refs names none of them."""
    if patterns is None or not ref:
        return False
    explicit = tuple(one for one in patterns.include if one.startswith(UNTRUSTED_PREFIXES))
    return matches_ref(explicit, ref)
