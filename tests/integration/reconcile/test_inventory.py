"""What is owned is never lost and never more than what was applied: crashes, partial failures, moves, finalizers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from krate_gitops.cluster.client.api import Api
from krate_gitops.reconcile import applying
from krate_gitops.reconcile.opening import find_source
from krate_gitops.reconcile.plan import Op
from krate_gitops.reconcile.retire import add_finalizer, retire
from krate_gitops.reconcile.run_pass import run_pass
from krate_gitops.reconcile.tools import Tools
from tests.clusters import FULL_RULES, World

KINDS = FULL_RULES[0]


def labels(world: World, *names: str) -> str:
    return world.text(*(world.label(name) for name in names))


def names(world: World) -> list[str]:
    return sorted(one["metadata"]["name"] for one in world.list("AgentContextLabel"))


class Crash(BaseException):
    """The process is gone: nothing after it runs."""


def test_a_crash_between_create_and_record_loses_no_object(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.commit({f"{name}.yaml": labels(world, name) for name in "abc"})
    world.install()
    honest, written = applying.write, []

    async def dying(*arguments: Any) -> Any:
        if len(written) == 2:
            raise Crash
        written.append(1)
        return await honest(*arguments)

    monkeypatch.setattr(applying, "write", dying)
    with pytest.raises(Crash):
        world.reconcile()
    monkeypatch.undo()
    assert len(names(world)) == 2
    assert len(world.inventory()) == 3, "all that was about to be written is known"
    world.commit({"a.yaml": None, "b.yaml": None})
    world.reconcile()
    assert names(world) == ["c"]
    assert world.inventory() == ["AgentContextLabel/c"]


def test_a_failed_update_keeps_the_object_in_the_inventory(world: World) -> None:
    world.commit({"a.yaml": labels(world, "a"), "b.yaml": labels(world, "b")})
    world.install()
    world.reconcile()
    somebody = world.label("b", "Theirs.", namespace=world.namespace)
    world.apply(somebody, manager="somebody", force=True)
    world.commit({"b.yaml": world.text(world.label("b", "Changed."))})
    outcome = world.reconcile()
    assert outcome.counts["held"] == 1
    world.commit({"b.yaml": None})
    world.reconcile()
    assert names(world) == ["a"]


def test_a_delete_that_is_refused_is_tried_again(world: World) -> None:
    world.commit({"a.yaml": labels(world, "a"), "b.yaml": labels(world, "b")})
    world.install()
    world.reconcile()
    world.commit({"a.yaml": None})
    world.set_rules({**KINDS, "verbs": [verb for verb in KINDS["verbs"] if verb != "delete"]})
    world.reconcile()
    assert names(world) == ["a", "b"]
    assert world.condition("Pruned")[0] == "False"
    assert "AgentContextLabel/a" in world.inventory()
    world.set_rules(*FULL_RULES)
    world.reconcile()
    assert names(world) == ["b"]
    assert world.inventory() == ["AgentContextLabel/b"]
    assert world.condition("Pruned")[0] == "True"


def test_an_object_that_was_replaced_by_hand_is_not_deleted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.commit({"a.yaml": labels(world, "a"), "b.yaml": labels(world, "b")})
    world.install()
    world.reconcile()
    world.commit({"a.yaml": None})
    honest = applying.prune_one

    async def racing(api: Api, step: Any, source: Any) -> Any:
        await asyncio.to_thread(replace)
        return await honest(api, step, source)

    def replace() -> None:
        live = world.get("AgentContextLabel", "a")
        assert live is not None
        world.delete("AgentContextLabel", "a")
        metadata = {key: live["metadata"][key] for key in ("name", "namespace", "labels", "annotations")}
        world.create({**{key: live[key] for key in ("apiVersion", "kind", "spec")}, "metadata": metadata})

    monkeypatch.setattr(applying, "prune_one", racing)
    outcome = world.reconcile()
    assert names(world) == ["a", "b"]
    assert outcome.work is not None
    assert "replaced" in " ".join(outcome.work.stuck.values())
    assert world.inventory() == ["AgentContextLabel/b"]


@pytest.mark.parametrize("first", ["a", "b"])
def test_an_object_moves_between_sources_without_a_moment_of_absence(world: World, first: str) -> None:
    world.commit({"a/x.yaml": labels(world, "x"), "a/y.yaml": labels(world, "y"), "b/z.yaml": labels(world, "z")})
    world.install("a", path="a")
    world.install("b", path="b")
    world.reconcile("a")
    world.reconcile("b")
    uid = world.get("AgentContextLabel", "x")["metadata"]["uid"]  # type: ignore[index]
    moved = world.label("x", annotations={"krate.a5c.ai/adopt": "a"})
    world.commit({"a/x.yaml": None, "b/x.yaml": world.text(moved)})
    for name in (first, "b" if first == "a" else "a", "a", "b"):
        outcome = world.reconcile(name)
        assert outcome.stop is None, outcome.stop
        live = world.get("AgentContextLabel", "x")
        assert live is not None
        assert live["metadata"]["uid"] == uid
    assert world.inventory("a") == ["AgentContextLabel/y"]
    assert world.inventory("b") == ["AgentContextLabel/x", "AgentContextLabel/z"]
    assert live["metadata"]["labels"]["krate.a5c.ai/gitops-source"] == "b"


def test_a_stuck_finalizer_stops_nothing_else_and_is_deleted_once(world: World) -> None:
    world.commit({"a.yaml": labels(world, "a"), "b.yaml": labels(world, "b")})
    world.install()
    world.reconcile()
    world.patch("AgentContextLabel", "a", {"metadata": {"finalizers": ["example.com/hold"]}})
    world.commit({"a.yaml": None, "c.yaml": labels(world, "c")})
    outcome = world.reconcile()
    assert outcome.counts["created"] == 1
    assert "AgentContextLabel/a" in world.inventory()

    async def again(api: Api) -> dict[str, int]:
        source = await find_source(api, f"{world.namespace}/main", organization=world.slug)
        found = await run_pass(Tools(api=api, settings=world.settings, repository=str(world.repo.path)), source)
        assert found.draft is not None
        assert found.draft.left.steps[0].reason.startswith("it is terminating since")
        return dict(api.calls.requests)

    assert "delete" not in world.run(again)
    assert world.condition("Pruned")[0] == "False"
    world.patch("AgentContextLabel", "a", {"metadata": {"finalizers": None}})
    world.reconcile()
    assert world.inventory() == ["AgentContextLabel/b", "AgentContextLabel/c"]
    assert world.condition("Pruned")[0] == "True"


def test_an_object_left_alone_stays_in_the_inventory(world: World) -> None:
    world.commit({"a.yaml": labels(world, "a")})
    world.install()
    world.reconcile()
    world.annotate("AgentContextLabel", "a", reconcile="disabled")
    world.commit({"a.yaml": world.text(world.label("a", "Changed."))})
    outcome = world.reconcile()
    assert [step.op for step in outcome.draft.steps] == [Op.SKIP]  # type: ignore[union-attr]
    assert world.inventory() == ["AgentContextLabel/a"]
    world.annotate("AgentContextLabel", "a", reconcile=None)
    assert world.reconcile().counts["updated"] == 1


def test_prune_disabled_keeps_the_object_and_the_entry(world: World) -> None:
    keep = world.label("a", annotations={"krate.a5c.ai/prune": "disabled"})
    world.commit({"a.yaml": world.text(keep), "b.yaml": labels(world, "b")})
    world.install()
    world.reconcile()
    world.commit({"a.yaml": None})
    world.reconcile()
    assert names(world) == ["a", "b"]
    assert "AgentContextLabel/a" in world.inventory()


def test_an_object_whose_label_was_stripped_is_still_ours(world: World) -> None:
    world.commit({"a.yaml": labels(world, "a")})
    world.install()
    world.reconcile()
    bare = {"krate.a5c.ai/gitops-source": None, "krate.a5c.ai/gitops-engine": None}
    world.patch("AgentContextLabel", "a", {"metadata": {"labels": bare}})
    outcome = world.reconcile()
    assert outcome.counts["updated"] == 1
    live = world.get("AgentContextLabel", "a")
    assert live is not None
    assert live["metadata"]["labels"]["krate.a5c.ai/gitops-source"] == "main"


def retired(world: World) -> Any:
    async def work(api: Api) -> Any:
        source = await find_source(api, f"{world.namespace}/main", organization=world.slug)
        return await retire(Tools(api=api, settings=world.settings), source)

    return world.run(work)


def finalized(world: World, **spec: Any) -> None:
    world.commit({"a.yaml": labels(world, "a", "b")})
    world.install(**spec)
    world.reconcile()

    async def work(api: Api) -> None:
        await add_finalizer(api, await find_source(api, f"{world.namespace}/main", organization=world.slug))

    world.run(work)
    world.delete("GitOpsSource", "main")
    assert world.get("GitOpsSource", "main") is not None


def test_a_deleted_source_leaves_its_objects_without_marks(world: World) -> None:
    finalized(world)
    assert len(retired(world).released) == 2
    assert world.get("GitOpsSource", "main") is None
    assert names(world) == ["a", "b"]
    live = world.get("AgentContextLabel", "a")
    assert live is not None
    assert "krate.a5c.ai/gitops-source" not in live["metadata"]["labels"]
    assert not any("gitops" in key for key in live["metadata"].get("annotations") or {})


def test_a_deleted_source_takes_its_objects_along_where_it_says_so(world: World) -> None:
    finalized(world, deletionPolicy="Delete")
    assert len(retired(world).deleted) == 2
    assert names(world) == []
    assert world.get("GitOpsSource", "main") is None


def test_a_source_whose_account_is_gone_goes_and_releases_its_objects(world: World) -> None:
    finalized(world, deletionPolicy="Delete")
    world.set_rules()
    assert len(retired(world).released) == 2
    assert world.get("GitOpsSource", "main") is None
    assert names(world) == ["a", "b"]
