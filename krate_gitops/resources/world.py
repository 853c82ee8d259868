"""All manifests of a source, typed and indexed: what rules look at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from krate_gitops.resources.context import Context, org_namespace
from krate_gitops.resources.kinds.common import GROUP, Part
from krate_gitops.resources.kinds.inventory import KINDS, MODELS, Author, Kind
from krate_gitops.resources.kinds.tenancy import OrganizationSpec, OrgNamespaceBindingSpec
from krate_gitops.resources.manifest import Manifest
from krate_gitops.resources.shapes import shape_of
from krate_gitops.resources.structure import Breach, breaches, known_fields

S = TypeVar("S", bound=Part)


class Resource(NamedTuple, Generic[S]):
    """A manifest of a known kind whose spec fits its model. ``organization`` is a slug, empty for none."""

    manifest: Manifest
    kind: Kind
    spec: S
    organization: str


class World:
    """The manifests of one source, under a context."""

    def __init__(self, manifests: Sequence[Manifest], context: Context, live: Sequence[Manifest] = ()) -> None:
        """``live`` are objects of the cluster: references may lead to them, and nothing is said of them themselves."""
        self.manifests = manifests
        self.context = context
        self._live = live

    @cached_property
    def modelled(self) -> list[tuple[Manifest, Kind]]:
        """Manifests of this API whose kind may be written in Git and has a model."""
        return [(one, MODELS[one.kind]) for one in self.manifests if one.is_ours and one.kind in MODELS]

    @cached_property
    def structure(self) -> list[tuple[Manifest, tuple[Breach, ...]]]:
        """Each manifest with a map as its spec, and how that spec breaks its model."""
        return [
            (manifest, tuple(breaches(manifest.spec, shape_of(kind.spec), "spec")))
            for manifest, kind in self.modelled
            if kind.spec is not None and isinstance(manifest.value.get("spec"), dict)
        ]

    @cached_property
    def natives(self) -> list[Manifest]:
        """Manifests of native kinds that the source admits."""
        admitted = self.context.allowed_native_kinds
        return [one for one in self.manifests if one.api_version == "v1" and one.kind in admitted]

    @cached_property
    def resources(self) -> list[Resource[Any]]:
        """Manifests of the source's own organization that fit their models; what follows from others would be noise."""
        found = []
        for manifest, wrong in self.structure:
            kind = KINDS[manifest.kind]
            if not self.context.strict:
                wrong = tuple(one for one in wrong if one.code != "KR012")
            if not wrong and kind.spec is not None and manifest.name and self.is_own(manifest):
                value = manifest.spec if self.context.strict else known_fields(manifest.spec, shape_of(kind.spec))
                spec = msgspec.convert(value, kind.spec)
                found.append(Resource(manifest, kind, spec, organization_of(manifest)))
        return found

    @cached_property
    def elsewhere(self) -> list[Resource[Any]]:
        """Live objects of the source's own organization that these files say nothing of, and that fit their models."""
        found = []
        for manifest in self._live:
            kind = MODELS.get(manifest.kind)
            identity = organization_of(manifest), manifest.kind, manifest.name
            if kind is None or kind.spec is None or identity in self._written or not self.is_own(manifest):
                continue
            try:
                spec = msgspec.convert(known_fields(manifest.spec, shape_of(kind.spec)), kind.spec)
            except msgspec.ValidationError:
                continue
            found.append(Resource(manifest, kind, spec, organization_of(manifest)))
        return found

    @cached_property
    def _by_name(self) -> dict[tuple[str, str, str], Resource[Any]]:
        both = (*self.elsewhere, *reversed(self.resources))
        return {(one.organization, one.kind.name, one.manifest.name): one for one in both}

    @cached_property
    def _by_model(self) -> Mapping[type[Part], list[Resource[Any]]]:
        found: dict[type[Part], list[Resource[Any]]] = defaultdict(list)
        for one in (*self.resources, *self.elsewhere):
            found[type(one.spec)].append(one)
        return found

    @cached_property
    def _written(self) -> set[tuple[str, str, str]]:
        return {(organization_of(one), one.kind, one.name) for one, _ in self.modelled}

    @cached_property
    def _present(self) -> set[tuple[str, str, str]]:
        return self._written | {(organization_of(one), one.kind, one.name) for one in self._live}

    def of(self, spec: type[S]) -> Iterator[Resource[S]]:
        """Resources of one kind, by its model."""
        return (one for one in self.resources if type(one.spec) is spec)

    def known(self, spec: type[S]) -> Sequence[Resource[S]]:
        """Resources of one kind, by its model, and live ones besides: what others may lean on."""
        return self._by_model.get(spec, ())

    def find(self, organization: str, kind: str, name: str) -> Any:
        """The resource of a name as ``Resource``; None where there is none, or none that fits its model."""
        return self._by_name.get((organization, kind, name))

    def has(self, organization: str, kind: str, name: str) -> bool:
        """Whether there is an object of the name, well formed or not."""
        return (organization, kind, name) in self._present

    def is_own(self, manifest: Manifest) -> bool:
        """Whether an object is of the source's organization: of others nothing is said but that they are others."""
        return self.context.organization is None or organization_of(manifest) in ("", self.context.organization)

    @cached_property
    def namespaces(self) -> dict[str, str]:
        """Namespace of each organization that a binding, or the organization itself, names."""
        found = {}
        for organization in self.known(OrganizationSpec):
            if organization.spec.namespace_name:
                found[organization.organization] = organization.spec.namespace_name
        for binding in self.known(OrgNamespaceBindingSpec):
            if binding.spec.namespace:
                found[binding.spec.organization_ref] = binding.spec.namespace
        return found

    def namespace_of(self, organization: str) -> str:
        """The namespace of an organization."""
        return self.namespaces.get(organization) or org_namespace(organization)

    def expected_namespace(self, manifest: Manifest) -> str:
        """Where an object belongs; empty where its organization is unknown."""
        if lives_on_platform(manifest):
            return self.context.platform_namespace
        organization = organization_of(manifest) or self.context.organization or ""
        return self.namespace_of(organization) if organization else ""


def lives_on_platform(manifest: Manifest) -> bool:
    """Whether an object belongs into the platform's own namespace."""
    kind = KINDS.get(manifest.kind)
    if kind is None or kind.author is not Author.PLATFORM:
        return False
    return manifest.kind != "GitOpsSource" or manifest.spec.get("scope") == "platform"


def organization_of(manifest: Manifest) -> str:
    """Slug of the organization an object says it belongs to; an ``Organization`` is its own."""
    if manifest.kind == "Organization":
        return _text(manifest.spec.get("slug")) or manifest.name
    return _text(manifest.spec.get("organizationRef"))


def repository_of(manifest: Manifest) -> str:
    """The repository that an object is for, by its label; empty for none."""
    labels = manifest.metadata.get("labels")
    return _text(labels.get(f"{GROUP}/repository")) if isinstance(labels, dict) else ""


def names(items: Iterable[Any]) -> str:
    """A list for a message."""
    return ", ".join(map(str, items))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
