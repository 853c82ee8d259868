"""A checked request over one opened commit, under one policy: what every step of a query works on."""

from __future__ import annotations

import msgspec
import numpy as np

from krate_gitops.errors import UsageError
from krate_gitops.index.strength import Matches, analyse
from krate_gitops.memory.admission import Admission
from krate_gitops.memory.exclusions import Exclusions
from krate_gitops.memory.grep import split_terms
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.policy import MODES, EffectivePolicy
from krate_gitops.memory.rank import Ranking
from krate_gitops.memory.request import QueryRequest, checked


def settled(request: QueryRequest, policy: EffectivePolicy) -> QueryRequest:
    """The request as it is answered: checked, with the policy's mode where it names none, and within its limits.

    Raises ``UsageError(INVALID_REQUEST)``.
    """
    request = checked(request)
    mode = request.mode or policy.query_mode
    if mode not in MODES:
        raise UsageError("INVALID_REQUEST", f"mode is one of {', '.join(MODES)}")
    limits, graph = request.limits, request.graph
    limits = msgspec.structs.replace(limits, max_bytes=min(limits.max_bytes, policy.max_context_bytes))
    graph = msgspec.structs.replace(graph, edge_depth=min(graph.edge_depth, policy.max_depth))
    return msgspec.structs.replace(request, mode=mode, limits=limits, graph=graph)


class Question:
    """``request`` has its limits capped by the policy. Raises ``UsageError(INVALID_REQUEST)``."""

    def __init__(self, opened: OpenIndex, request: QueryRequest, policy: EffectivePolicy) -> None:
        self.request = request = settled(request, policy)
        self.mode = request.mode
        self.opened = opened
        self.columns = opened.columns
        self.policy = policy
        self.admission: Admission = opened.admission(policy)
        self.excluded = Exclusions(opened, request.selection.exclude)
        self.matches = self._matches()
        self.ranking = Ranking(
            opened,
            policy,
            request.consumer,
            self.matches,
            intent=request.intent,
            max_bytes=request.limits.max_bytes,
        )

    @property
    def wants_records(self) -> bool:
        return self.mode in ("graph-only", "graph-and-grep")

    @property
    def wants_lines(self) -> bool:
        return self.mode in ("grep-only", "graph-and-grep")

    def _matches(self) -> Matches:
        text = self.request.text
        if self.mode == "document-read":
            if not (self.request.documents.ids or self.request.documents.paths or self.request.selection.include):
                raise UsageError("INVALID_REQUEST", "document-read needs ids or paths", hint="name documents to read")
            units = self.columns.units
            return Matches(np.zeros(units, dtype=np.int64), (), np.zeros(units, dtype=np.uint64))
        if not text.strip() or (self.wants_records and not split_terms(text)):
            hint = "ask with at least one word of two letters"
            raise UsageError("INVALID_REQUEST", "the text holds no word to search for", hint=hint)
        found = self.opened.ranker.match(analyse(text), self.request.ranking_version)
        # Only the brain's ontology knows which kinds are always secret; the index holds their words.
        secret = self.columns.record_unit[self.admission.secret]
        found.strength[secret], found.held[secret] = 0, 0
        return found
