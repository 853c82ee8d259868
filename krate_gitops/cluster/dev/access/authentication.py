"""Who sends a request: by bearer token of the users file or of a ServiceAccount, else nobody.

Anything but a bearer token, password authentication too, is not looked at: such a request is anonymous. A bearer token
that is nobody's is refused.
"""

from __future__ import annotations

from collections.abc import Mapping

from krate_gitops.cluster.dev.access.identity import NOBODY, User
from krate_gitops.cluster.dev.access.tokens import AUDIENCE, BadToken, ServiceAccountTokens
from krate_gitops.cluster.dev.access.users import Users
from krate_gitops.cluster.dev.failure import ApiFailure


class Authenticator:
    """Tells users apart."""

    def __init__(self, users: Users, tokens: ServiceAccountTokens) -> None:
        self._users = users
        self._tokens = tokens

    def user(self, headers: Mapping[str, str]) -> User:
        """The sender of a request with these headers. Raises ApiFailure 401 for a wrong token."""
        token = bearer_token(headers)
        if token is None:
            return NOBODY
        try:
            return self.user_of_token(token, (AUDIENCE,))[0]
        except BadToken as error:
            raise ApiFailure(401, "Unauthorized", "Unauthorized") from error

    def user_of_token(self, token: str, audiences: tuple[str, ...]) -> tuple[User, list[str]]:
        """Whose ``token`` is, and which of the audiences it is for. Raises BadToken."""
        user = self._users.by_token(token)
        if user is not None:
            # A fixed token is meant for this server.
            if AUDIENCE not in audiences:
                raise BadToken("the token is for another audience")
            return user, [AUDIENCE]
        return self._tokens.user(token, audiences)


def bearer_token(headers: Mapping[str, str]) -> str | None:
    """The bearer token of a request, or None. What follows a second space is no part of it."""
    value = headers.get("authorization") or headers.get("Authorization") or ""
    words = value.strip().split(" ", 2)
    if len(words) < 2 or words[0].lower() != "bearer" or not words[1]:
        return None
    return words[1]
