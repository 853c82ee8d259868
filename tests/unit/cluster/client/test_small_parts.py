from __future__ import annotations

import subprocess
import sys

import pytest

from krate_gitops.cluster.client.calls import Calls, encoded, query_of
from krate_gitops.cluster.client.creating import _is_made_by
from krate_gitops.cluster.client.discovery import Discovery
from krate_gitops.cluster.client.failures import TooLargeError
from krate_gitops.cluster.client.kinds import ResourceType
from krate_gitops.cluster.client.replies import is_held
from krate_gitops.cluster.client.retries import Backoff
from krate_gitops.cluster.client.reviews import ResourceAttributes, Rule, Rules
from krate_gitops.cluster.client.warnings import Warnings
from krate_gitops.errors import UsageError


def test_waits_double_up_to_a_limit() -> None:
    least = Backoff(first=0.1, longest=5.0, jitter=lambda: 0.0)
    most = Backoff(first=0.1, longest=5.0, jitter=lambda: 1.0)
    assert [round(least.wait(one), 3) for one in range(1, 9)] == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.5, 2.5]
    assert [most.wait(one) for one in (1, 2, 10_000)] == [0.1, 0.2, 5.0]


def test_a_wait_that_was_asked_for_is_never_cut_short() -> None:
    assert Backoff(jitter=lambda: 0.0).wait(1, retry_after=9.0) == 9.0
    assert 9.0 < Backoff(jitter=lambda: 1.0).wait(1, retry_after=9.0) < 9.5


def test_warnings_are_told_once_each() -> None:
    told: list[str] = []
    warnings = Warnings(told.append)
    headers = ['299 - "unknown field \\"spec.x\\""', '299 - "old", 299 - "older" "Wed, 01 Jan 2026 00:00:00 GMT"']
    assert warnings.note(headers) == ('unknown field "spec.x"', "old", "older")
    assert warnings.note(headers[:1]) == ('unknown field "spec.x"',)
    assert warnings.note(["nonsense", ""]) == ()
    assert told == list(warnings.texts) == ['unknown field "spec.x"', "old", "older"]


def test_different_warnings_are_bounded() -> None:
    warnings = Warnings()
    warnings.note(f'299 - "{number}"' for number in range(5_000))
    assert len(warnings.texts) == 1_000


def test_a_query_is_encoded_and_leaves_out_what_is_empty() -> None:
    assert query_of((("a", "x=1,y in (b)&c"), ("b", ""))) == "a=x%3D1%2Cy%20in%20%28b%29%26c"


def test_bodies_that_no_server_takes_are_not_sent() -> None:
    with pytest.raises(TooLargeError):
        encoded({"data": "x" * (3 << 20)}, location="x")
    with pytest.raises(UsageError):
        encoded({"data": object()}, location="x")


def test_calls_are_counted_by_verb() -> None:
    calls = Calls()
    calls.count("apply", retry=False)
    calls.count("apply", retry=True)
    calls.count("list", retry=False)
    assert (calls.total, calls.requests["apply"], calls.retries["apply"], calls.retries["list"]) == (3, 2, 1, 0)


def test_rules_are_read_as_rbac_does() -> None:
    rules = Rules(
        resource_rules=(
            Rule(verbs=("get", "list"), api_groups=("",), resources=("configmaps",), resource_names=("a",)),
            Rule(verbs=("*",), api_groups=("example.com",), resources=("widgets", "*/status")),
        )
    )
    assert rules.allows(ResourceAttributes("get", "", "configmaps", name="a"))
    assert not rules.allows(ResourceAttributes("get", "", "configmaps", name="b"))
    assert not rules.allows(ResourceAttributes("get", "", "configmaps"))
    assert rules.allows(ResourceAttributes("patch", "example.com", "widgets"))
    assert rules.allows(ResourceAttributes("patch", "example.com", "widgets", subresource="status"))
    assert not rules.allows(ResourceAttributes("patch", "example.com", "widgets", subresource="scale"))
    assert not rules.allows(ResourceAttributes("get", "other.com", "widgets"))


def test_the_preferred_version_of_a_kind_is_found_first() -> None:
    older, newer = (ResourceType("example.com", name, "Widget", "widgets", True) for name in ("v1", "v2"))
    other = ResourceType("down.example.com", "v1", "Thing", "things", True)
    discovery = Discovery([newer, older, other], stale=["away.example.com/v1"])
    assert discovery.find("example.com", "Widget") == newer
    assert discovery.find("example.com", "Widget", "v1") == older
    assert discovery.find("example.com", "Widget", "v3") is None
    assert discovery.is_known_absent("example.com", "Gadget")
    assert not discovery.is_known_absent("away.example.com", "Gadget")
    assert not discovery.is_known_absent("example.com", "Widget")


@pytest.mark.parametrize(
    ("told", "held"),
    [
        ({"kind": "Widget", "metadata": {"finalizers": ["a/b"], "deletionTimestamp": "x"}}, True),
        ({"kind": "Service", "metadata": {}}, False),
        ({"kind": "Pod", "metadata": {"deletionTimestamp": "x", "deletionGracePeriodSeconds": 30}}, True),
        ({"kind": "Pod", "metadata": {"deletionTimestamp": "x", "deletionGracePeriodSeconds": 0}}, False),
        ({"kind": "Namespace", "metadata": {}, "spec": {"finalizers": ["kubernetes"]}}, True),
        ({"kind": "Widget", "metadata": {}, "spec": {"finalizers": ["x"]}}, False),
    ],
)
def test_an_object_that_a_delete_gives_back_is_there_only_if_something_holds_it(told: object, held: bool) -> None:
    assert isinstance(told, dict)
    assert is_held(told) is held


def test_an_object_is_ours_if_our_manager_wrote_what_was_sent() -> None:
    sent = {"kind": "Secret", "metadata": {"name": "x", "labels": {"a": "1"}}, "stringData": {"p": "q"}}
    entry = {"manager": "me", "operation": "Update"}
    found = {**sent, "metadata": {**sent["metadata"], "uid": "u", "managedFields": [entry]}}  # type: ignore[dict-item]
    assert _is_made_by(found, sent, "me")
    assert not _is_made_by(found, sent, "other")
    assert not _is_made_by({**found, "metadata": {"managedFields": [entry], "labels": {"a": "2"}}}, sent, "me")
    assert not _is_made_by({"metadata": {}}, sent, "me")


def test_the_official_package_is_not_loaded_before_a_kubeconfig_is_read() -> None:
    code = "import sys, krate_gitops.cluster.client.api; sys.exit('kubernetes' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
