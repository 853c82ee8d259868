"""Who sends a request, and ServiceAccount tokens."""

from __future__ import annotations

import datetime as dt
import stat
from pathlib import Path

import jwt
import pytest

from krate_gitops.cluster.dev.access.access import Access
from krate_gitops.cluster.dev.access.identity import NOBODY, User
from krate_gitops.cluster.dev.access.tokens import AUDIENCE, load_signing_key
from krate_gitops.cluster.dev.failure import ApiFailure
from tests.unit.cluster.dev.access.shelf import Shelf, account, world


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def token_of(access: Access, **spec: object) -> str:
    answer = access.token_request("n", "bot", {"spec": spec})
    token: str = answer["status"]["token"]
    return token


def is_refused(access: Access, token: str) -> bool:
    try:
        access.authenticate(bearer(token))
    except ApiFailure as failure:
        return failure.status() == {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": "Unauthorized",
            "reason": "Unauthorized",
            "code": 401,
        }
    return False


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Bearer  t1", "Basic YTpi", "t1", "bearer: t1"])
def test_a_header_without_a_bearer_token_is_nobodys(value: str) -> None:
    _, access = world()
    assert access.authenticate({"authorization": value}) == NOBODY
    assert access.authenticate({}) == NOBODY


@pytest.mark.parametrize("value", ["nope", "a b", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "x" * 100_000])
def test_a_wrong_token_is_refused_and_never_taken_for_nobody(value: str) -> None:
    _, access = world()
    assert is_refused(access, value)


@pytest.mark.parametrize("header", ["Bearer t1", "bearer t1", "BEARER t1", "Bearer t1 t2", " Bearer t1 "])
def test_fixed_tokens_tell_their_user(tmp_path: Path, header: str) -> None:
    users = tmp_path / "users"
    users.write_text("t1,jane,,a\n")
    access = Access(Shelf(), users)
    assert access.authenticate({"Authorization": header}) == User("jane", ("a", "system:authenticated"))


def test_a_fixed_token_is_for_this_server_only(tmp_path: Path) -> None:
    users = tmp_path / "users"
    users.write_text("t1,jane\n")
    access = Access(Shelf(), users)
    asked: dict[str, object] = {"token": "t1"}
    assert access.review(NOBODY, "tokenreviews", {"spec": asked})["status"]["audiences"] == [AUDIENCE]
    assert access.review(NOBODY, "tokenreviews", {"spec": {**asked, "audiences": ["vault"]}})["status"]["user"] == {}


def test_a_service_accounts_token_tells_its_account() -> None:
    _, access = world(account("bot"))
    found = access.authenticate(bearer(token_of(access)))
    assert found.name == "system:serviceaccount:n:bot"
    assert found.groups == ("system:serviceaccounts", "system:serviceaccounts:n", "system:authenticated")
    assert found.uid == "u-1"
    [(key, [credential])] = found.extra
    assert key == "authentication.kubernetes.io/credential-id"
    assert credential.startswith("JTI=")


def test_a_token_ends_with_its_time() -> None:
    shelf, access = world(account("bot"))
    token = token_of(access, expirationSeconds=600)
    shelf.now += dt.timedelta(seconds=599)
    assert not is_refused(access, token)
    shelf.now += dt.timedelta(seconds=1)
    assert is_refused(access, token)


def test_a_token_ends_with_its_account_and_does_not_come_back_with_its_name() -> None:
    shelf, access = world(account("bot"))
    token = token_of(access)
    assert not is_refused(access, token)
    shelf.remove(account("bot"))
    assert is_refused(access, token)
    shelf.put(account("bot", uid="u-2"))
    assert is_refused(access, token)


def test_a_token_ends_with_the_secret_it_hangs_on() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "n", "uid": "u-s"}}
    shelf, access = world(account("bot"), secret)
    token = token_of(access, boundObjectRef={"kind": "Secret", "apiVersion": "v1", "name": "s"})
    assert not is_refused(access, token)
    shelf.remove(secret)
    assert is_refused(access, token)


def test_a_token_for_another_audience_is_refused() -> None:
    _, access = world(account("bot"))
    assert is_refused(access, token_of(access, audiences=["vault"]))
    assert not is_refused(access, token_of(access, audiences=["vault", AUDIENCE]))


def test_tokens_outlive_the_process_with_their_key_and_only_with_it() -> None:
    shelf, access = world(account("bot"))
    token = token_of(access)
    assert not is_refused(Access(shelf, None, signing_key=b"k" * 32, clock=lambda: shelf.now), token)
    assert is_refused(Access(shelf, None, signing_key=b"x" * 32, clock=lambda: shelf.now), token)
    assert is_refused(Access(shelf, None, clock=lambda: shelf.now), token)


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"kubernetes.io": None},
        {"kubernetes.io": {"namespace": "n", "serviceaccount": "bot"}},
        {"kubernetes.io": {"namespace": "n", "serviceaccount": {"name": "bot", "uid": "u-1"}}, "aud": 5},
    ],
)
def test_rightly_signed_claims_of_a_wrong_form_are_refused(claims: dict[str, object]) -> None:
    _, access = world(account("bot"))
    whole = {"iss": AUDIENCE, "exp": 4_000_000_000, "jti": "j", "aud": [AUDIENCE], **claims}
    assert is_refused(access, jwt.encode(whole, b"k" * 32, algorithm="HS256"))


def test_a_token_of_another_algorithm_is_refused() -> None:
    _, access = world(account("bot"))
    about = {"namespace": "n", "serviceaccount": {"name": "bot", "uid": "u-1"}}
    whole = {"iss": AUDIENCE, "exp": 4_000_000_000, "jti": "j", "aud": [AUDIENCE], "kubernetes.io": about}
    assert not is_refused(access, jwt.encode(whole, b"k" * 32, algorithm="HS256"))
    assert is_refused(access, jwt.encode(whole, b"k" * 64, algorithm="HS512"))
    assert is_refused(access, jwt.encode(whole, None, algorithm="none"))


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "token.key"
    key = load_signing_key(path)
    assert len(key) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_signing_key(path) == key


def test_half_a_key_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "token.key"
    path.write_bytes(b"half")
    assert len(load_signing_key(path)) == 32
