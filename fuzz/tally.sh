#!/usr/bin/env bash
# Adds up what libFuzzer and `time` tell of each run: executions and processor time by target, as the table of SECURITY.md.
# usage: fuzz/tally.sh FOLDER, which holds logs named <target>-*.log, each ended by `TIMEFORMAT="cpu-seconds %U %S"; time`.
set -euo pipefail
folder=${1:?"the folder of the logs"}
echo "| target | executions | CPU-hours |"
echo "|---|--:|--:|"
for target in line file image tokens fix output; do
  cat "$folder/$target"-*.log 2>/dev/null | awk -v target="$target" '
    /^stat::number_of_executed_units:/ { executed += $2 }
    /^cpu-seconds/ { seconds += $2 + $3 }
    END {
      digits = sprintf("%d", executed); out = ""
      while (length(digits) > 3) { out = "," substr(digits, length(digits) - 2) out; digits = substr(digits, 1, length(digits) - 3) }
      printf "| `%s` | %s | %.2f |\n", target, digits out, seconds / 3600
    }'
done
