# The program as the chart runs it: docker build --tag krate-gitops:0.1.0 .
FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml requirements.lock README.md LICENSE ./
COPY krate_gitops krate_gitops
COPY ontology ontology
COPY examples examples
# The versions that are tested, without what only tests need.
RUN sed -e '/--hash=/d' -e 's/ *\\$//' requirements.lock > constraints.txt \
    && python -m venv /opt/build \
    && /opt/build/bin/pip install --quiet --constraint constraints.txt hatchling \
    && /opt/build/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /dist . \
    && python -m venv /opt/krate \
    && /opt/krate/bin/pip install --quiet --constraint constraints.txt "$(echo /dist/*.whl)[postgres]"

FROM python:3.13-slim
# The program reads repositories with git, over ssh too.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates git openssh-client \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 65532 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin krate
COPY --from=build /opt/krate /opt/krate
ENV PATH=/opt/krate/bin:$PATH PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
ENTRYPOINT ["krate-gitops"]
CMD ["--help"]
