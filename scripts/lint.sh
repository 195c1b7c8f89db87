#!/usr/bin/env bash
# Runs every linter, also after one has failed, and ends with a list of those that did.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv=${VENV:-.venv}
failed=()

check() { # check NAME COMMAND…
  local name=$1
  shift
  printf -- '-- %s\n' "$name"
  "$@" || failed+=("$name")
}

python_sources=()
typed_sources=()
for path in jupyter_vmshare hub_service tests bench deploy scripts docs; do
  if [[ -n $(git ls-files --cached --others --exclude-standard -- "$path/*.py" "$path/**/*.py") ]]; then
    python_sources+=("$path")
    case $path in jupyter_vmshare | hub_service | tests | bench) typed_sources+=("$path") ;; esac
  fi
done
mapfile -t shell_sources < <(git ls-files --cached --others --exclude-standard -- '*.sh' '.ci/run')

check "ruff check" "$venv/bin/ruff" check "${python_sources[@]}"
check "ruff format" "$venv/bin/ruff" format --check "${python_sources[@]}"
check "mypy" "$venv/bin/python" -m mypy "${typed_sources[@]}"
if command -v shellcheck >/dev/null; then
  check "shellcheck" shellcheck "${shell_sources[@]}"
else
  echo "-- shellcheck is not installed, so shell scripts were not looked at"
fi
check "eslint" npm run --silent eslint
check "prettier" npm run --silent prettier:check
check "tsc" npm run --silent typecheck
check "generated API types" npm run --silent generate:api -- --check

if ((${#failed[@]} > 0)); then
  printf '!! These found something: %s\n' "$(IFS=,; echo "${failed[*]}")" >&2
  exit 1
fi
echo "Nothing found."
