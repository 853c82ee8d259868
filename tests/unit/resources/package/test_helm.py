"""Rendering says what it can't do."""

from __future__ import annotations

from pathlib import Path

import pytest

from krate_gitops.errors import UnavailableError, UsageError
from krate_gitops.resources.package.helm import Helm, helm


def test_without_the_engine_one_is_told_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError) as refused, helm(tmp_path):
        pass
    assert (refused.value.code, refused.value.hint) == ("HELM_UNAVAILABLE", "run make helm")


def test_an_engine_that_ends_is_unavailable_and_no_riddle(tmp_path: Path) -> None:
    (tmp_path / "helm_python").mkdir()
    (tmp_path / "helm_python" / "__init__.py").write_text("raise SystemExit\n")
    with helm(tmp_path) as broken, pytest.raises(UnavailableError, match="has ended"):
        broken.render(tmp_path)


def test_a_folder_that_is_no_chart_is_refused_in_the_words_of_helm(engine: Helm, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Chart\.yaml"):
        engine.render(tmp_path)


def test_templates_have_the_meaning_that_helm_gives_them(engine: Helm, tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("{apiVersion: v2, name: tiny, version: 1.0.0}")
    (tmp_path / "values.yaml").write_text("names: [a, b]\n")
    (tmp_path / "templates" / "one.yaml").write_text(
        'kind: {{ .Values.names | join "-" | upper }}\nrelease: {{ .Release.Name }}\n'
        "{{- if not .Values.names }}\nempty: true\n{{ end }}"
    )
    assert engine.manifests(tmp_path) == [{"kind": "A-B", "release": "krate-gitops"}]
    assert engine.manifests(tmp_path, {"names": ["c"]}) == [{"kind": "C", "release": "krate-gitops"}]
