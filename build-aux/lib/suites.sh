# shellcheck shell=bash
# Running named suites one after another: all of them run even where one fails, each with its duration.

passed=0 failed=() table=()

# run_suite NAME CMD...
run_suite() {
    local name=$1 start=$SECONDS outcome=passed
    shift
    say "Suite $name"
    # A shell of its own: -e holds inside it although its outcome is asked for.
    (set -e; "$@") &
    if wait $!; then passed=$((passed + 1)); else outcome=FAILED failed+=("$name"); fi
    table+=("$(printf '%-24s %-8s %s' "$name" "$outcome" "$(duration $((SECONDS - start)))")")
}

# The closing table; fails if a suite failed.
close_suites() {
    say "All suites: $(duration $SECONDS)"
    printf '   %s\n' "${table[@]}" >&2
    ((${#failed[@]} == 0)) || say "Failed: ${failed[*]}"
    echo "suites: $passed passed, ${#failed[@]} failed"
    ((${#failed[@]} == 0))
}
