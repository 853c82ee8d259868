"""Which form of an answer a client gets."""

from __future__ import annotations

import pytest

from krate_gitops.cluster.dev.failure import ApiFailure
from krate_gitops.cluster.dev.http.negotiation import OBJECT_FORMS, Media, clauses, negotiate

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
JSON, YAML = "application/json", "application/yaml"


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (None, Media(JSON)),
        ("*/*", Media(JSON)),
        (YAML, Media(YAML)),
        ("application/x-unknown, application/json", Media(JSON)),
        ("application/json;q=0.5, application/yaml;q=0.9", Media(YAML)),
        ("text/html,application/xml;q=0.9,*/*;q=0.8", Media(JSON)),
        ("application/json;x=y", Media(JSON)),
        ("application/vnd.kubernetes.protobuf,application/json", Media(JSON)),
        (TABLE, Media(JSON, ("Table", "meta.k8s.io", "v1"))),
        (f"{TABLE},application/json", Media(JSON, ("Table", "meta.k8s.io", "v1"))),
        ("application/json;as=Sheet;v=v1;g=meta.k8s.io,application/json", Media(JSON)),
    ],
)
def test_the_first_that_can_be_served(accept: str | None, media: Media) -> None:
    assert negotiate(clauses(accept), OBJECT_FORMS) == media


@pytest.mark.parametrize("accept", ["text/plain", "application/*", "application/json;as=Sheet;v=v1;g=meta.k8s.io"])
def test_nothing_fits(accept: str) -> None:
    with pytest.raises(ApiFailure) as error:
        negotiate(clauses(accept), OBJECT_FORMS)
    assert error.value.code == 406
