"""A change from the command line to the cluster, and what is known of it at each point."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from krate_gitops.resources.kinds.common import API_VERSION
from tests.clusters import World


def program(world: World, *arguments: object) -> dict[str, Any]:
    """What a command prints as JSON; it must end well."""
    settings = {"KRATE_HOME": str(world.settings.home), "KUBECONFIG": str(world.kubeconfig), "KRATE_ORG": world.slug}
    done = subprocess.run(
        [sys.executable, "-m", "krate_gitops", *map(str, arguments), "-o", "json"],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("namespace", [True, False])
def test_a_written_change_is_applied_once_a_pass_has_brought_it_into_force(world: World, *, namespace: bool) -> None:
    world.commit({"a.yaml": world.text(world.label("a"))})
    metadata = {"name": "main", **({"namespace": world.namespace} if namespace else {})}
    spec = {
        "organizationRef": world.slug,
        "source": {"repoURL": "https://git.example/config.git", "path": "."},
        "writePolicy": {"mode": "direct"},
    }
    value = {"apiVersion": API_VERSION, "kind": "GitOpsSource", "metadata": metadata, "spec": spec}
    source = world.repo.path.parent / "source.yaml"
    source.write_text(json.dumps(value), encoding="utf-8")
    place = ("--repo", world.repo.path)

    def status() -> str:
        [change] = program(world, "config", "status", source, *place)["items"]
        return str(change["status"])

    program(world, "reconcile", "apply", source, *place)
    program(world, "config", "set", source, "AgentContextLabel", "a", "promptFragment=Look twice.", *place)
    assert status() == "Merged"
    program(world, "reconcile", "plan", f"{world.namespace}/main", *place)
    assert status() == "Merged"
    program(world, "reconcile", "apply", f"{world.namespace}/main", *place)
    assert status() == "Applied"
    live = world.get("AgentContextLabel", "a")
    assert live is not None
    assert live["spec"]["promptFragment"] == "Look twice."


def test_the_commit_in_force_is_told_when_it_moves_and_again_when_the_record_fails(world: World) -> None:
    first = world.commit({"a.yaml": world.text(world.label("a"))})
    world.install()
    told: list[str] = []
    fail = [True]

    def applied(_source: object, _repository: object, commit: str) -> None:
        told.append(commit)
        if fail:
            raise OSError(fail.pop())

    with pytest.raises(OSError, match="True"):
        world.reconcile(applied=applied)
    for _ in range(2):
        world.reconcile(applied=applied)
    assert told == [first, first]
    second = world.commit({"a.yaml": world.text(world.label("a", "Look twice."))})
    world.reconcile(applied=applied, dry_run=True)
    world.reconcile(applied=applied)
    assert told == [first, first, second]
