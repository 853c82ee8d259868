"""Rules about what is no edge: owners, repositories and sources."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from krate_gitops.brain.links import OWNER, REPOSITORY, SOURCE, id_key
from krate_gitops.brain.ontology import OntologyIndex
from krate_gitops.brain.rules.across.case import Across, Hit


def owner_keys(index: OntologyIndex) -> frozenset[int]:
    """Keys of the owners that the vocabulary lists."""
    owners = index.vocabulary("owners")
    return frozenset(id_key(owner) for owner in owners.values) if owners else frozenset()


def owner(case: Across) -> Iterator[Hit]:
    refs, links, index = case.by_role[OWNER], case.links, case.index
    if not len(refs):
        return
    team = case.per_name(lambda name: name in ("Team", "User"))
    target = case.found.target[refs]
    good = (target >= 0) & team[links.record_kind[np.maximum(target, 0)]] if links.records else target >= 0
    owners = owner_keys(index)
    vocabulary = index.vocabulary("owners")
    closed = vocabulary is not None and vocabulary.closed
    user = case.per_name(lambda name: name == "user" and not closed)
    rest = refs[~good & ~user[links.ref_prefix[refs]]]
    for ref in rest.tolist():
        if int(links.ref_target[ref]) not in owners:
            yield Hit("KB051", int(links.ref_record[ref]), ref)


def unresolved(case: Across) -> Iterator[Hit]:
    links, external = case.links, case.index.ontology.external_prefixes
    owners = owner_keys(case.index)
    for role in (REPOSITORY, SOURCE):
        refs = case.by_role[role]
        for ref in refs[case.found.target[refs] < 0].tolist():
            prefix = links.names[links.ref_prefix[ref]]
            known = prefix in external and role == SOURCE
            if prefix == "path" and role == SOURCE:
                known = case.commit.knows_path(ref)
            if not known and int(links.ref_target[ref]) not in owners:
                yield Hit("KB044", int(links.ref_record[ref]), ref)
