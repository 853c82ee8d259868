"""The chart, rendered by Helm's own engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from krate_gitops.errors import UnavailableError
from krate_gitops.resources.package.helm import Helm, Manifest, helm
from krate_gitops.resources.package.value_sets import VALUE_SETS
from tests.unit.resources.package.rendered import CHART, Rendered


@pytest.fixture(scope="session")
def engine() -> Iterator[Helm]:
    """Helm's engine; tests that need it skip where it isn't installed."""
    try:
        with helm() as started:
            yield started
    except UnavailableError as missing:
        pytest.skip(f"{missing.message}: {missing.hint}")


@pytest.fixture(scope="session")
def value_sets(engine: Helm) -> Mapping[str, Rendered]:
    """What the chart renders with each set of values."""
    return {name: Rendered(engine.manifests(CHART, values)) for name, values in VALUE_SETS.items()}


@pytest.fixture
def rendered(value_sets: Mapping[str, Rendered], request: pytest.FixtureRequest) -> Rendered:
    """What the chart renders with the set of values that a test names, ``default`` unless it does."""
    return value_sets[getattr(request, "param", "default")]


@pytest.fixture
def render(engine: Helm) -> Any:
    """Renders the chart with values of the test's own."""

    def with_values(values: Mapping[str, Any]) -> Rendered:
        found: list[Manifest] = engine.manifests(Path(CHART), values)
        return Rendered(found)

    return with_values
