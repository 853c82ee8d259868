"""Calls from a forge: is this one real, and what should be looked at?

What a call says is never taken for true. It only names a repository, and a branch or a pull request, that is worth a
look now; the look itself asks the forge. So a forged or repeated call that gets through could cost a look and no more.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping

import msgspec

from krate_gitops.errors import DeniedError, KrateError, UsageError
from krate_gitops.updates.forges.choose import ForgeKind

BODY_BYTES = 1 << 20
"""More is refused, before anything of it is read or hashed."""
_SHORTEST_SECRET = 16
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DELIVERY = re.compile(r"[0-9A-Za-z._:-]{1,100}")
_REPOSITORY = re.compile(r"[^\s/\x00-\x1f\x7f]{1,200}(/[^\s/\x00-\x1f\x7f]{1,200}){1,20}")
_BRANCH_PREFIX = "refs/heads/"
_MOST_DELIVERIES = 10_000
_DELIVERY_SECONDS = 24 * 3600.0


class Trigger(msgspec.Struct, frozen=True, kw_only=True):
    """What to look at: a repository, and a branch or a pull request of it where the call names one."""

    repository: str
    branch: str | None = None
    pull: int | None = None


class Receiver:
    """Checks calls to one hook. ``now`` gives seconds that only grow, and never shows the secret.

    Deliveries are remembered for a day, the newest ten thousand of this process: a second look at the same is harmless.
    """

    def __init__(self, kind: ForgeKind, secret: str, *, repository: str, now: Callable[[], float]) -> None:
        """Calls about any other repository than ``repository`` are refused.

        Raises ``UsageError(CONFIG_INVALID)`` for a short secret and for a repository without a forge.
        """
        if len(secret) < _SHORTEST_SECRET:
            raise UsageError(
                "CONFIG_INVALID",
                f"the hook's secret is shorter than {_SHORTEST_SECRET} characters",
                hint="make it long",
            )
        if kind is ForgeKind.LOCAL:
            raise UsageError("CONFIG_INVALID", "a repository without a forge has no hooks")
        self._kind = kind
        self._secret = secret.encode()
        self._repository = repository
        self._now = now
        self._seen: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Receiver({self._kind.value!r}, {self._repository!r})"

    def receive(self, headers: Mapping[str, str], body: bytes) -> Trigger | None:
        """What to look at; None for a call that is real and about nothing of interest.

        Raises ``UsageError(INVALID_REQUEST)`` for a body that is too large or isn't understood,
        ``DeniedError(UNAUTHENTICATED)`` for a missing or wrong signature, ``DeniedError(POLICY_DENIED)`` for another
        repository, and ``KrateError(HOOK_REPLAYED)`` for a delivery that came already.
        """
        if len(body) > BODY_BYTES:
            raise UsageError("INVALID_REQUEST", f"the call has more than {BODY_BYTES} bytes")
        lower = {name.lower(): value for name, value in headers.items()}
        self._check_signature(lower, body)
        event = _parse(body)
        if event.repository_name.lower() != self._repository.lower():
            raise DeniedError("POLICY_DENIED", "the call is about another repository")
        self._check_delivery(lower, body)
        return event.trigger()

    def _check_signature(self, headers: Mapping[str, str], body: bytes) -> None:
        if self._kind is ForgeKind.GITLAB:
            given = headers.get("x-gitlab-token", "").encode("utf-8", "surrogateescape")
            # Digests have one length, so that not even that of the secret shows.
            same = hmac.compare_digest(hashlib.sha256(given).digest(), hashlib.sha256(self._secret).digest())
        else:
            expected = hmac.new(self._secret, body, hashlib.sha256).hexdigest()
            same = any(hmac.compare_digest(one, expected) for one in self._signatures(headers))
        if not same:
            raise DeniedError("UNAUTHENTICATED", "the call isn't signed with the hook's secret")

    def _signatures(self, headers: Mapping[str, str]) -> list[str]:
        if self._kind is ForgeKind.GITHUB:
            method, _, given = headers.get("x-hub-signature-256", "").partition("=")
            found = [given] if method == "sha256" else []
        else:
            found = [headers.get(name, "") for name in ("x-forgejo-signature", "x-gitea-signature")]
        return [one for one in found if _SHA256.fullmatch(one)]

    def _check_delivery(self, headers: Mapping[str, str], body: bytes) -> None:
        """A delivery's id isn't signed, so the body, which is, counts too: the same body under another id is the same
        call. Forges put times or ids into what they send, so two real calls differ.
        """
        names = ("x-github-delivery", "x-gitlab-event-uuid", "x-forgejo-delivery", "x-gitea-delivery")
        ids = [headers[name] for name in names if name in headers]
        if any(not _DELIVERY.fullmatch(one) for one in ids):
            raise UsageError("INVALID_REQUEST", "the call's delivery id isn't understood")
        key = hashlib.sha256(body).hexdigest()
        now = self._now()
        with self._lock:
            while self._seen and (
                len(self._seen) >= _MOST_DELIVERIES or now - next(iter(self._seen.values())) > _DELIVERY_SECONDS
            ):
                self._seen.popitem(last=False)
            if key in self._seen:
                raise KrateError("HOOK_REPLAYED", "this call came already")
            self._seen[key] = now


class _Repository(msgspec.Struct, frozen=True):
    full_name: str


class _Project(msgspec.Struct, frozen=True):
    path_with_namespace: str


class _Number(msgspec.Struct, frozen=True):
    number: int


class _Attributes(msgspec.Struct, frozen=True):
    iid: int | None = None


class _Request(msgspec.Struct, frozen=True):
    iid: int | None = None


class _Event(msgspec.Struct, frozen=True):
    """The few fields that are read, of what any of the forges sends."""

    repository: _Repository | msgspec.UnsetType = msgspec.UNSET
    project: _Project | None = None
    ref: str | None = None
    sha: str | None = None
    pull_request: _Number | None = None
    object_kind: str | None = None
    object_attributes: _Attributes | None = None
    merge_request: _Request | None = None

    @property
    def repository_name(self) -> str:
        return self.project.path_with_namespace if self.project else self.repository.full_name  # type: ignore[union-attr]

    def trigger(self) -> Trigger | None:
        """What it is about."""
        number = self.pull_request.number if self.pull_request else None
        if number is None and self.object_kind == "merge_request" and self.object_attributes:
            number = self.object_attributes.iid
        if number is None and self.merge_request:
            number = self.merge_request.iid
        if number is not None:
            return Trigger(repository=self.repository_name, pull=number) if 0 < number < 1 << 53 else None
        if self.ref and self.ref.startswith(_BRANCH_PREFIX):
            return Trigger(repository=self.repository_name, branch=self.ref.removeprefix(_BRANCH_PREFIX)[:500])
        return None


def _parse(body: bytes) -> _Event:
    # GitLab's "repository" has another form than the others'; its "project" is the one to read.
    try:
        value = msgspec.json.decode(body)
        if isinstance(value, dict) and isinstance(value.get("project"), dict):
            value.pop("repository", None)
        event = msgspec.convert(value, _Event)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError):
        event = None
    if event is None or (event.project is None and event.repository is msgspec.UNSET):
        raise UsageError("INVALID_REQUEST", "the call isn't understood")
    if not _REPOSITORY.fullmatch(event.repository_name):
        raise UsageError("INVALID_REQUEST", "the call names no repository")
    return event
