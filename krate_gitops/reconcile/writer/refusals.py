"""The noes of the writer. Each has the code that people meet, and in ``rule`` the one of the rules' table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from krate_gitops.errors import DeniedError, KrateError
from krate_gitops.resources.validate import Diagnostic


class BaseChangedError(KrateError):
    """KR801: the branch isn't what the change was made for. ``paths`` are the files of the change that differ."""

    rule = "KR801"

    def __init__(self, expected: str, found: str, paths: Sequence[str]) -> None:
        what = f"files of the change differ: {', '.join(paths[:5])}" if paths else "no file of the change differs"
        super().__init__(
            "BASE_CHANGED",
            f"the branch was at {expected[:12]} and is at {found[:12]} now; {what}",
            hint="look at what changed, and make the change again",
            location=paths[0] if paths else "",
        )
        self.paths = tuple(paths)

    def __reduce__(self) -> tuple[Any, ...]:
        return KrateError.__reduce__(self)


class InvalidResultError(KrateError):
    """KR802: with the change the source would not validate. ``diagnostics`` are those that stand in the way."""

    rule = "KR802"

    def __init__(self, diagnostics: Sequence[Diagnostic], *, hint: str = "") -> None:
        first = diagnostics[0]
        more = f" (and {len(diagnostics) - 1} more)" if len(diagnostics) > 1 else ""
        place = f"{first.path}:{first.line}:{first.column}" if first.line else first.path
        super().__init__("KR802", f"{first.code} {first.message}{more}", hint=hint or first.hint, location=place)
        self.diagnostics = tuple(diagnostics)

    def __reduce__(self) -> tuple[Any, ...]:
        return KrateError.__reduce__(self)


def writer_disabled(source: str) -> DeniedError:
    """KR805, by the source's own policy."""
    return DeniedError(
        "POLICY_DENIED",
        f"KR805 source {source} takes no changes from the writer",
        hint="change the files by a commit of your own, or set writePolicy.mode of the source",
        location=source,
    )


def proposals_only(source: str) -> DeniedError:
    """KR805, for a direct write."""
    return DeniedError(
        "POLICY_DENIED",
        f"KR805 source {source} takes changes by pull request only",
        hint="leave --mode out, or change writePolicy.mode of the source",
        location=source,
    )


def outside_source(path: str, why: str) -> KrateError:
    """KR806."""
    return KrateError(
        "KR806", f"{path} can't be written: {why}", hint="choose a path below the source's", location=path
    )


def protected(branch: str, said: str) -> DeniedError:
    """KR803."""
    return DeniedError(
        "KR803", f"{branch} takes no direct writes: {said}", hint="use --mode pull-request", location=branch
    )


def lost_race(branch: str) -> KrateError:
    """KR804."""
    return KrateError(
        "PUSH_CONFLICT",
        f"KR804 {branch} was moved by others each time the change was to be pushed",
        hint="try again in a moment",
        location=branch,
    )
