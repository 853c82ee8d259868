"""Rendering the chart: text by Helm's engine, manifests from the text."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, cast

import yaml

from krate_gitops.errors import UnavailableError, UsageError

RELEASE, NAMESPACE = "krate-gitops", "krate-system"
Manifest = dict[str, Any]


class Helm:
    """A process with Helm's engine, started once and asked many times."""

    def __init__(self, requests: IO[str], answers: IO[str]) -> None:
        self._requests, self._answers = requests, answers

    def render(self, chart: Path, values: Mapping[str, Any] | None = None) -> Mapping[str, str]:
        """Text of every template that says something, by path below the chart.

        Raises ``UsageError(CHART_REFUSED)`` with Helm's words, ``UnavailableError(HELM_UNAVAILABLE)`` when it is gone.
        """
        request = {"chart": str(chart), "values": values or {}, "release": RELEASE, "namespace": NAMESPACE}
        answer = json.loads(self._ask(json.dumps(request)))
        if "refused" in answer:
            raise UsageError("CHART_REFUSED", answer["refused"])
        texts = {path.partition("/")[2]: text for path, text in answer["files"].items()}
        return {path: text for path, text in sorted(texts.items()) if text.strip()}

    def manifests(self, chart: Path, values: Mapping[str, Any] | None = None) -> list[Manifest]:
        """Every rendered object, in the order of templates. Raises as ``render``."""
        texts = self.render(chart, values)
        return [one for path, text in texts.items() if path.endswith(".yaml") for one in manifests_in(text)]

    def _ask(self, request: str) -> str:
        with contextlib.suppress(BrokenPipeError):
            self._requests.write(request + "\n")
            self._requests.flush()
            if line := self._answers.readline():
                return line
        raise UnavailableError("HELM_UNAVAILABLE", "Helm's engine has ended", hint="run make helm again")


def manifests_in(text: str) -> list[Manifest]:
    """The objects of a stream of YAML documents."""
    return [one for one in yaml.safe_load_all(text) if one]


def engine_folder() -> Path:
    """Where ``make helm`` puts the engine: in the environment that runs this program."""
    return Path(sys.prefix) / "helm"


@contextlib.contextmanager
def helm(folder: Path | None = None) -> Iterator[Helm]:
    """Helm's engine, ended with the block. Raises ``UnavailableError(HELM_UNAVAILABLE)`` where it isn't installed."""
    folder = folder or engine_folder()
    if not (folder / "helm_python").is_dir():
        raise UnavailableError("HELM_UNAVAILABLE", "Helm's engine is not installed", hint="run make helm")
    script = Path(__file__).with_name("helm_process.py")
    # Isolated, and without the caller's environment: the engine needs neither credentials nor configuration.
    process = subprocess.Popen(
        [sys.executable, "-I", str(script), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"HOME": str(folder), "LANG": "C.UTF-8"},
    )
    # Leaving the block closes its input, at which it ends.
    with process:
        yield Helm(cast("IO[str]", process.stdin), cast("IO[str]", process.stdout))
