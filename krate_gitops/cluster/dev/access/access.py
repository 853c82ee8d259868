"""Access control in one place: who sends a request, as whom it counts, what he may do, and what he may write."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping
from pathlib import Path

from krate_gitops.cluster.dev.access.admission import Admission, FindKind
from krate_gitops.cluster.dev.access.admission_matching import Write
from krate_gitops.cluster.dev.access.attributes import Attributes, denied
from krate_gitops.cluster.dev.access.authentication import Authenticator
from krate_gitops.cluster.dev.access.grants import Grants
from krate_gitops.cluster.dev.access.identity import User
from krate_gitops.cluster.dev.access.impersonation import Impersonation
from krate_gitops.cluster.dev.access.rbac import Decision, RoleIndex
from krate_gitops.cluster.dev.access.reader import KindKey, Object, Reader
from krate_gitops.cluster.dev.access.reviews import Reviews
from krate_gitops.cluster.dev.access.token_requests import TokenRequests
from krate_gitops.cluster.dev.access.tokens import Clock, ServiceAccountTokens
from krate_gitops.cluster.dev.access.users import Users, read_users


class Access:
    """What the server asks about users. It reads stored objects, and is told of each change of them by ``observe``."""

    def __init__(
        self,
        reader: Reader,
        users_file: Path | None,
        *,
        signing_key: bytes = b"",
        clock: Clock | None = None,
        find_kind: FindKind | None = None,
    ) -> None:
        """``signing_key`` signs ServiceAccount tokens; without one their tokens last as long as this process.

        ``find_kind`` finds the kinds that policies take parameters from.

        Raises UsageError for a users file that can't be read.
        """
        clock = clock or _now
        self._index = RoleIndex(reader)
        tokens = ServiceAccountTokens(reader, signing_key or secrets.token_bytes(32), clock)
        self._authenticator = Authenticator(read_users(users_file) if users_file else Users(), tokens)
        self._impersonation = Impersonation(self.authorize)
        self._grants = Grants(self._index)
        self._admission = Admission(reader, find_kind or (lambda api_version, kind: None))
        self._reviews = Reviews(self._index, self._authenticator, clock)
        self._token_requests = TokenRequests(reader, tokens, clock)

    def observe(self, kind: KindKey, old: Object | None, new: Object | None) -> None:
        """Take note of a change that is stored: ``old`` is None for a creation, ``new`` for a removal.

        To be called for every change of roles, policies and their bindings; other kinds are fine and cost nothing.
        """
        self._index.observe(kind, old, new)
        self._admission.observe(kind, old, new)

    def authenticate(self, headers: Mapping[str, str]) -> User:
        """The sender of a request. Raises ApiFailure 401 for a wrong token."""
        return self._authenticator.user(headers)

    def impersonated(self, user: User, headers: Mapping[str, str], target: Attributes) -> User:
        """Who counts as the sender of a request for ``target``. Raises ApiFailure 400 or 403."""
        return self._impersonation.user(user, headers, target)

    def decide(self, user: User, what: Attributes) -> Decision:
        """Whether ``user`` may do ``what``, and why."""
        return self._index.decide(user, what)

    def authorize(self, user: User, what: Attributes) -> None:
        """Raise ApiFailure 403 if ``user`` may not do ``what``."""
        decision = self._index.decide(user, what)
        if not decision.allowed:
            raise denied(user.name, what, decision.reason)

    def check_grant(self, user: User, new: Object, old: Object | None, *, name: str | None = None) -> None:
        """Raise ApiFailure if ``user`` may not write a role or binding that grants more than he holds.

        To be called before the object is validated, for dry-runs too; ``name`` is the name in the request's path, by
        default that of ``new`` for a change and none for a creation.
        """
        if name is None:
            name = new["metadata"].get("name", "") if old is not None else ""
        self._grants.check(user, new, old, name)

    @property
    def has_policies(self) -> bool:
        """Whether any policy is bound; if not, there is nothing to judge."""
        return self._admission.is_active

    def judge(self, write: Write) -> list[str]:
        """Warnings of policies about a write, to be asked when the object is validated. Raises ApiFailure."""
        return self._admission.judge(write)

    def review(self, user: User, plural: str, body: Object, *, namespace: str = "", manager: str = "") -> Object:
        """The answer to a review by its plural: the body of a 201. Raises ApiFailure 400 or 422."""
        return self._reviews.review(user, plural, body, namespace=namespace, manager=manager)

    def token_request(self, namespace: str, name: str, body: Object, *, manager: str = "") -> Object:
        """The answer to POST ``serviceaccounts/NAME/token``: the body of a 201. Raises ApiFailure 404 or 422."""
        return self._token_requests.request(namespace, name, body, manager=manager)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
