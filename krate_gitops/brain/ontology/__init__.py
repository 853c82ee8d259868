"""The ontology of a brain: read, checked, compared, looked up."""

from krate_gitops.brain.ontology.change import (
    Change,
    ChangeLevel,
    Usage,
    check_bump,
    classify_change,
    removed_in_use,
)
from krate_gitops.brain.ontology.load import EDGE_KINDS, NODE_KINDS, RULES, VOCABULARY, load_ontology
from krate_gitops.brain.ontology.lookup import OntologyIndex
from krate_gitops.brain.ontology.source import ontology_digest, ontology_digest_of

__all__ = [
    "EDGE_KINDS",
    "NODE_KINDS",
    "RULES",
    "VOCABULARY",
    "Change",
    "ChangeLevel",
    "OntologyIndex",
    "Usage",
    "check_bump",
    "classify_change",
    "load_ontology",
    "ontology_digest",
    "ontology_digest_of",
    "removed_in_use",
]
