"""A few lines of HTTP for tests of the development cluster."""

from __future__ import annotations

import http.client
import json
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from krate_gitops.cluster.dev.folder import Running

APPLY, MERGE = "application/apply-patch+yaml", "application/merge-patch+json"


class Client:
    """One connection to a cluster as one user, by default its administrator."""

    def __init__(self, cluster: Running, token: str = "") -> None:
        place = urlsplit(cluster.url)
        context = ssl.create_default_context(cafile=str(cluster.authority))
        self._connection = http.client.HTTPSConnection(place.hostname or "", place.port, context=context, timeout=30)
        self._token = token or cluster.token

    def send(
        self, method: str, path: str, body: Any = None, *, type_: str = "application/json", accept: str = "*/*"
    ) -> tuple[int, Any]:
        """Status and value of the answer; text as it is."""
        headers = {"Authorization": f"Bearer {self._token}", "Accept": accept, "User-Agent": "tests/1.0"}
        if body is not None:
            headers["Content-Type"] = type_
        self._connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self._connection.getresponse()
        content = answer.read()
        kind = (answer.getheader("Content-Type") or "").partition(";")[0]
        return answer.status, json.loads(content) if kind == "application/json" else content.decode()

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()


def token_of(kubeconfig: Path) -> str:
    """The token of the user of a kubeconfig."""
    users = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))["users"]
    return str(users[0]["user"]["token"])
