#!/usr/bin/env bash
# Installs Helm's template engine beside a virtual environment's own packages: scripts/helm.sh VENV
# Where there is none for this platform, or no network, it says so and succeeds: what needs it is skipped then.
set -euo pipefail

venv=$1
folder=$venv/helm

echo "installing Helm's template engine"
rm -rf "$folder"
if "$venv/bin/python" -m pip --disable-pip-version-check -qq install --retries 1 --only-binary :all: --require-hashes \
    --requirement charts/requirements.lock --target "$folder"; then
    # The library comes three times under three names; the first of them is the one that is loaded.
    find "$folder" -name 'libhelm_c.so*' | sort -r | tail -n +2 | xargs -r rm
    touch "$folder/.ready"
else
    rm -rf "$folder"
    echo "warning: no Helm engine; tests that render the chart are skipped, and make docs leaves the plain install as it is" >&2
fi
