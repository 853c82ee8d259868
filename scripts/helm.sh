#!/usr/bin/env bash
# Installs what the chart is rendered and checked with, beside a virtual environment's own packages: scripts/helm.sh VENV
# Where there is none for this platform, or no network, it says so and succeeds: what needs it is skipped then.
set -euo pipefail

venv=$1
folder=$venv/helm
new=$folder.new

trap 'rm -rf "$new"' EXIT
echo "installing Helm's template engine and the schemas of Kubernetes"
rm -rf "$new"
if "$venv/bin/python" -m pip --disable-pip-version-check -qq install --retries 1 --only-binary :all: --no-deps --no-compile \
    --require-hashes --requirement charts/requirements.lock --target "$new"; then
    # The library comes three times under three names; the first of them is the one that is loaded.
    find "$new" -name 'libhelm_c.so*' | sort -r | tail -n +2 | xargs -r rm
    # Schemas of every version come with it; the oldest that the chart admits and the newest are asked.
    find "$new/kubernetes_validate/kubernetes-json-schema" -mindepth 1 -maxdepth 1 \
        ! -name 'v1.29.*-strict' ! -name 'v1.37.*-strict' -print0 | xargs -0 -r rm -r
    rm -rf "$folder"
    mv "$new" "$folder"
    touch "$folder/.ready"
else
    echo "warning: not installed; tests that render the chart are skipped, and make docs leaves the plain install as it is" >&2
fi
