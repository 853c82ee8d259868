"""What an answer that isn't a yes means: how long to wait before the same again, and which error it is."""

from __future__ import annotations

import email.utils
from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from krate_gitops.errors import DeniedError, KrateError, UnavailableError
from krate_gitops.git.command import redact_credentials

_BACKOFF = (0.5, 1.0, 2.0, 4.0)
_MESSAGE_LENGTH = 300
_DEEPEST = 3


class Reply(NamedTuple):
    """An answer. ``headers`` have names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def has_more(self, seen: int) -> bool:
        """Whether a list goes on behind its first ``seen`` items; forges say it in one of three ways."""
        if "x-next-page" in self.headers:
            return bool(self.headers["x-next-page"].strip())
        if 'rel="next"' in self.headers.get("link", ""):
            return True
        total = self.headers.get("x-total-count", "")
        return total.isdigit() and seen < int(total[:9])

    @property
    def is_rate_limit(self) -> bool:
        """Whether the call wasn't carried out because there were too many."""
        if self.status == 429:
            return True
        if self.status != 403:
            return False
        return self.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in self.headers


def waiting_time(reply: Reply | None, number: int, *, now: float, may_repeat: bool) -> float | None:
    """Seconds to wait after try ``number`` (from 1) and before the next; None where there must be none.

    ``reply`` is None after a failure of the way. ``now`` is in seconds since 1970.
    """
    backoff = _BACKOFF[min(number, len(_BACKOFF)) - 1]
    if reply is None:
        return backoff if may_repeat else None
    if reply.is_rate_limit:
        told = _told_wait(reply, now)
        return backoff if told is None else told
    if reply.status >= 500 and may_repeat:
        return max(backoff, _retry_after(reply, now) or 0.0)
    return None


def refusal(reply: Reply, host: str, *, now: float, hide: Callable[[str], str]) -> KrateError:
    """The error of an answer that isn't a yes; ``hide`` takes secrets out of what the forge says."""
    said = _said(reply, hide)
    if reply.is_rate_limit:
        wait = _told_wait(reply, now)
        hint = f"try again in {wait:.0f} seconds" if wait else "try again later"
        return UnavailableError("RATE_LIMITED", f"{host} takes no more calls for now{said}", hint=hint)
    if reply.status == 401:
        hint = "make a new token, and give it as KRATE_FORGE_TOKEN or in the token file"
        return DeniedError("FORGE_DENIED", f"{host} doesn't take the token: it is missing, wrong or expired", hint=hint)
    if reply.status == 403:
        hint = "give the token rights to read and write pull requests, statuses and branches of the repository"
        return DeniedError("FORGE_DENIED", f"{host} doesn't allow that{said}", hint=hint)
    if reply.status in (404, 410):
        hint = "check owner and name; a repository that the token may not see is not found either"
        return UnavailableError("FORGE_NOT_FOUND", f"{host} doesn't have that, or doesn't show it to us", hint=hint)
    if reply.status < 400:
        hint = "give the address that the forge has now; redirects aren't followed, for they would get the token"
        return UnavailableError("FORGE_UNAVAILABLE", f"{host} sends us elsewhere (status {reply.status})", hint=hint)
    if reply.status < 500:
        hint = "look at the pull request at the forge"
        return KrateError("FORGE_CONFLICT", f"{host} refuses that (status {reply.status}){said}", hint=hint)
    hint = "try again later; the same again is safe"
    return UnavailableError("FORGE_UNAVAILABLE", f"{host} fails (status {reply.status}){said}", hint=hint)


def _told_wait(reply: Reply, now: float) -> float | None:
    after = _retry_after(reply, now)
    if after is not None:
        return after
    # GitLab's header has no X.
    reset = reply.headers.get("x-ratelimit-reset") or reply.headers.get("ratelimit-reset") or ""
    return max(0.0, int(reset[:12]) - now) + 1.0 if reset.isdigit() else None


def _retry_after(reply: Reply, now: float) -> float | None:
    """Seconds or a date, as the header allows."""
    text = reply.headers.get("retry-after", "").strip()
    if text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _said(reply: Reply, hide: Callable[[str], str]) -> str:
    """What the forge gives as reason: a short printable line, or nothing."""
    try:
        value = msgspec.json.decode(reply.body[:65_536])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    words = " ".join(_texts(value, 0))
    shown = " ".join("".join(c if c.isprintable() else " " for c in redact_credentials(hide(words))).split())
    return f": {shown[:_MESSAGE_LENGTH]}" if shown else ""


def _texts(value: object, depth: int) -> list[str]:
    if isinstance(value, str):
        return [value]
    if depth >= _DEEPEST:
        return []
    if isinstance(value, list):
        return [text for one in value[:5] for text in _texts(one, depth + 1)]
    if isinstance(value, dict):
        told = [value[name] for name in ("message", "error", "errors") if name in value]
        return [text for one in (told or list(value.values())[:5]) for text in _texts(one, depth + 1)]
    return []
