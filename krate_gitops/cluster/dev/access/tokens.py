"""ServiceAccount tokens: signed claims that say which account of which namespace somebody is, for whom and how long.

They are JSON Web Tokens made by PyJWT, signed with a secret of the data directory (HS256): nobody but this server needs
to check them, so there is no public key to hand out.
"""

from __future__ import annotations

import datetime as dt
import secrets
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jwt
import msgspec

from krate_gitops.cluster.dev.access.identity import (
    User,
    authenticated,
    service_account_groups,
    service_account_user,
)
from krate_gitops.cluster.dev.access.reader import SECRETS, SERVICE_ACCOUNTS, KindKey, Reader
from krate_gitops.cluster.dev.certificates import write_private

AUDIENCE = "https://kubernetes.default.svc.cluster.local"
_ISSUER = AUDIENCE
_ALGORITHM = "HS256"
_CLAIM = "kubernetes.io"
_CREDENTIAL_ID = "authentication.kubernetes.io/credential-id"
_MAX_TOKEN_CHARACTERS = 16_384
_REMEMBERED = 4096
_KEY_BYTES = 32

Clock = Callable[[], dt.datetime]


class Bound(msgspec.Struct, frozen=True):
    """An object a token lives as long as."""

    name: str
    uid: str


class _Claims(msgspec.Struct, frozen=True):
    """What a token with a right signature says."""

    namespace: str
    account: Bound
    secret: Bound | None
    audiences: tuple[str, ...]
    token_id: str
    expires: float


class BadToken(Exception):
    """A token that is nobody's. The text says why, without the token."""


def load_signing_key(path: Path) -> bytes:
    """The signing secret kept in ``path``; made there, for its owner's eyes only, when there is none or half of one."""
    if path.exists():
        key = path.read_bytes()
        if len(key) >= _KEY_BYTES:
            return key
    key = secrets.token_bytes(_KEY_BYTES)
    write_private(path, key)
    return key


class ServiceAccountTokens:
    """Makes tokens and tells whose they are."""

    def __init__(self, reader: Reader, key: bytes, clock: Clock) -> None:
        self._reader = reader
        self._key = key
        self._clock = clock
        self._verified: dict[str, _Claims] = {}

    def sign(
        self, namespace: str, account: Bound, audiences: Sequence[str], seconds: int, secret: Bound | None = None
    ) -> tuple[str, dt.datetime]:
        """A token of an account, and when it ends (UTC, whole seconds)."""
        begins = self._clock().replace(microsecond=0)
        ends = begins + dt.timedelta(seconds=seconds)
        about: dict[str, Any] = {"namespace": namespace, "serviceaccount": msgspec.to_builtins(account)}
        if secret is not None:
            about["secret"] = msgspec.to_builtins(secret)
        claims = {
            "aud": list(audiences),
            "exp": int(ends.timestamp()),
            "iat": int(begins.timestamp()),
            "iss": _ISSUER,
            "jti": str(uuid.uuid4()),
            _CLAIM: about,
            "nbf": int(begins.timestamp()),
            "sub": service_account_user(namespace, account.name),
        }
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM), ends

    def user(self, token: str, audiences: Sequence[str]) -> tuple[User, list[str]]:
        """Whose ``token`` is, and for which of the ``audiences``.

        Raises BadToken if the signature is wrong, the time is over, none of the audiences is meant, or the account or
        secret it hangs on is gone or is another one of the same name.
        """
        claims = self._claims(token)
        if self._clock().timestamp() >= claims.expires:
            raise BadToken("the token has expired")
        meant = [audience for audience in audiences if audience in claims.audiences]
        if not meant:
            raise BadToken("the token is for another audience")
        self._still_there(SERVICE_ACCOUNTS, claims.namespace, claims.account)
        if claims.secret is not None:
            self._still_there(SECRETS, claims.namespace, claims.secret)
        user = User(
            service_account_user(claims.namespace, claims.account.name),
            service_account_groups(claims.namespace),
            claims.account.uid,
            ((_CREDENTIAL_ID, (f"JTI={claims.token_id}",)),),
        )
        return authenticated(user), meant

    def _still_there(self, kind: KindKey, namespace: str, bound: Bound) -> None:
        stored = self._reader.get(kind, namespace, bound.name)
        if stored is None or stored["metadata"].get("uid") != bound.uid:
            raise BadToken(f"the token hangs on one of the {kind[1]} that is gone")

    def _claims(self, token: str) -> _Claims:
        claims = self._verified.get(token)
        if claims is None:
            claims = self._verify(token)
            if len(self._verified) >= _REMEMBERED:
                self._verified.clear()
            self._verified[token] = claims
        return claims

    def _verify(self, token: str) -> _Claims:
        if len(token) > _MAX_TOKEN_CHARACTERS:
            raise BadToken("the token is too long")
        try:
            # Times and audiences are looked at by ``user``: they depend on when and by whom it is asked.
            options: Any = {"verify_exp": False, "verify_aud": False, "verify_nbf": False, "verify_iat": False}
            said = jwt.decode(token, self._key, algorithms=[_ALGORITHM], issuer=_ISSUER, options=options)
            about = said[_CLAIM]
            secret = about.get("secret")
            return _Claims(
                namespace=about["namespace"],
                account=msgspec.convert(about["serviceaccount"], Bound),
                secret=None if secret is None else msgspec.convert(secret, Bound),
                audiences=tuple(said["aud"]),
                token_id=said["jti"],
                expires=float(said["exp"]),
            )
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadToken("invalid bearer token") from error
