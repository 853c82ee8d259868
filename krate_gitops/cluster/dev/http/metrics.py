"""``/metrics``: how many objects there are, in the text form that Prometheus reads."""

from __future__ import annotations

from krate_gitops.cluster.dev.http.request import Response
from krate_gitops.cluster.dev.store.store import Store

_TEXT = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
_COUNT = "apiserver_storage_objects"
_VERSION = "krate_dev_resource_version"


def metrics(store: Store) -> Response:
    """The page."""
    lines = [f"# HELP {_COUNT} Number of stored objects.", f"# TYPE {_COUNT} gauge"]
    for group, plural in sorted(store.kinds()):
        resource = f"{plural}.{group}" if group else plural
        lines.append(f'{_COUNT}{{resource="{resource}"}} {len(store.collection(group, plural))}')
    lines += [f"# HELP {_VERSION} Version of the newest write.", f"# TYPE {_VERSION} counter"]
    lines.append(f"{_VERSION} {store.version}")
    return Response(200, "\n".join([*lines, ""]).encode(), _TEXT)
