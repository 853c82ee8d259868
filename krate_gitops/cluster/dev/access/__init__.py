"""Access control of the development API server: who somebody is, as whom he acts, what he may do and grant.

Pure: it reads stored objects through ``Reader`` and is told of changes; it knows nothing of HTTP.
"""

from krate_gitops.cluster.dev.access.access import Access
from krate_gitops.cluster.dev.access.attributes import Attributes
from krate_gitops.cluster.dev.access.bootstrap import bootstrap_objects
from krate_gitops.cluster.dev.access.identity import User
from krate_gitops.cluster.dev.access.reader import Reader
from krate_gitops.cluster.dev.access.tokens import load_signing_key
from krate_gitops.cluster.dev.access.users import create_users_file, read_tokens
from krate_gitops.cluster.dev.access.virtual import VIRTUAL_KINDS, VirtualKind

__all__ = [
    "VIRTUAL_KINDS",
    "Access",
    "Attributes",
    "Reader",
    "User",
    "VirtualKind",
    "bootstrap_objects",
    "create_users_file",
    "load_signing_key",
    "read_tokens",
]
