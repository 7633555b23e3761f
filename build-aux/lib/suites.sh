# shellcheck shell=bash
# Running named suites one after another: all of them run even where one fails, each with its duration.
# A suite is the function suite_NAME, or else the integration test tests/NAME.rs.

# suites_main [--list | SUITE...]: runs the named ones of the suites in $known, or all of them.
# The caller has the function set_up for what they need.
suites_main() {
    local suite
    if [ "${1:-}" = --list ]; then
        printf '%s\n' "${known[@]}"
        return
    fi
    for suite; do
        [[ " ${known[*]} " == *" $suite "* ]] || fail "There is no suite $suite. There are: ${known[*]}"
    done
    (($#)) || set -- "${known[@]}"
    set_up
    run_suites "$@"
}

run_suites() {
    local passed=0 failed=() table=() suite start status outcome said=$cache/suites
    say "Running: $*"
    mkdir -p "$said"
    for suite; do
        say "Suite $suite"
        start=$SECONDS outcome=passed
        # Not in a condition: there bash would forget -e inside.
        set +e
        (set -e; run_suite "$suite") 2>&1 | tee "$said/$suite"
        status=${PIPESTATUS[0]}
        set -e
        if ((status == 0)); then passed=$((passed + 1)); else outcome=FAILED failed+=("$suite"); fi
        table+=("$(printf '%-24s %-8s %s' "$suite" "$outcome" "$(duration $((SECONDS - start)))")")
    done
    say "All suites: $(duration $SECONDS)"
    printf '   %s\n' "${table[@]}" >&2
    for suite in "${failed[@]}"; do
        say "Of $suite, which failed"
        what_failed "$said/$suite"
    done
    echo "suites: $passed passed, ${#failed[@]} failed"
    ((${#failed[@]} == 0))
}

# what_failed FILE: why, of all that a suite has said there; whoever reads the end of a long run finds it.
what_failed() {
    if grep -q FAILED "$1"; then
        # Behind a driven test stands what it saw; of Rust's stands more in the end.
        grep -A 25 FAILED "$1" | head -n 150
    fi
    tail -n 40 "$1"
}

run_suite() {
    if [ "$(type -t "suite_$1")" = function ]; then "suite_$1"; else integration_test "$1"; fi
}

# integration_tests PATTERN: the names of the files tests/NAME.rs that contain PATTERN, a line each.
integration_tests() {
    # Finding none is no failure.
    { grep -lse "$1" "$project"/tests/*.rs || true; } | sed -e 's|.*/||' -e 's|\.rs$||'
}
