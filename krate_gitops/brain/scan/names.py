"""Files whose name says that they hold a credential."""

from __future__ import annotations

import unicodedata
from fnmatch import fnmatchcase

CREDENTIAL_NAMES = (
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "id_rsa*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    "kubeconfig*",
    ".env*",
)


def is_credential_file_name(path: str) -> bool:
    """Whether the last part of a path is a credential file's name, whatever its case. KB064."""
    name = unicodedata.normalize("NFKC", path.rpartition("/")[2]).casefold()
    return any(fnmatchcase(name, pattern) for pattern in CREDENTIAL_NAMES)
