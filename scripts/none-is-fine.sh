#!/usr/bin/env bash
# none-is-fine.sh STATUS WHERE: ends with pytest's STATUS, but takes "no test was found" (5) for a pass.
set -euo pipefail

status=${1:?"the first argument is the status that pytest ended with"}
if [[ $status == 5 ]]; then
  echo "There is no test ${2:?"the second argument says where"} yet."
  exit 0
fi
exit "$status"
