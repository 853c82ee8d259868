"""A source: the repository, the rules under which it is applied, and what was applied last."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from krate_gitops.errors import DeniedError, UnavailableError, UsageError
from krate_gitops.organization import namespace_of
from krate_gitops.resources.context import PLATFORM_NAMESPACE
from krate_gitops.resources.defaults import with_defaults
from krate_gitops.resources.kinds.common import GROUP
from krate_gitops.resources.kinds.gitops import GitOpsSourceSpec
from krate_gitops.resources.manifest import Manifest, SourceFile
from krate_gitops.resources.parse import parse_file
from krate_gitops.resources.shapes import shape_of
from krate_gitops.resources.structure import breaches

ACCEPT_REWIND = f"{GROUP}/accept-rewind"
APPROVE_PLAN = f"{GROUP}/approve-plan"
RECONCILE_AT = f"{GROUP}/reconcile-at"
DRIFT_ACK = f"{GROUP}/drift-ack"

_MAX_FILE_BYTES = 1 << 20
_PART = re.compile(r"(\d{1,9})(ms|s|m|h|d)")
_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A ``GitOpsSource`` as it was read. ``uid`` is empty for one that isn't in the cluster."""

    name: str
    namespace: str
    spec: GitOpsSourceSpec
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    annotations: Mapping[str, str] = {}
    status: Mapping[str, Any] = {}
    deleting: bool = False
    value: Mapping[str, Any] = {}

    @property
    def organization(self) -> str:
        """Slug of its organization; ``platform`` for a platform source."""
        return self.spec.organization_ref or "platform" if self.spec.scope == "org" else "platform"

    @property
    def is_platform(self) -> bool:
        """Whether it is one of the platform."""
        return self.spec.scope == "platform"

    @property
    def last_applied(self) -> str:
        """The commit in force; empty before the first."""
        return str(self.status.get("lastAppliedRevision") or "")

    @property
    def timeout(self) -> timedelta:
        """Longest time of one stage."""
        return duration(self.spec.timeout)

    @property
    def interval(self) -> timedelta:
        """Time from one pass to the next."""
        return duration(self.spec.interval)

    @property
    def health_timeout(self) -> timedelta:
        """How long an object may be progressing."""
        return duration(self.spec.health_timeout)

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def duration(text: str) -> timedelta:
    """A duration such as ``5m`` or ``1h30m``."""
    total = timedelta()
    for number, unit in _PART.findall(text):
        total += timedelta(**{_UNITS[unit]: int(number)})
    return total


def source_of(value: Mapping[str, Any]) -> Source:
    """The source that an object or a document describes.

    Raises ``UsageError(SOURCE_INVALID)`` for one that doesn't fit its model, ``DeniedError(ORG_NAMESPACE_MISMATCH)``
    for a source that lies outside the namespace its scope has.
    """
    metadata = value.get("metadata") or {}
    spec = value.get("spec")
    name = str(metadata.get("name") or "")
    if value.get("kind") != "GitOpsSource" or not isinstance(spec, dict) or not name:
        raise _invalid("it is no GitOpsSource with a name and a spec", name)
    shape = shape_of(GitOpsSourceSpec)
    for breach in breaches(spec, shape, "spec"):
        raise _invalid(f"{breach.field}: {breach.message}", name)
    model = msgspec.convert(with_defaults(spec, shape), GitOpsSourceSpec)
    namespace = str(metadata.get("namespace") or "") or own_namespace(model)
    source = Source(
        name=name,
        namespace=namespace,
        spec=model,
        uid=str(metadata.get("uid") or ""),
        generation=int(metadata.get("generation") or 0),
        resource_version=str(metadata.get("resourceVersion") or ""),
        annotations=metadata.get("annotations") or {},
        status=value.get("status") or {},
        deleting=bool(metadata.get("deletionTimestamp")),
        value=value,
    )
    _check_namespace(source)
    return source


def read_source_file(path: Path) -> Source:
    """The one ``GitOpsSource`` of a file.

    Raises ``UsageError(SOURCE_INVALID)`` for a file with none or several, and what ``source_documents`` raises.
    """
    return source_of(the_one(source_documents(path), path).value)


def source_documents(path: Path) -> list[Manifest]:
    """The ``GitOpsSource`` documents of a file, in order.

    Raises ``UnavailableError(SOURCE_UNREADABLE)``, and ``UsageError(SOURCE_INVALID)`` for what is no file of objects.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise UnavailableError(
            "SOURCE_UNREADABLE",
            f"the file can't be read: {error.strerror or error}",
            hint="check that it exists and that you may read it",
            location=str(path),
        ) from None
    if len(data) > _MAX_FILE_BYTES:
        raise UsageError("SOURCE_INVALID", f"a source file has at most {_MAX_FILE_BYTES} bytes", location=str(path))
    manifests, issues = parse_file(SourceFile(path.name, data))
    for issue in issues:
        raise UsageError("SOURCE_INVALID", f"{issue.code} {issue.message}", hint="correct the file", location=str(path))
    return [one for one in manifests if one.is_ours and one.kind == "GitOpsSource"]


def the_one(sources: Sequence[Manifest], path: Path) -> Manifest:
    """The source that a file is named for. Raises ``UsageError(SOURCE_INVALID)`` where it isn't clear which."""
    if len(sources) != 1:
        raise UsageError(
            "SOURCE_INVALID",
            f"the file holds {len(sources) or 'no'} GitOpsSource documents that fit, and one is needed",
            hint="name a file with one source, or say whose with --org",
            location=str(path),
        )
    return sources[0]


def own_namespace(spec: GitOpsSourceSpec) -> str:
    """Where a source lies that doesn't say it."""
    return PLATFORM_NAMESPACE if spec.scope == "platform" else namespace_of(spec.organization_ref or "")


def _check_namespace(source: Source) -> None:
    """A source of an organization never lies in the platform's namespace, and one of the platform only there."""
    if (source.namespace == PLATFORM_NAMESPACE) != source.is_platform:
        raise DeniedError(
            "ORG_NAMESPACE_MISMATCH",
            f"a source with scope {source.spec.scope} can't lie in namespace {source.namespace}",
            hint=f"sources of the platform lie in {PLATFORM_NAMESPACE}, others in the namespace of their organization",
            location=str(source),
        )


def _invalid(why: str, name: str) -> UsageError:
    return UsageError("SOURCE_INVALID", f"the source can't be used: {why}", hint="correct it", location=name)
