"""A kind as the API server serves it, and the paths its objects live at."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

from krate_gitops.errors import UsageError


class ResourceType(NamedTuple):
    """One kind in one version: how it is addressed, and what can be done with it.

    ``group`` is empty for the core group. ``plural`` is the word of its paths. ``verbs`` are those of the main
    resource; ``subresources`` are names such as ``status``.
    """

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: frozenset[str] = frozenset()
    subresources: frozenset[str] = frozenset()

    @property
    def api_version(self) -> str:
        """``group/version`` as manifests write it."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """``plural.group``, the name that permissions and people use."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


def collection_path(type: ResourceType, namespace: str = "") -> str:
    """Path of a kind's objects, in one namespace or, without one, in the whole cluster.

    Raises ``UsageError`` for a namespace on a kind that has none.
    """
    base = f"/apis/{type.group}/{type.version}" if type.group else f"/api/{type.version}"
    if not namespace:
        return f"{base}/{type.plural}"
    if not type.namespaced:
        raise UsageError("INVALID_REQUEST", f"{type.resource} have no namespace, and {namespace!r} was given")
    return f"{base}/namespaces/{_segment(namespace)}/{type.plural}"


def object_path(type: ResourceType, name: str, namespace: str = "", *, subresource: str = "") -> str:
    """Path of one object, or of its subresource.

    Raises ``UsageError`` where the name can't be one segment of a path, or the namespace is missing or too much.
    """
    if type.namespaced and not namespace:
        raise UsageError("INVALID_REQUEST", f"{type.resource} live in namespaces, and none was given for {name!r}")
    path = f"{collection_path(type, namespace)}/{_segment(name)}"
    return f"{path}/{_segment(subresource)}" if subresource else path


@lru_cache(maxsize=4096)
def _segment(text: str) -> str:
    """One segment, quoted. Names of roles hold colons; a slash or a dot segment would lead to another resource."""
    if not text or text in (".", "..") or "/" in text or len(text) > 253:
        raise UsageError("INVALID_REQUEST", f"{text[:60]!r} is no name of a Kubernetes object")
    return quote(text, safe=":@!$&'()*+,;=~")
