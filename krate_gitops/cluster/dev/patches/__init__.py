"""The three sorts of patches, as functions of the document and the patch."""

from krate_gitops.cluster.dev.patches.json_patch import json_patch
from krate_gitops.cluster.dev.patches.merge_patch import merge_patch
from krate_gitops.cluster.dev.patches.strategic import strategic_merge

__all__ = ["json_patch", "merge_patch", "strategic_merge"]
