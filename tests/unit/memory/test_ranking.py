"""The order of items, one criterion after the other, and the reasons given for it.

Each test makes two records that differ in the criterion under test, and in all later ones the other way round.
"""

from __future__ import annotations

import random
from typing import Any

import pytest

from krate_gitops.memory.response import Why
from tests.unit.memory.conftest import Make, Policy
from tests.unit.memory.world import World, markdown, record


def why(
    world: World, identifier: str, criterion: str, text: str = "needle", policy: Any = None, **asked: Any
) -> Why | None:
    items = world.ask(text, policy, **({"mode": "graph-only"} | asked)).records
    [item] = [item for item in items if item.id == identifier]
    return next((reason for reason in item.why if reason.criterion == criterion), None)


def test_1_what_the_user_selected_comes_first(make: Make) -> None:
    world = make(
        {
            "graph/a.yaml": record("Service", "service:a", title="needle needle", repoRefs=["repository:pay"]),
            "graph/b.yaml": record("Service", "service:b", title="other", status="archived", summary="long " * 50),
        }
    )
    asked: dict[str, Any] = {"include": ("service:b",), "consumer": {"repository": "pay"}}
    assert world.ids("needle", **asked)[0] == "service:b"
    assert why(world, "service:b", "user-selected", **asked) == Why("user-selected", "chosen by the user", 1)
    assert why(world, "service:a", "user-selected", **asked) is None


def test_2_then_what_is_linked_to_most_of_what_the_question_is_about(make: Make) -> None:
    world = make(
        {
            "graph/r.yaml": record("Repository", "repository:pay"),
            "graph/one.yaml": record("Service", "service:one", title="needle", repoRefs=["repository:pay"]),
            "graph/two.yaml": record(
                "Service", "service:two", repoRefs=["repository:pay"], edges={"depends_on": ["issue:7"]}
            ),
            "graph/none.yaml": record("Service", "service:none", title="needle needle", summary="needle"),
        }
    )
    asked: dict[str, Any] = {"consumer": {"repository": "pay", "issue": "7"}}
    assert world.ids("needle", **asked) == ["service:two", "repository:pay", "service:one", "service:none"]
    assert why(world, "service:two", "associated", **asked) == Why("associated", "repository:pay, issue:7", 2)
    assert why(world, "service:none", "associated", **asked) is None


def test_2_every_attribute_of_the_consumer_can_associate(make: Make) -> None:
    names = {
        "repository": "repository",
        "issue": "issue",
        "pull_request": "pull-request",
        "service": "service",
        "stack": "stack",
        "trigger": "trigger",
    }
    files = {
        f"graph/{field}.yaml": record(
            "Service", f"service:of-{field.replace('_', '-')}", edges={"depends_on": [f"{prefix}:x"]}
        )
        for field, prefix in names.items()
    }
    files["graph/skill.yaml"] = record("Service", "service:of-skill", edges={"depends_on": ["skill:x"]})
    world = make(files)
    for field in names:
        assert world.ids("nothing", consumer={field: "x"}) == [f"service:of-{field.replace('_', '-')}"]
    assert world.ids("nothing", consumer={"skills": ("x", "y")}) == ["service:of-skill"]
    assert world.ids("nothing", consumer={"issue": "skill:x"}) == ["service:of-skill"]
    for field in ("team", "user", "process"):
        assert world.ids("nothing", consumer={field: "skill:x"}) == []


def test_2_shared_memory_counts_as_associated(make: Make) -> None:
    world = make({"babysitter/MEMORY.md": "# Memory\n\nneedle\n", "notes/a.md": "# needle needle\n\nneedle needle\n"})
    asked: dict[str, Any] = {"mode": "grep-only", "context_lines": 0}
    assert world.lines("needle", **asked)[-1].startswith("babysitter")
    found = world.ask("needle", consumer={"repository": "pay"}, **asked).excerpts
    assert found[0].path == "babysitter/MEMORY.md"
    assert found[0].why[0] == Why("associated", "babysitter/MEMORY.md", 1)


def test_3_then_what_is_fewer_hops_away(make: Make) -> None:
    files = {"graph/r.yaml": record("Repository", "repository:pay")}
    files |= {
        f"graph/{n}.yaml": record(
            "Service",
            f"service:{n}",
            title="needle " * n,
            edges={"depends_on": [f"service:{n - 1}"] if n else ["repository:pay"]},
        )
        for n in range(4)
    }
    files["graph/far.yaml"] = record("Service", "service:far", title="needle needle needle needle needle")
    world = make(files)
    asked: dict[str, Any] = {"consumer": {"repository": "pay"}}
    assert world.ids("needle", **asked) == [
        "repository:pay",
        "service:0",
        "service:1",
        "service:2",
        "service:3",
        "service:far",
    ]
    assert why(world, "service:2", "graph-distance", **asked) == Why("graph-distance", "from repository:pay", 3)
    assert why(world, "service:far", "graph-distance", **asked) is None


