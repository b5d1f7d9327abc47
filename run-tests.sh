#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Installs what is missing, builds, and runs every test: unit tests, tests with real processes, and both under sanitizers.
#
#   ./run-tests.sh          what continuous integration runs; meant to end within 30 minutes on 2 cores
#   ./run-tests.sh --full   the long forms too (hours)
#
# Builds are in build-check/, build-asan/ and build-tsan/ of the source tree; nothing else is left behind. Where root is
# needed (packages, mounts) and this is not root, sudo is asked for. Exit status 0: everything passed.
set -u
cd "$(dirname "$0")" || exit 1
top=$PWD

full=
case "${1:-}" in
'') ;;
--full) full=1 ;;
*) sed -n '3,9s/^# \?//p' "$0"; exit 2 ;;
esac

jobs=$(nproc)
failed=()
summary=$(mktemp)
culprits=$(mktemp) # what failed in each failed step, told at the very end
trap 'rm -f "$summary" "$culprits"' EXIT
trap 'exit 130' INT TERM HUP

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo --preserve-env=FULL,TLS,OWN_THREAD,VOLFILE,GATLING_BUILD "$@"; fi; }

step() { # name command...: runs it, remembers a failure, goes on
    local name=$1 started=$SECONDS; shift
    printf '\n==== %s\n' "$name"
    if "$@"; then
        echo "---- $name: passed ($((SECONDS - started)) s)" | tee -a "$summary"
    else
        echo "---- $name: FAILED ($((SECONDS - started)) s)" | tee -a "$summary"
        failed+=("$name")
        return 1
    fi
}

packages() {
    "$top/extras/install-packages" build test
}

build() { # dir [arguments of configure...]
    local dir=$1; shift
    mkdir -p "$dir" && (
        cd "$dir" || exit 1
        { [ -e Makefile ] && [ config.status -nt ../configure ]; } || ../configure -q --enable-werror "$@" || exit 1
        make -s -j"$jobs" && make -s -j"$jobs" -C tests programs
    )
}

# Closing lines of the runner of each unit test, and of automake.
unit_tests() { # dir [subfolders...]
    local dir=$1 log result=0 sub; shift
    [ $# = 0 ] && set -- .
    for sub; do
        make -s -j"$jobs" -C "$dir/$sub" check >"$dir/check.out" 2>&1 || { result=1; tail -n 60 "$dir/check.out"; }
        grep -E '^# (TOTAL|PASS|FAIL|SKIP|ERROR)' "$dir/check.out" | tr '\n' ' '
        echo
    done
    find "$dir" -name '*-test.log' | sort | while read -r log; do
        printf '%-60s %s\n' "${log#"$dir"/}" "$(grep -hE '^\[  (PASSED|FAILED)  \] [0-9]+ test' "$log" | tr '\n' ' ')"
    done | tee -a "$summary"
    find "$dir" -name '*-test.log' -exec grep -HE '^\[  FAILED  \] [^0-9]' {} + | sed "s#^$dir/##" | sort -u >>"$culprits"
    return $result
}

# Much of a test's time is waiting, so one more runs at once than there are cores; prove prints each file's lines together.
# Each has a name space of mounts of its own: one that a test makes for a node would else hold copies of what its neighbours have mounted,
# and keep their file systems alive after umount. A hang must not stop the run: each file has a time of its own, after which its whole process group is told to end.
prove_files() { # dir jobs out files...
    local dir=$1 jobs=$2 out=$3 guard=900; shift 3
    [ -n "$full" ] && guard=14400
    as_root env GATLING_BUILD="$dir" FULL="$full" TLS="${TLS:-}" OWN_THREAD="${OWN_THREAD:-}" VOLFILE="${VOLFILE:-full}" \
        prove --timer -j"$jobs" --exec "timeout -k 60 $guard unshare -m --propagation private bash" -r "$@" 2>&1 | tee "$out"
    return "${PIPESTATUS[0]}"
}

# A file that fails beside others runs once more, alone. When it passes then, the step passes, and the end of the run names the file with what it said: a
# machine that was too busy for it, or a race that somebody has to look for. A sanitizer's report, a process that ended out of order and things left behind get
# no second chance, nor has a hang.
process_tests() { # dir files...
    local dir=$1 result=0 again; shift
    prove_files "$dir" $((jobs + 1)) "$dir/prove.out" "$@" || result=1
    if [ $result != 0 ] && ! grep -qE 'Sanitizer|runtime error:|Wstat: [0-9]+ \((Signal|exited 1(24|37))|^# FAILED .* every brick ends in order' "$dir/prove.out"; then
        again=$(sed -nE 's/^([^ ]+\.t) +\(Wstat: .*/\1/p' "$dir/prove.out")
        # shellcheck disable=SC2086 # names without blanks
        [ -n "$again" ] && printf '\n== once more, alone: %s\n' "$again" && prove_files "$dir" 1 "$dir/again.out" $again && result=0
        [ $result = 0 ] && { echo 'passed only when alone:'; grep -E '^# FAILED ' "$dir/prove.out"; echo "$again"; } >>"$summary"
    fi
    grep -E '^(All tests successful|Files=|Result:|Failed )' "$dir/prove.out" >>"$summary"
    [ $result = 0 ] || grep -hE '^# FAILED |^[^ ]+\.t +\(Wstat: ' "$dir"/prove.out "$dir"/again.out 2>/dev/null | cut -c 1-200 >>"$culprits"
    rm -f "$dir/again.out"
    return $result
}

sanitized_start() { # the processes that matter most, short, with a checked brick
    process_tests "$top/build-asan" tests/mount/basic.t tests/transport tests/process tests/api/operations.t tests/api/more.t tests/api/life.t
}

step 'packages' packages || exit 1
{ [ -x configure ] && [ configure -nt configure.ac ]; } || step 'autogen.sh' ./autogen.sh || exit 1
step 'build' build build-check || exit 1
step 'unit tests' unit_tests build-check
step 'process tests, plain' process_tests "$top/build-check" tests
TLS=1 step 'process tests, TLS' process_tests "$top/build-check" tests/mount tests/api
TLS=1 OWN_THREAD=off step 'process tests, TLS on the event loop' process_tests "$top/build-check" tests/mount/basic.t tests/transport
VOLFILE=minimal step 'process tests, minimal volume file' process_tests "$top/build-check" tests/mount/basic.t

if step 'build with address and undefined behaviour sanitizers' build build-asan --enable-asan; then
    step 'unit tests, sanitized' unit_tests build-asan
    step 'process tests, sanitized' sanitized_start
fi
if step 'build with thread sanitizer' build build-tsan --enable-tsan; then
    step 'unit tests, thread sanitizer' unit_tests build-tsan libglusterfs rpc
    TLS=1 step 'teardown, thread sanitizer' process_tests "$top/build-tsan" tests/transport/teardown.t
    step 'libgfapi, thread sanitizer' process_tests "$top/build-tsan" tests/api/operations.t tests/api/more.t tests/api/life.t
fi

printf '\n==== summary (%d min)\n' $((SECONDS / 60))
cat "$summary"
if [ ${#failed[@]} -gt 0 ]; then
    head -n 40 "$culprits"
    printf 'FAILED: %s\n' "${failed[@]}"
    exit 1
fi
echo 'everything passed'
