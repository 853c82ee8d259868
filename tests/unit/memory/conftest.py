"""Brains of tests, closed when a test or module ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from krate_gitops.memory.policy import EffectivePolicy
from tests.repos import Content
from tests.unit.memory.world import World, opened_world, policy

Make = Callable[..., World]
Policy = Callable[..., EffectivePolicy]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """``make({path: content})``: a world of its own."""
    with ExitStack() as stack:
        made = iter(range(1000))

        def build(files: Mapping[str, Content], **options: Any) -> World:
            folder = tmp_path / f"world{next(made)}"
            folder.mkdir()
            return stack.enter_context(opened_world(folder, files, **options))

        yield build


@pytest.fixture
def allow(tmp_path: Path) -> Policy:
    """``allow({"include": …})``: the policy of one source, or of a list of them."""
    return lambda spec, **consumer: policy(spec, tmp_path, **consumer)
