"""Which form of an answer a client asks for with its Accept header."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from krate_gitops.cluster.dev.failure import ApiFailure

JSON, YAML, PROTOBUF = "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"
KNOWN = (JSON, YAML, PROTOBUF)

OBJECT_FORMS = frozenset(
    (name, "meta.k8s.io", version)
    for name in ("Table", "PartialObjectMetadata", "PartialObjectMetadataList")
    for version in ("v1", "v1beta1")
)
DISCOVERY_FORMS = frozenset({("APIGroupDiscoveryList", "apidiscovery.k8s.io", "v2")})

Form = tuple[str, str, str]
"""Kind, group and version of another form of the same answer."""


class Clause(msgspec.Struct, frozen=True):
    """One media type of an Accept header."""

    type: str
    parameters: dict[str, str]


class Media(msgspec.Struct, frozen=True):
    """An encoding, and the form in which the answer is wanted (``None``: as it is)."""

    type: str = JSON
    form: Form | None = None

    @property
    def content_type(self) -> str:
        """The Content-Type of an answer in this encoding."""
        return self.type


PLAIN = Media()


def clauses(accept: str | None) -> list[Clause]:
    """The media types of an Accept header, the preferred ones first."""
    if not accept:
        return []
    found: list[tuple[float, Clause]] = []
    for part in accept.split(",")[:50]:
        type_, *rest = (piece.strip() for piece in part.split(";"))
        parameters = dict(piece.split("=", 1) for piece in rest if "=" in piece)
        found.append((_quality(parameters.pop("q", "1")), Clause(type_.lower(), parameters)))
    found.sort(key=lambda each: -each[0])
    return [clause for _, clause in found]


def plain(accept: list[Clause]) -> Media:
    """The encoding of an error; JSON where nothing fits, protobuf only where nothing else is taken."""
    for clause in accept:
        if clause.type in (JSON, YAML):
            return Media(clause.type)
    return Media(PROTOBUF) if any(clause.type == PROTOBUF for clause in accept) else PLAIN


def negotiate(accept: list[Clause], forms: Collection[Form]) -> Media:
    """The first that can be served. Raises ``ApiFailure`` 406."""
    if not accept:
        return PLAIN
    for clause in accept:
        if clause.type == "*/*":
            return PLAIN
        if clause.type not in (JSON, YAML):
            continue
        parameters = clause.parameters
        if "as" not in parameters:
            return Media(clause.type)
        form = (parameters["as"], parameters.get("g", ""), parameters.get("v", ""))
        if form in forms:
            return Media(clause.type, form)
    raise not_acceptable()


def not_acceptable() -> ApiFailure:
    """Nothing that the client takes can be served."""
    message = f"only the following media types are accepted: {', '.join(KNOWN)}"
    return ApiFailure(406, "NotAcceptable", message)


def check_routed(accept: list[Clause]) -> None:
    """The check that paths of built-in kinds make before any other. Raises ``ApiFailure`` 406."""
    if accept and not any(clause.type in (*KNOWN, "*/*") for clause in accept):
        message = f"406: Not Acceptable\n\nAvailable representations: {', '.join(KNOWN)}"
        raise ApiFailure(406, "NotAcceptable", message, details={})


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 1.0
