"""The kinds that the server knows without a definition: their schemas, defaults and checks. See ``registry``."""

from krate_gitops.cluster.dev.builtin.kind import BuiltIn, Column, Subresource
from krate_gitops.cluster.dev.builtin.registry import built_in_kinds

__all__ = ["BuiltIn", "Column", "Subresource", "built_in_kinds"]
