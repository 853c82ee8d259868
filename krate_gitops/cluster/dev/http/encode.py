"""Encodes answers."""

from __future__ import annotations

from typing import Any

import msgspec
import yaml

from krate_gitops.cluster.dev.failure import ApiFailure
from krate_gitops.cluster.dev.http.negotiation import PROTOBUF, YAML, Media
from krate_gitops.cluster.dev.http.protobuf import write_status
from krate_gitops.cluster.dev.http.request import Response

TEXT = "text/plain; charset=utf-8"

to_json = msgspec.json.Encoder().encode


def to_yaml(value: Any) -> bytes:
    """A value as a YAML document; raw JSON parts in it are read first."""
    plain = msgspec.json.decode(to_json(value))
    return yaml.dump(plain, Dumper=_Dumper, encoding="utf-8", allow_unicode=True, default_flow_style=False)


def encode(value: Any, media: Media) -> bytes:
    """A value in the encoding that is asked for."""
    return to_yaml(value) if media.type == YAML else to_json(value)


def answer(value: Any, media: Media, *, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """An answer with a value."""
    return Response(status, encode(value, media), media.content_type, headers)


def failure(error: ApiFailure, media: Media) -> Response:
    """An answer that says no."""
    if media.type == PROTOBUF:
        return Response(error.code, write_status(error.status()), PROTOBUF, error.headers)
    return answer(error.status(), media, status=error.code, headers=error.headers)


def text(body: str, *, status: int = 200) -> Response:
    """An answer in plain text."""
    return Response(status, body.encode(), TEXT)


class _Dumper(yaml.SafeDumper):
    """Writes without aliases: objects share parts by chance, not by meaning."""

    def ignore_aliases(self, data: Any) -> bool:
        return True
