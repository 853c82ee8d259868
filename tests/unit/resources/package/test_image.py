"""The image is built from what the package needs, and fits the pods that run it."""

from __future__ import annotations

import re
import tomllib

from tests.unit.resources.package.rendered import TOP, Rendered

DOCKERFILE = (TOP / "Dockerfile").read_text(encoding="utf-8")
PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))


def test_everything_that_goes_into_the_wheel_is_copied() -> None:
    copied = {source for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.M) for source in line.split()[:-1]}
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {
        *wheel["packages"],
        *wheel["force-include"],
        "pyproject.toml",
        "requirements.lock",
        "README.md",
        "LICENSE",
    }
    for path in needed:
        assert any(path == source or path.startswith(f"{source}/") for source in copied), path
    admitted = (TOP / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {f"!{source}" for source in copied} <= set(admitted)


def test_it_runs_as_the_user_of_the_pods(rendered: Rendered) -> None:
    for _, pod in rendered.pods():
        security = pod["securityContext"]
        assert f"USER {security['runAsUser']}:{security['runAsGroup']}" in DOCKERFILE
        [container] = pod["containers"]
        assert "command" not in container
        assert 'ENTRYPOINT ["krate-gitops"]' in DOCKERFILE


def test_chart_and_program_have_one_version(rendered: Rendered) -> None:
    version = PROJECT["project"]["version"]
    [(_, pod)] = rendered.pods()
    assert pod["containers"][0]["image"] == f"krate-gitops:{version}"
