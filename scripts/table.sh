#!/usr/bin/env bash
# Prints what a run of test.sh left in its folder of logs, and fails if anything in there failed: table.sh LOGS
set -euo pipefail
logs=$1

# name, result, seconds, passed, failed for each test program, from cargo's and libtest's own lines
programs() {
    [ -f "$logs/tests.log" ] || return 0
    awk '
        function flush() {
            if (name == "") return
            result = ended ? (failed ? "FAILED" : "ok") : "CRASHED"
            if (!ended) failed = 1
            if (passed + failed > 0) printf "%s\t%s\t%.0f\t%d\t%d\n", name, result, seconds, passed, failed
        }
        function start(label) { flush(); name = label; passed = failed = seconds = ended = 0 }
        /^ +Running / {
            program = $NF; gsub(/.*\/|-[0-9a-f]+\)$/, "", program)
            start($2 == "unittests" ? "  " program : "  " program " (" $2 ")")
        }
        /^ +Doc-tests / { start("  " $2 " (doc)"); ended = 1 }
        /^test result: / {
            ended = 1
            for (i = 2; i <= NF; i++) {
                if ($i == "passed;") passed += $(i - 1)
                if ($i == "failed;") failed += $(i - 1)
            }
            sub(/s$/, "", $NF); seconds += $NF
        }
        END { flush() }' "$logs/tests.log"
}

programs >"$logs/programs"
printf '\n%-52s %-8s %8s %8s %8s\n' "what ran" result seconds passed failed
{
    cat "$logs/steps"
    sort "$logs/programs"
} | awk -F '\t' '{ printf "%-52s %-8s %8s %8s %8s\n", $1, $2, $3, $4, $5 }'

if [ -s "$logs/report" ]; then
    printf '\nvector sets that ran: %s, with %s files\n' \
        "$(grep -c '^ran' "$logs/report" || true)" \
        "$(awk -F '\t' '$1 == "ran" && $3 ~ /vector files/ { sum += $3 } END { print sum + 0 }' "$logs/report")"
fi
printf '\nskipped, and why:\n'
skipped=$({ cat "$logs/skips"; awk -F '\t' '$1 == "skipped" { print $2 ": " $3 }' "$logs/report"; } | sort -u)
printf '  %s\n' "${skipped:-nothing}" | awk 'NR == 1 || sub(/^/, "  ")'

# A step that is no test program counts as one failure when it fails; passes are counted from the tests alone.
read -r passed failed < <(awk -F '\t' '{ p += $4; f += $5 } END { print p + 0, f + 0 }' "$logs/programs")
steps=$(awk -F '\t' '$2 != "ok" && $1 != "tests"' "$logs/steps" | wc -l)
if [ "$failed" = 0 ] && grep -q '^tests	FAILED' "$logs/steps"; then steps=$((steps + 1)); fi
failed=$((failed + steps))
if [ "$failed" = 0 ] && [ "$passed" = 0 ]; then failed=1; fi
printf '\n%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
