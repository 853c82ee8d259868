"""Where a snapshot was made."""

from __future__ import annotations

import msgspec


class Origin(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What this installation needs to find a repository again: address or path, memory root, ontology folder.

    ``fence`` is the random suffix of fences in a snapshot's prompt, drawn when it is stored, so that the prompt stays
    the same.
    """

    location: str = ""
    root: str | None = None
    ontology: str | None = None
    fence: str = ""
