#!/usr/bin/env bash
# Creates a virtual environment: scripts/venv.sh FOLDER [PYTHON]
set -euo pipefail

folder=$1
wanted=${2:-}

is_new_enough() {
    command -v "$1" >/dev/null 2>&1 && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    local candidate
    for candidate in ${wanted:-python3 python3.13 python3.12 python3.11}; do
        if is_new_enough "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    echo "error: no Python 3.11 or newer found${wanted:+ at $wanted}; name one: make PYTHON=/path/to/python3" >&2
    return 1
}

# Debian and Ubuntu ship Python without what a virtual environment's pip is made from.
has_venv() {
    "$python" -c 'import ensurepip, venv' 2>/dev/null
}

install_venv() {
    local version
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1 || return 1
    echo "installing the venv module of Python $version with apt-get" >&2
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >&2 || true
    apt-get install -y -qq --no-install-recommends "python$version-venv" >&2 ||
        apt-get install -y -qq --no-install-recommends python3-venv >&2
}

python=$(find_python)
rm -rf "$folder"
if has_venv || { install_venv && has_venv; }; then
    "$python" -m venv "$folder"
elif "$python" -m virtualenv --version >/dev/null 2>&1; then
    "$python" -m virtualenv --quiet "$folder"
elif command -v uv >/dev/null 2>&1; then
    uv venv --quiet --seed --python "$python" "$folder"
else
    echo "error: $python can't create virtual environments: it lacks the venv and ensurepip modules" >&2
    echo "hint: install them (Debian, Ubuntu: apt-get install python3-venv), or name another Python: make PYTHON=..." >&2
    exit 1
fi
