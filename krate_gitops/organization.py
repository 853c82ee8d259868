"""Organisations and the namespaces of their own that they have."""

from __future__ import annotations

NAMESPACE_PREFIX = "krate-org-"


def namespace_of(organization: str) -> str:
    """The Kubernetes namespace of an organisation; ``platform`` is the installation itself."""
    return "krate-system" if organization == "platform" else f"{NAMESPACE_PREFIX}{organization}"
