"""Writes what of the chart comes from the code; with --check only says whether it is current."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from krate_gitops.errors import UnavailableError
from krate_gitops.resources.package.chart_files import chart_files
from krate_gitops.resources.package.helm import helm
from krate_gitops.resources.package.plain_install import plain_install

CHART = Path(__file__).parent / "krate-gitops"


def stale(files: Mapping[str, str], *, write: bool) -> list[str]:
    """Names of files that differ from what they should be; written with ``write``."""
    found = []
    for name, text in files.items():
        file = CHART / name
        if file.exists() and file.read_text(encoding="utf-8") == text:
            continue
        found.append(name)
        if write:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    return found


def main(arguments: list[str]) -> int:
    """Writes or compares; 1 when something is out of date, or the chart doesn't render."""
    is_check = "--check" in arguments
    found = stale(chart_files(), write=not is_check)
    try:
        with helm() as engine:
            # After the chart's own files: it is rendered as they are now.
            found += stale(plain_install(engine.manifests(CHART)), write=not is_check)
    except UnavailableError as missing:
        sys.stderr.write(f"the install without Helm is left as it is: {missing.message}; {missing.hint}\n")
    if found and is_check:
        sys.stderr.write(f"out of date: {', '.join(found)}; run make docs\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
