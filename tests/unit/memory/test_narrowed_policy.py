"""Two policies at once: what could be told when a snapshot was taken, and what may be told today."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from krate_gitops.memory.policy import owner_policy
from tests.unit.memory.admitted import FILES, LEVELS, STATUSES, files, records, shown
from tests.unit.memory.conftest import Policy
from tests.unit.memory.world import World, opened_world

SPECS = (
    {"include": {"graphKinds": ["Runbook", "Service"]}},
    {"include": {"paths": ["graph/services/**", "notes/*", "runbooks/**"]}},
    {"include": {"paths": ["**"], "sensitivity": LEVELS, "statuses": STATUSES}, "exclude": {"paths": ["notes/**"]}},
    {"include": {"paths": ["**"]}, "exclude": {"graphKinds": ["Runbook"]}, "maxContextBytes": 9_000},
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with opened_world(tmp_path_factory.mktemp("narrowed"), FILES) as made:
        yield made


@pytest.mark.parametrize(("one", "other"), list(itertools.product(range(len(SPECS)), repeat=2)))
def test_what_both_admit_is_admitted_and_nothing_else(world: World, allow: Policy, one: int, other: int) -> None:
    first, second = allow(SPECS[one]), allow(SPECS[other])
    both = first.narrowed(second)
    assert records(world, both) == records(world, first) & records(world, second)
    assert files(world, both) == files(world, first) & files(world, second)
    assert shown(world, both) <= shown(world, first) & shown(world, second)


def test_a_third_policy_narrows_further(world: World, allow: Policy) -> None:
    first, second, third = (allow(spec) for spec in SPECS[:3])
    both = first.narrowed(second).narrowed(third)
    assert records(world, both) == records(world, first) & records(world, second) & records(world, third)


def test_the_tighter_limit_of_each_kind_holds(allow: Policy) -> None:
    wide, tight = owner_policy(), allow(SPECS[3])
    assert wide.narrowed(tight).max_context_bytes == tight.narrowed(wide).max_context_bytes == 9_000


def test_what_either_denies_by_name_is_said_to_be_denied(allow: Policy) -> None:
    both = owner_policy().narrowed(allow(SPECS[3])).narrowed(allow(SPECS[2]))
    assert both.denies_kind("Runbook")
    assert both.denies_glob("notes/**")
    assert not both.denies_kind("Service")
    assert not both.admits_record(kind="Runbook", path="a", sensitivity="internal", status="approved")
    assert both.admits_record(kind="Service", path="a", sensitivity="internal", status="approved")


def test_a_policy_that_is_not_narrowed_keeps_its_digest(allow: Policy) -> None:
    one = allow(SPECS[0])
    assert one.narrowed(owner_policy()).digest != one.digest
    assert owner_policy().digest == "sha256:6b121b3a4fd66e8e06ac84b8d6cd00c597a31e4ddc92aa0e0f49e57e60a70028"
