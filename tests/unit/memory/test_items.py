"""Where lines are looked for, and what stands in the items of an answer."""

from __future__ import annotations

from typing import Any

from tests.unit.memory.conftest import Make, Policy
from tests.unit.memory.scope import SCOPE
from tests.unit.memory.world import World, markdown, record


def sources(world: World, **asked: Any) -> set[str]:
    return {excerpt.path for excerpt in world.ask("needle", **asked).excerpts}


def test_records_narrow_lines_to_their_files_and_to_notes_about_them(make: Make) -> None:
    world = make(SCOPE)
    asked: dict[str, Any] = {"edge_depth": 0, "kinds": ("Service",)}
    assert sources(world, **asked) == {"graph/s.yaml", "notes/shares.md", "notes/record.md", "notes/names.md"}


def test_named_paths_go_before_that(make: Make) -> None:
    assert sources(make(SCOPE), paths=("notes/other.md",)) == {"notes/other.md"}


def test_without_records_everything_admitted_is_searched(make: Make, allow: Policy) -> None:
    world = make(SCOPE)
    assert sources(world, kinds=("Team",)) == {path for path, text in SCOPE.items() if "needle" in text}
    policy = allow({"include": {"graphKinds": ["Service"], "paths": ["notes/*"]}, "exclude": ["notes/names.md"]})
    assert "notes/names.md" not in sources(world, policy=policy)
    assert "graph/s.yaml" not in sources(world, policy=policy)


def test_lines_alone_are_looked_for_everywhere(make: Make) -> None:
    assert sources(make(SCOPE), mode="grep-only") == {path for path, text in SCOPE.items() if "needle" in text}


def test_a_record_without_summary_shows_the_first_paragraph_of_its_body(make: Make) -> None:
    long = "word " * 200
    world = make(
        {
            "runbooks/a.md": markdown(
                "Runbook", "runbook:a", "# Needle\n\n## More\n\nFirst line\nsecond line.\n\nNext.\n"
            ),
            "runbooks/b.md": markdown("Runbook", "runbook:b", f"needle {long}\n"),
            "runbooks/c.md": markdown("Runbook", "runbook:c", "# needle\n"),
            "runbooks/d.md": markdown("Runbook", "runbook:d", "needle body\n", summary="The summary."),
            "graph/e.yaml": record("Service", "service:e", title="needle"),
        }
    )
    found = {item.id: item.summary for item in world.ask("needle").records}
    assert found == {
        "runbook:a": "First line second line.",
        "runbook:b": f"needle {long}"[:500],
        "runbook:c": None,
        "runbook:d": "The summary.",
        "service:e": None,
    }


def test_old_and_retired_records_carry_a_warning(make: Make) -> None:
    world = make(
        {
            "graph/a.yaml": record("Service", "service:a", title="needle", updatedAt="2024-12-31T00:00:00Z"),
            "graph/b.yaml": record("Service", "service:b", title="needle", updatedAt="2025-01-01T00:00:00Z"),
            "graph/c.yaml": record(
                "Service", "service:c", title="needle", status="deprecated", updatedAt="2020-01-01T00:00:00Z"
            ),
        }
    )
    assert {item.id: item.warnings for item in world.ask("needle").records} == {
        "service:a": ("record-stale",),
        "service:b": (),
        "service:c": ("record-deprecated",),
    }
