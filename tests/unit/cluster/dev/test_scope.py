"""The documentation says what the development cluster does not do."""

from __future__ import annotations

from pathlib import Path

from krate_gitops.cluster.dev.scope import NOT_SERVED, OUT_OF_SCOPE

PAGE = Path(__file__).parents[4] / "docs" / "development-cluster.md"


def part(name: str) -> list[str]:
    text = PAGE.read_text(encoding="utf-8")
    return text.split(f"<!-- {name} -->\n")[1].split(f"<!-- /{name} -->")[0].splitlines()


def test_the_page_lists_what_is_not_served() -> None:
    rows = [f"| {what} | {why} |" for what, why in NOT_SERVED.items()]
    assert part("scope") == ["| A whole cluster has | Why it isn't here |", "|---|---|", *rows]


def test_the_page_lists_recordings_that_are_not_followed() -> None:
    rows = [f"| `{name}` | {why} |" for name, why in OUT_OF_SCOPE.items()]
    expected = ["| Recording | Why |", "|---|---|", *rows] if rows else ["None is left out."]
    assert part("recordings") == expected
