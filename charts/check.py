"""Checks that definitions, values, templates, rendered objects and examples agree (KR601 to KR607)."""

from __future__ import annotations

import sys
from pathlib import Path

from krate_gitops.errors import UnavailableError
from krate_gitops.resources.kinds.inventory import KINDS
from krate_gitops.resources.package.contents import read_package
from krate_gitops.resources.package.helm import helm
from krate_gitops.resources.package.rules import PACKAGE_RULES, check, is_breach
from krate_gitops.resources.package.value_sets import VALUE_SETS

TOP = Path(__file__).resolve().parents[1]
CHART = TOP / "charts" / "krate-gitops"
EXAMPLES = TOP / "examples" / "agents" / "manifests"


def main() -> int:
    """Prints each finding; 1 when one of them keeps the package from being released."""
    rendered = {}
    try:
        with helm() as engine:
            rendered = {name: engine.manifests(CHART, values) for name, values in VALUE_SETS.items()}
    except UnavailableError as missing:
        sys.stderr.write(f"only the install without Helm is looked at: {missing.message}; {missing.hint}\n")
    findings = check(read_package(CHART, EXAMPLES, KINDS, rendered))
    for one in findings:
        rule = PACKAGE_RULES[one.code]
        sys.stdout.write(f"{one.path}: {rule.effect.value} {one.code} {one.message}\n    hint: {rule.hint}\n")
    return int(any(is_breach(one) for one in findings))


if __name__ == "__main__":
    sys.exit(main())
