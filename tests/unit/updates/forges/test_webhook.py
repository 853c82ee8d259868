"""A call from a forge is believed to be one only with its signature, and then only triggers a look."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest

from krate_gitops.errors import DeniedError, KrateError, UsageError
from krate_gitops.updates.forges.choose import ForgeKind
from krate_gitops.updates.forges.webhook import BODY_BYTES, Receiver, Trigger

SECRET = "a-long-enough-secret"
NAME = "acme/company-brain"
KINDS = (ForgeKind.GITHUB, ForgeKind.GITLAB, ForgeKind.FORGEJO)


def receiver(kind: ForgeKind = ForgeKind.GITHUB, now: Any = lambda: 1.0) -> Receiver:
    return Receiver(kind, SECRET, repository=NAME, now=now)


def body_of(kind: ForgeKind, content: dict[str, Any] | None = None, *, name: str = NAME) -> bytes:
    where = (
        {"project": {"path_with_namespace": name}, "repository": {"name": "x", "url": "y"}}
        if kind is ForgeKind.GITLAB
        else {"repository": {"full_name": name}}
    )
    return json.dumps({**where, **(content or {"ref": "refs/heads/main"})}).encode()


def signed(kind: ForgeKind, body: bytes, secret: str = SECRET) -> dict[str, str]:
    mac = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {
        ForgeKind.GITHUB: {"X-Hub-Signature-256": f"sha256={mac}", "X-GitHub-Delivery": "72d3162e-cc78-11e3"},
        ForgeKind.GITLAB: {"X-Gitlab-Token": secret, "X-Gitlab-Event-UUID": "13792a34-cac6-4fda"},
        ForgeKind.FORGEJO: {"X-Forgejo-Signature": mac, "X-Gitea-Signature": mac},
    }[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_a_push_says_which_branch_to_look_at(kind: ForgeKind) -> None:
    body = body_of(kind, {"ref": "refs/heads/krate/agent-memory/x"})
    assert receiver(kind).receive(signed(kind, body), body) == Trigger(repository=NAME, branch="krate/agent-memory/x")


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (ForgeKind.GITHUB, {"action": "closed", "pull_request": {"number": 7, "merged": True}}),
        (ForgeKind.GITHUB, {"action": "submitted", "review": {}, "pull_request": {"number": 7}}),
        (ForgeKind.GITLAB, {"object_kind": "merge_request", "object_attributes": {"iid": 7, "action": "merge"}}),
        (ForgeKind.GITLAB, {"object_kind": "note", "object_attributes": {"id": 9}, "merge_request": {"iid": 7}}),
        (ForgeKind.FORGEJO, {"action": "closed", "number": 7, "pull_request": {"number": 7}}),
    ],
)
def test_a_pull_request_says_which_one_to_look_at(kind: ForgeKind, content: dict[str, Any]) -> None:
    body = body_of(kind, content)
    assert receiver(kind).receive(signed(kind, body), body) == Trigger(repository=NAME, pull=7)


def test_gitea_signs_under_its_own_name_alone() -> None:
    body = body_of(ForgeKind.FORGEJO)
    headers = {"x-gitea-signature": signed(ForgeKind.FORGEJO, body)["X-Gitea-Signature"]}
    assert receiver(ForgeKind.FORGEJO).receive(headers, body) is not None


@pytest.mark.parametrize("kind", KINDS)
def test_other_events_are_of_no_interest(kind: ForgeKind) -> None:
    for content in ({"zen": "Keep it logically awesome."}, {"ref": "refs/tags/v1"}, {"pull_request": {"number": -7}}):
        body = body_of(kind, content)
        assert receiver(kind).receive(signed(kind, body), body) is None


@pytest.mark.parametrize("kind", KINDS)
def test_forged_calls_are_refused(kind: ForgeKind) -> None:
    body = body_of(kind)
    good = signed(kind, body)
    forged: list[tuple[dict[str, str], bytes]] = [
        ({}, body),
        (signed(kind, body, "another-secret-of-it"), body),
        (dict.fromkeys(good, ""), body),
        ({name: value[:-1] for name, value in good.items()}, body),
        ({name: value.upper() for name, value in good.items()}, body),
        (dict.fromkeys(good, "�" * 64), body),
    ]
    if kind is not ForgeKind.GITLAB:
        forged += [(good, body + b" "), (signed(ForgeKind.GITLAB, body), body)]
    if kind is ForgeKind.GITHUB:
        sha1 = hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()
        forged += [({"X-Hub-Signature": f"sha1={sha1}"}, body), ({"X-Hub-Signature-256": f"sha1={sha1}"}, body)]
    for headers, content in forged:
        with pytest.raises(DeniedError) as caught:
            receiver(kind).receive(headers, content)
        assert caught.value.code == "UNAUTHENTICATED"
        assert SECRET not in caught.value.message


@pytest.mark.parametrize("kind", KINDS)
def test_a_call_about_another_repository_is_refused(kind: ForgeKind) -> None:
    body = body_of(kind, name="globex/secrets")
    with pytest.raises(DeniedError) as caught:
        receiver(kind).receive(signed(kind, body), body)
    assert caught.value.code == "POLICY_DENIED"
    assert "globex" not in caught.value.message


@pytest.mark.parametrize("kind", KINDS)
def test_a_replayed_call_is_refused_also_under_another_id(kind: ForgeKind) -> None:
    one, body = receiver(kind), body_of(kind)
    headers = signed(kind, body)
    assert one.receive(headers, body) is not None
    for again in (headers, {**headers, "X-GitHub-Delivery": "another", "X-Gitlab-Event-UUID": "another"}):
        with pytest.raises(KrateError) as caught:
            one.receive(again, body)
        assert caught.value.code == "HOOK_REPLAYED"
    other = body_of(kind, {"ref": "refs/heads/next"})
    assert one.receive(signed(kind, other), other) is not None


def test_what_was_received_is_forgotten_after_a_day() -> None:
    times = iter([0.0, 86_399.0, 86_401.0])
    one, body = receiver(now=lambda: next(times)), body_of(ForgeKind.GITHUB)
    headers = signed(ForgeKind.GITHUB, body)
    one.receive(headers, body)
    with pytest.raises(KrateError):
        one.receive(headers, body)
    assert one.receive(headers, body) is not None


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"null", b"{}", b"payload=%7B%7D", b"\xff\xfe", b"[" * 100_000, b'{"repository": 7}',
        b'{"repository": {"full_name": "x"}}', b'{"repository": {"full_name": "a/../b"}, "ref": 7}',
        b'{"project": {"path_with_namespace": "a\\nb/c"}}',
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_call_is_refused(kind: ForgeKind, body: bytes) -> None:
    with pytest.raises((UsageError, DeniedError)) as caught:
        receiver(kind).receive(signed(kind, body), body)
    assert caught.value.code in ("INVALID_REQUEST", "POLICY_DENIED")


def test_a_large_call_is_refused_unread() -> None:
    with pytest.raises(UsageError, match="more than"):
        receiver().receive({}, b"x" * (BODY_BYTES + 1))


def test_a_bad_delivery_id_is_refused() -> None:
    body = body_of(ForgeKind.GITHUB)
    with pytest.raises(UsageError):
        receiver().receive({**signed(ForgeKind.GITHUB, body), "X-GitHub-Delivery": "x\ny"}, body)


def test_receivers_need_a_forge_and_a_secret_and_keep_it() -> None:
    for kind, secret in ((ForgeKind.GITHUB, "short"), (ForgeKind.GITHUB, ""), (ForgeKind.LOCAL, SECRET)):
        with pytest.raises(UsageError) as caught:
            Receiver(kind, secret, repository=NAME, now=lambda: 1.0)
        assert caught.value.code == "CONFIG_INVALID"
    assert SECRET not in repr(receiver())
