"""The scenarios of the contract, as far as a review decides them, and which stacks a change bears on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from krate_gitops.resources.permissions.reach import stacks_reached
from krate_gitops.resources.permissions.readiness import readiness
from krate_gitops.resources.permissions.review import required_access
from krate_gitops.resources.rules.elsewhere import REASON_CODES, REFUSED_ON_SAVE
from tests.unit.resources.permissions.world import Identity, World, codes, grant, make


def _drop(*identity: str) -> Callable[[World], object]:
    return lambda world: world.objects.pop((identity[0], identity[1]))


def _gone(*identity: str) -> Callable[[World], object]:
    return lambda world: world.natives.pop((identity[0], identity[1]))


def _drift(required: bool) -> Callable[[World], object]:
    def edit(world: World) -> None:
        world.put(
            make(
                "AgentRoleBinding", "extra", subject={"kind": "agent-stack", "name": "triage"},
                roleRef={"kind": "RoleTemplate", "name": "krate-agent-ci-diagnoser"},
                scope={"kind": "organization", "name": "acme"},
            )
        )  # fmt: skip
        world.native("RoleBinding", "reader" if required else "extra", drifted=True)

    return edit


def _without_runner(external: bool) -> Callable[[World], object]:
    def edit(world: World) -> None:
        del world.objects["AgentServiceAccount", "runner"]
        world.settle(external_gateway=external)

    return edit


@pytest.mark.parametrize(
    ("edit", "decision", "is_ready", "is_refused"),
    [
        pytest.param(_drop("AgentServiceAccount", "agent"), "denied", False, True, id="runtime account missing"),
        pytest.param(_without_runner(False), "denied", False, True, id="runner account missing"),
        pytest.param(_without_runner(True), "allowed", True, False, id="runner account missing, gateway executes"),
        pytest.param(_drop("AgentSecretGrant", "log-token"), "denied", False, True, id="Secret grant missing"),
        pytest.param(_drop("AgentConfigGrant", "log-settings"), "denied", False, True, id="ConfigMap grant missing"),
        pytest.param(_gone("Secret", "log-login"), "denied", False, True, id="Secret missing"),
        pytest.param(
            lambda world: world.native("Secret", "log-login", keys=()), "denied", False, True, id="granted key missing"
        ),
        pytest.param(_drift(True), "denied", False, False, id="required role binding drifted"),
        pytest.param(_drift(False), "allowed", True, False, id="other role binding drifted"),
        pytest.param(
            lambda world: world.put(grant(requiredApproval="always")), "requires-approval", True, False,
            id="approval required",
        ),
        pytest.param(
            lambda world: world.native("Secret", "log-login", version="99"), "allowed", True, False,
            id="Secret rotated",
        ),
    ],
)  # fmt: skip
def test_a_scenario_is_decided(
    edit: Callable[[World], object], decision: str, is_ready: bool, is_refused: bool
) -> None:
    world = World()
    before = world.review()
    edit(world)
    found = world.review()
    assert found.decision == decision
    assert found.digest != before.digest
    state = world.answered()
    assert readiness("triage", state).ready == is_ready
    assert bool(REFUSED_ON_SAVE & {REASON_CODES.get(code, "") for code in codes(found)}) == is_refused


def test_a_rotated_secret_shows_its_version() -> None:
    world = World()
    assert [one.metadata_version for one in world.review().required_secrets] == ["21"]
    world.native("Secret", "log-login", version="99")
    assert [one.metadata_version for one in world.review().required_secrets] == ["99"]


def _other_stack(world: World) -> None:
    world.put(
        make(
            "AgentStack", "alone", baseAgent="codex", adapter="other", runtimeIdentity={"serviceAccountRef": "nobody"},
            runnerPool="big",
        )
    )  # fmt: skip


@pytest.mark.parametrize("identity", sorted(World().objects))
def test_a_change_of_anything_reaches_the_stack_that_uses_it_and_no_other(identity: Identity) -> None:
    world = World()
    _other_stack(world)
    state = world.state()
    assert stacks_reached(state, [world.objects[identity]]) == ["triage"]
    # What went is told as it was, and reaches as far.
    gone = world.objects.pop(identity)
    expected = [] if identity[0] == "AgentStack" else ["triage"]
    assert stacks_reached(world.state(), [gone]) == expected


@pytest.mark.parametrize("identity", sorted(World().natives))
def test_a_change_of_a_native_object_reaches_the_stack_that_needs_it(identity: Identity) -> None:
    world = World()
    _other_stack(world)
    assert stacks_reached(world.state(), [{"kind": identity[0], "metadata": {"name": identity[1]}}]) == ["triage"]


def test_what_is_for_everybody_reaches_every_stack() -> None:
    world = World()
    _other_stack(world)
    team: dict[str, Any] = grant("team", {"kind": "team", "name": "maintainers"})
    for one in (team, {"kind": "OrgSharingPolicy"}):
        assert stacks_reached(world.state(), [one]) == ["alone", "triage"]
    assert stacks_reached(world.state(), []) == []
    assert stacks_reached(world.state(), [make("AgentSkill", "unused")]) == []


def test_questions_are_shared_between_stacks_of_one_account() -> None:
    world = World()
    twin = make("AgentStack", "twin", **world.spec("AgentStack", "triage"))
    world.put(twin)
    first = required_access(world.request, world.state())
    world.ask(agent_stack="twin")
    assert required_access(world.request, world.state()) == first
