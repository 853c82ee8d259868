"""A brain with recorded questions, and changes that are proposed to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from krate_gitops.index.proposed import trial
from krate_gitops.memory.policy import EffectivePolicy, owner_policy
from krate_gitops.records.database import close_databases
from krate_gitops.settings import Settings
from krate_gitops.updates.impact.measure import impact_between, measure_impact
from krate_gitops.updates.impact.model import Impact
from krate_gitops.updates.impact.recorded import Recorded, Sample
from tests.repos import Content
from tests.snapshots import Desk
from tests.unit.memory.world import ONTOLOGY, markdown, record

FILES: dict[str, Content] = {
    **ONTOLOGY,
    "graph/repo.yaml": record("Repository", "repository:payments", title="Payments"),
    "graph/team.yaml": record("Team", "team:core", title="Core"),
    "graph/refunds.yaml": record(
        "Service",
        "service:refunds",
        title="Refund service",
        summary="Pays refunds back.",
        edges={"applies_to_repo": ["repository:payments"], "owned_by": ["team:core"]},
    ),
    "graph/ledger.yaml": record(
        "Service", "service:ledger", title="Ledger", summary="Books refunds.", edges={"depends_on": ["service:refunds"]}
    ),
    "graph/customer.yaml": record(
        "Customer", "customer:acme", title="Acme refund contract", edges={"depends_on": ["service:refunds"]}
    ),
    "runbooks/replay.md": markdown(
        "Runbook",
        "runbook:replay",
        "# Replay\n\nReplay a refund in this order.\n\nThen close the refund.\n",
        title="Replay refunds",
        edges={"depends_on": ["service:refunds"]},
    ),
    "notes/n.md": "# Notes\n\nA refund was late.\n\nAnother line.\n",
}


class Bench(Desk):
    """A desk at which changes are tried."""

    def impact(
        self,
        changes: Mapping[str, str | None],
        *,
        policy: EffectivePolicy | None = None,
        database: Any = "own",
        **how: Any,
    ) -> Impact:
        """The impact of changes of the second commit."""
        brain = self.brain()
        contents = {path: None if text is None else text.encode() for path, text in changes.items()}
        with trial(brain.builder, brain.target(self.second), contents, root="", home=self.settings.home) as tried:
            return measure_impact(
                brain,
                self.second,
                brain.within(tried.head.repository),
                tried.head.commit,
                database=self.database if database == "own" else database,
                policy=policy or owner_policy(),
                **how,
            )

    def impact_of(self, changes: Mapping[str, str | None], *questions: Recorded) -> Impact:
        """The impact on questions that are on no record."""
        brain = self.brain()
        contents = {path: None if text is None else text.encode() for path, text in changes.items()}
        with trial(brain.builder, brain.target(self.second), contents, root="", home=self.settings.home) as tried:
            return brain.read(
                self.second,
                lambda base: brain.within(tried.head.repository).read(
                    tried.head.commit,
                    lambda after: impact_between(base, after, Sample(questions, 0), owner_policy()),
                ),
            )


@pytest.fixture
def bench(tmp_path: Path, home: Path) -> Iterator[Bench]:
    yield Bench(tmp_path, Settings(home=home), FILES)
    close_databases()