def test_4_then_what_a_more_specific_path_admits(make: Make, allow: Policy) -> None:
    files = {
        f"graph/{path}.yaml": record("Service", f"service:{path[0]}", title="needle " * n)
        for n, path in enumerate(("c/deep/x", "b/x", "a"), 1)
    }
    world = make(files)
    policy = allow(
        {
            "include": {
                "graphKinds": ["Service"],
                "paths": ["**/deep/x.yaml", "graph/c/deep/*", "graph/b/*", "graph/*/x.yaml"],
            }
        }
    )
    assert world.ids("needle", policy) == ["service:c", "service:b", "service:a"]
    for name, value in (("c", 3), ("b", 2)):
        assert why(world, f"service:{name}", "allow-list", policy=policy) == Why(
            "allow-list", "literal segments of the include path", value
        )
    assert why(world, "service:a", "allow-list", policy=policy) is None
    assert world.ids("needle") == ["service:a", "service:b", "service:c"]


def test_5_then_what_matches_more_strongly(make: Make) -> None:
    world = make(
        {
            "graph/a.yaml": record("Service", "service:a", title="word needle", updatedAt="2020-01-01T00:00:00Z"),
            "graph/b.yaml": record(
                "Service", "service:b", title="word", summary="needle", updatedAt="2025-01-01T00:00:00Z"
            ),
        }
    )
    assert world.ids("needle") == ["service:a", "service:b"]
    reason = why(world, "service:a", "match", "needle word")
    assert reason is not None
    assert reason.detail == "needle, word"
    assert reason.value == next(item.score for item in world.ask("needle word").records if item.id == "service:a")


def test_5_a_name_that_holds_the_text_without_its_words_matches_too(make: Make) -> None:
    world = make({"graph/a.yaml": record("Service", "service:a", title="Needlework")})
    assert why(world, "service:a", "match", "eedlewor") == Why("match", "part of a name", 20_000)


@pytest.mark.parametrize("names", [("a", "b", "c"), ("c", "b", "a"), ("b", "c", "a")])
def test_5_then_what_is_newer_and_what_has_no_date_last(make: Make, names: tuple[str, str, str]) -> None:
    new, old, undated = names
    files = {
        f"graph/{new}.yaml": record(
            "Service", f"service:{new}", title="needle", updatedAt="2025-06-01T00:00:00Z", status="deprecated"
        ),
        f"graph/{old}.yaml": record(
            "Service", f"service:{old}", title="needle", updatedAt="1969-06-01T00:00:00Z", status="deprecated"
        ),
        f"graph/{undated}.yaml": record(
            "Service", f"service:{undated}", title="needle", updatedAt=None, status="deprecated"
        ),
    }
    world = make(files)
    assert world.ids("needle") == [f"service:{name}" for name in names]
    assert [len(world.ids("needle", max_records=limit)) for limit in (1, 2)] == [1, 2]
    # What the limit leaves out is the end of the same order.
    assert world.ids("needle", max_records=2) == [f"service:{name}" for name in names[:2]]
    assert why(world, f"service:{new}", "recency") == Why("recency", "2025-06-01", 20250601)
    assert why(world, f"service:{old}", "recency") == Why("recency", "1969-06-01", 19690601)
    assert why(world, f"service:{undated}", "recency") is None


def test_5_the_date_in_a_file_name_is_a_date(make: Make) -> None:
    world = make({f"notes/{name}.md": "needle\n" for name in ("2025-03-01-x", "2025-04-x", "plain", "2025-13-x")})
    assert [line.split(":")[0] for line in world.lines("needle")] == [
        "notes/2025-04-x.md",
        "notes/2025-03-01-x.md",
        "notes/2025-13-x.md",
        "notes/plain.md",
    ]


def test_6_then_the_status(make: Make) -> None:
    """Statuses differ in strength as well, so the strengths are made equal by matching nothing."""
    names = {"d": "approved", "c": "draft", "b": "deprecated", "a": "archived"}
    files = {
        f"graph/{n}.yaml": record(
            "Service", f"service:{n}", status=status, title="x" * (10 - ord(n) % 10), edges={"depends_on": ["issue:1"]}
        )
        for n, status in names.items()
    }
    world = make(files)
    asked: dict[str, Any] = {"text": "nothing", "consumer": {"issue": "1"}}
    assert world.ids(**asked) == ["service:d", "service:c", "service:b", "service:a"]
    for value, (name, status) in zip((3, 2, 1, 0), names.items(), strict=True):
        assert why(world, f"service:{name}", "status", **asked) == Why("status", status, value)


RUNS = {
    "babysitter/retrospectives/z.md": markdown(
        "RunRetrospective", "run-retrospective:z", edges={"depends_on": ["issue:1"]}
    ),
    "graph/run.yaml": record("BabysitterRun", "babysitter-run:y", edges={"depends_on": ["issue:1"]}),
    "graph/plain.yaml": record("Service", "service:b", edges={"depends_on": ["issue:1"]}),
    **{
        f"graph/e{at}.yaml": record(
            "RunJournalEvent",
            f"run-journal-event:{at}",
            sequence=sequence,
            extra="x" * (900 - sequence),
            edges={"depends_on": ["issue:1"]},
        )
        for at, sequence in enumerate((30, 4, 100))
    },
}


