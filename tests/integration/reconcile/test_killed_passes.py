"""A pass that is killed, at whatever request: the next one ends where an undisturbed one would."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path
from typing import Any

import pytest

from krate_gitops.cluster.client.transport import Transport
from tests.clusters import World

KINDS = ("AgentServiceAccount", "AgentRoleBinding", "AgentToolProfile", "AgentContextLabel", "AgentStack")
_COUNTED = 60
"""About as many requests as the pass makes; a number beyond them lets it end."""


def first(world: World) -> dict[str, str]:
    account = world.document(
        "AgentServiceAccount", "runner", {"namespace": world.namespace, "serviceAccountName": "runner"}
    )
    profile = world.document(
        "AgentToolProfile", "readonly", {"filesystemPolicy": "read-only", "approvalPolicyByTool": {"git": "allow"}}
    )
    return {
        "account.yaml": world.text(account),
        "profile.yaml": world.text(profile),
        **{f"labels/l{number}.yaml": world.text(world.label(f"l{number}")) for number in range(10)},
    }


def second(world: World) -> dict[str, Any]:
    """Three labels changed, four gone, a binding, a stack and two labels new."""
    binding = world.document(
        "AgentRoleBinding",
        "runner",
        {
            "subject": {"kind": "service-account", "name": "runner"},
            "roleRef": {"kind": "RoleTemplate", "name": "krate-agent-readonly"},
            "scope": {"kind": "namespace", "name": world.namespace},
        },
    )
    stack = {"baseAgent": "codex", "adapter": "codex", "runtimeIdentity": {"serviceAccountRef": "runner"}}
    return {
        **{f"labels/l{number}.yaml": world.text(world.label(f"l{number}", "Changed.")) for number in range(3)},
        **{f"labels/l{number}.yaml": None for number in range(3, 7)},
        "binding.yaml": world.text(binding),
        "stack.yaml": world.text(world.document("AgentStack", "triage", stack)),
        "more.yaml": world.text(world.label("m1"), world.label("m2")),
    }


def state(world: World) -> dict[str, Any]:
    """Everything of the organization, without what differs between two of them."""
    found = {}
    for kind in KINDS:
        for one in world.list(kind):
            metadata = one["metadata"]
            marks = {key: value for key, value in metadata["annotations"].items() if "uid" not in key}
            found[f"{kind}/{metadata['name']}"] = (metadata["labels"], marks, one["spec"])
    text = repr((found, world.inventory())).replace(world.slug, "ORG")
    return {"text": text, "objects": len(found)}


def without_digests(found: dict[str, Any]) -> str:
    """Digests cover the name of the organization, which differs."""
    import re

    return re.sub(r"sha256:[0-9a-f]{64}", "DIGEST", found["text"])


def prepared(kubeconfig: Path, folder: Path) -> World:
    world = World(kubeconfig, folder)
    world.commit(first(world))
    world.install()
    assert world.reconcile().counts["created"] == 12
    world.commit(second(world))
    return world


def killed_pass(world: World, number: int, *, after: bool) -> int:
    """A pass in a process that kills itself before or after its request of that number; its exit status."""
    child = os.fork()
    if child == 0:
        honest, sent = Transport.send, [0]

        async def dying(self: Transport, *arguments: Any, **options: Any) -> Any:
            sent[0] += 1
            if sent[0] == number and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            answer = await honest(self, *arguments, **options)
            if sent[0] >= number and after:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

        Transport.send = dying  # type: ignore[method-assign]
        try:
            world.reconcile()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return status


@pytest.fixture(scope="module")
def undisturbed(kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    world = prepared(kubeconfig, tmp_path_factory.mktemp("undisturbed"))
    world.reconcile()
    found = state(world)
    assert found["objects"] == 12
    return found


def check(kubeconfig: Path, folder: Path, undisturbed: dict[str, Any], chance: random.Random) -> bool:
    number, after = chance.randint(1, _COUNTED), chance.random() < 0.5
    world = prepared(kubeconfig, folder)
    status = killed_pass(world, number, after=after)
    for _ in range(2):
        outcome = world.reconcile()
        assert outcome.stop is None, (number, after, outcome.stop)
    assert without_digests(state(world)) == without_digests(undisturbed), (number, after)
    assert world.reconcile().counts["unchanged"] == 12
    return os.WIFSIGNALED(status)


@pytest.mark.parametrize("seed", range(6))
def test_a_killed_pass_is_made_good_by_the_next(
    kubeconfig: Path, tmp_path: Path, undisturbed: dict[str, Any], seed: int
) -> None:
    check(kubeconfig, tmp_path, undisturbed, random.Random(seed))


@pytest.mark.slow
def test_a_hundred_killed_passes_are_made_good(kubeconfig: Path, tmp_path: Path, undisturbed: dict[str, Any]) -> None:
    chance = random.Random(2026)
    killed = sum(check(kubeconfig, tmp_path / str(number), undisturbed, chance) for number in range(100))
    assert killed >= 80, "most points lie within the pass"
