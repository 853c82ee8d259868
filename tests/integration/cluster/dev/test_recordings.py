"""Holds the development API server against recorded conversations with a real one."""

from __future__ import annotations

import os
from collections.abc import Mapping

import pytest

from krate_gitops.cluster.dev.scope import OUT_OF_SCOPE
from tests.integration.cluster.dev.recordings import FOLDER, once, recorded, replay

ABSENT = "no recordings beside the checkout"


@pytest.fixture(scope="session")
def differences(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """How the answers differ from each recording, found out once for all processes of a test run."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    return once(shared, lambda: dict(replay(request.getfixturevalue("bare_cluster"), shared / "recordings.txt")))


@pytest.mark.parametrize("recording", recorded() or [pytest.param("none", marks=pytest.mark.skip(reason=ABSENT))])
def test_answers_as_the_recorded_server_does(recording: str, differences: Mapping[str, str]) -> None:
    if recording in OUT_OF_SCOPE:
        pytest.skip(OUT_OF_SCOPE[recording])
    assert differences.get(recording, "it was not replayed") == ""


def test_what_is_out_of_scope_is_recorded() -> None:
    if not FOLDER.exists():
        pytest.skip(ABSENT)
    assert set(OUT_OF_SCOPE) <= set(recorded())
