"""What ids resolve to: who defines which, who owns one alone, where each reference leads."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from krate_gitops.brain.links import Array, Links


class Resolution(NamedTuple):
    """What ids resolve to.

    ``defines``: records that define their id (patches only add edges to one that does). ``target``: defining record of
    each reference, -1 where there is none. ``served``: records that own their id alone, ignoring case.
    """

    defines: Array
    target: Array
    served: Array
    definer: Array
    """For each record, the record that defines its id (itself for most)."""


def resolve(links: Links) -> Resolution:
    """Resolves every reference and finds duplicated ids."""
    defines = ~links.record_patch
    if links.record_patch.any():
        promoted = links.record_patch & ~np.isin(links.record_id, links.record_id[defines])
        defines = defines | promoted
    rows = np.flatnonzero(defines)
    order = rows[np.argsort(links.record_id[rows], kind="stable")]
    keys = links.record_id[order]
    served = np.zeros(links.records, dtype=bool)
    served[rows] = _alone(links.record_fold[rows])
    return Resolution(defines, look_up(keys, order, links.ref_target), served, look_up(keys, order, links.record_id))


def look_up(keys: Array, order: Array, wanted: Array) -> Array:
    """For each wanted key the entry of ``order`` that has it in sorted ``keys``, -1 where none has."""
    if not len(keys):
        return np.full(len(wanted), -1, dtype=np.int64)
    at = np.searchsorted(keys, wanted)
    at[at == len(keys)] = 0
    return np.where(keys[at] == wanted, order[at], -1)


def _alone(keys: Array) -> Array:
    _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    return counts[inverse] == 1
