#!/usr/bin/env bash
# The share guard's own tests: its units as they are built and with sanitizers, then fuzzing.
#
#   hub_service/guard/test.sh [SECONDS]        for each of the two fuzz targets (30)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

seconds=${1:-30}
guard=hub_service/guard

built() { # built DIRECTORY OPTION…
  local directory=$1
  shift
  [[ -f $directory/build.ninja ]] || meson setup "$directory" "$guard" "$@" >/dev/null
  ninja -C "$directory" --quiet
}

built build/guard
meson test -C build/guard --print-errorlogs --timeout-multiplier 10

echo "== The same with AddressSanitizer and UndefinedBehaviorSanitizer."
built build/guard-asan -Db_sanitize=address,undefined -Db_lundef=false -Dbuildtype=debug
UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
  meson test -C build/guard-asan --print-errorlogs --timeout-multiplier 20

echo "== The memory, which several threads share, with ThreadSanitizer."
built build/guard-tsan -Db_sanitize=thread -Db_lundef=false -Dbuildtype=debug
meson test -C build/guard-tsan own --print-errorlogs --timeout-multiplier 20

if command -v clang >/dev/null; then
  built build/guard-fuzz -Dfuzz=true -Dtests=false -Db_lundef=false -Dbuildtype=debug --native-file "$guard/fuzz/clang.ini"
else
  echo "== clang is not installed: the seeds alone are played, without libFuzzer."
  built build/guard-fuzz -Dfuzz=true -Dtests=false -Db_lundef=false -Dbuildtype=debug
fi
for target in wire own; do
  echo "== Fuzzing: $target, $seconds seconds."
  corpus=build/guard-fuzz/corpus-$target
  mkdir -p "$corpus"
  timeout $((seconds * 10 + 60)) "build/guard-fuzz/fuzz/${target}_fuzz" -max_total_time="$seconds" \
    -rss_limit_mb=2048 -timeout=10 -artifact_prefix="build/guard-fuzz/$target-" -print_final_stats=1 \
    "$corpus" "$guard/fuzz/seeds-$target" >"$corpus.log" 2>&1 || {
    tail -n 60 "$corpus.log" >&2
    echo "!! The input that did this is beside build/guard-fuzz/$target-…" >&2
    exit 1
  }
  grep -E 'number_of_executed_units|peak_rss' "$corpus.log" || true
done
