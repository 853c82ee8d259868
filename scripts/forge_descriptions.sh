#!/usr/bin/env bash
# Puts the forges' published descriptions of their interfaces beside a virtual environment's packages, for tests:
# scripts/forge_descriptions.sh VENV
# Where npm or the network is missing, it says so and succeeds: what needs them is skipped then.
set -euo pipefail

venv=$1
lock=tests/integration/forges/descriptions.lock
folder=$venv/forge-descriptions
new=$folder.new

trap 'rm -rf "$new"' EXIT
rm -rf "$new"
mkdir -p "$new"

# Fetches a package into $new/package.tgz, and checks that it is the one that was pinned.
fetch() {
    (cd "$new" && rm -f ./*.tgz && npm pack --silent --ignore-scripts "$1@$2" >/dev/null && mv ./*.tgz package.tgz) &&
        "$venv/bin/python" - "$new/package.tgz" "$3" <<'END'
import base64, hashlib, pathlib, sys
digest = base64.b64encode(hashlib.sha512(pathlib.Path(sys.argv[1]).read_bytes()).digest()).decode()
if f"sha512-{digest}" != sys.argv[2]:
    sys.exit("warning: the package isn't the one that was pinned")
END
}

install() {
    local fetched=
    while read -r package version integrity file name; do
        [[ $package == \#* || -z $package ]] && continue
        if [[ $fetched != "$package" ]]; then
            fetch "$package" "$version" "$integrity" </dev/null || return 1
            fetched=$package
        fi
        tar -xzOf "$new/package.tgz" "$file" >"$new/$name" || return 1
    done <"$lock"
}

echo "fetching the forges' descriptions of their interfaces"
if command -v npm >/dev/null && install; then
    rm -f "$new/package.tgz"
    rm -rf "$folder"
    mv "$new" "$folder"
    touch "$folder/.ready"
else
    echo "warning: not fetched; tests that hold requests against them are skipped" >&2
fi