def test_6_then_the_class_of_run_memory(make: Make) -> None:
    world = make(RUNS)
    asked: dict[str, Any] = {"text": "nothing", "consumer": {"issue": "1"}}
    found = world.ids(**asked)
    assert found[:2] == ["run-retrospective:z", "babysitter-run:y"]
    assert found[-1] == "service:b"
    assert why(world, "run-retrospective:z", "form", **asked) == Why("form", "RunRetrospective", 5)
    assert why(world, "service:b", "form", **asked) is None


@pytest.mark.parametrize("intent", ["replay", "debug"])
def test_6_who_retraces_a_run_gets_its_events_in_their_order(make: Make, intent: str) -> None:
    asked: dict[str, Any] = {"text": "nothing", "consumer": {"issue": "1"}, "intent": intent}
    found = [item for item in make(RUNS).ids(**asked) if "journal" in item]
    assert found == ["run-journal-event:1", "run-journal-event:0", "run-journal-event:2"]


def test_7_then_what_fits_at_all_and_then_what_is_smaller(make: Make) -> None:
    sizes = {"a": 900, "b": 300, "c": 10}
    files = {
        f"graph/{n}.yaml": record("Service", f"service:{n}", title="needle", extra="x" * size)
        for n, size in sizes.items()
    }
    assert make(files).ids("nothing needle", consumer={}) == ["service:c", "service:b", "service:a"]


def test_8_then_the_path_and_the_line(make: Make) -> None:
    body = "needle\n\n\nneedle\n\n\nneedle\n"
    files = {f"notes/{name}.md": body for name in ("b", "a", "B", "é")}
    found = make(files).lines("needle", context_lines=0)
    assert found == [f"notes/{name}.md:{line}-{line}" for name in ("B", "a", "b", "é") for line in (1, 4, 7)]


def test_an_excerpt_has_a_bonus_for_each_word_on_its_lines(make: Make) -> None:
    found = (
        make({"notes/a.md": "red\n\n\n\nred green blue\n\n\n\nred green\n"})
        .ask("red green blue", mode="grep-only", context_lines=0)
        .excerpts
    )
    assert [excerpt.line_start for excerpt in found] == [5, 9]
    values = [reason.value for excerpt in found for reason in excerpt.why if reason.criterion == "match"]
    assert values[0] - values[1] == 1000
    assert [reason.detail for reason in found[1].why if reason.criterion == "match"] == ["green, red"]


def test_reasons_stand_in_the_order_of_the_criteria(make: Make, allow: Policy) -> None:
    world = make(RUNS | {"graph/r.yaml": record("Repository", "repository:pay")})
    order = ["user-selected", "associated", "graph-distance", "allow-list", "match", "recency", "status", "form"]
    policy = allow({"include": ["graph/*", "babysitter/**"]})
    items = world.ask(
        "run", policy, consumer={"issue": "1"}, include=("run-retrospective:z",), mode="graph-only"
    ).records
    for item in items:
        criteria = [reason.criterion for reason in item.why]
        assert criteria == [name for name in order if name in criteria]
    assert [reason.criterion for reason in items[0].why] == order


# Ties


def test_all_documents_equal_have_one_order_whatever_came_first(make: Make) -> None:
    names = [f"{number:02}" for number in range(30)]
    shuffled = random.Random(5).sample(names, len(names))
    files = {f"notes/{name}.md": "needle\n" for name in shuffled}
    files |= {f"graph/{name}.yaml": record("Service", f"service:{name}", title="needle") for name in shuffled}
    one, two = make(files), make(dict(reversed(files.items())))
    assert one.ids("needle") == [f"service:{name}" for name in names]
    answers = [world.ask("needle", paths=("**",), max_matches=100, max_excerpts=200) for world in (one, two)]
    assert answers[0].records == answers[1].records
    assert answers[0].excerpts == answers[1].excerpts
    ranks = sorted(item.rank for item in (*answers[0].records, *answers[0].excerpts))
    assert ranks == list(range(1, len(ranks) + 1))


def test_one_document_and_none_have_an_order_too(make: Make) -> None:
    assert make({"notes/a.md": "needle\n"}).lines("needle") == ["notes/a.md:1-1"]
    empty = make({})
    assert empty.ids("needle") == []
    assert empty.lines("needle") == []
    assert empty.ask(mode="document-read", document_paths=("a",)).documents == ()


def test_a_policy_moves_no_scores(make: Make, allow: Policy) -> None:
    world = make({f"graph/{n}.yaml": record("Service", f"service:{n}", title="needle " * n) for n in range(1, 6)})
    everything = {item.id: item.score for item in world.ask("needle").records}
    narrow = {
        item.id: item.score
        for item in world.ask("needle", allow({"include": ["graph/2.yaml", "graph/4.yaml"]})).records
    }
    assert narrow == {name: everything[name] for name in ("service:2", "service:4")}
