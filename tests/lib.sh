# SPDX-License-Identifier: LGPL-3.0-or-later
# lib.sh: what the .t files share: certificates, bricks, mounts, TAP, and leaving nothing behind.
#
# Modes, from the environment; the same tests run in each:
#   BRICK=stock       the brick is the distribution's glusterfsd (is the expectation true of stock, too?)
#   TLS=1             bricks and mounts that a test does not ask to be plain speak mutual TLS
#   OWN_THREAD=off    connections are served by the event loop, not by a thread of their own (ours only)
#   MOUNT=ours        mounts are made by our own glusterfs. MOUNT=local: by our own, above the brick's graph in one process, so that no
#                     brick process runs and nothing is sent
#   CLIENT=client-bare  mounts have protocol/client and no more, instead of all that a stock daemon generates
#   GFAPI=stock       programs of tests/api run with the distribution's libgfapi (default: ours)
#   VOLFILE=minimal   posix and server only, instead of the graph that a stock daemon generates
#   FULL=1            the long form of tests that have one
#   GATLING_BUILD=DIR the build directory (default: build/ of the source tree)
#
# Bricks listen on 127.0.0.1. Whatever is started is ended by its process id, whatever is made lives below $tmp, and the last
# test of each file proves that nothing is left.

set -u
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
self=$(cd "$(dirname "$0")" && pwd)/${0##*/}
build=${GATLING_BUILD:-$top/build}
tools=$build/tests/tools
grep -qs -e '--enable-[at]san' "$build/config.status" && sanitized=1 || sanitized=
: "${BRICK:=ours}" "${MOUNT:=stock}" "${GFAPI:=ours}" "${TLS:=}" "${OWN_THREAD:=}" "${VOLFILE:=full}" "${FULL:=}"
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin
umask 022
tmp=$(mktemp -d "${TMPDIR:-/tmp}/gatling-test-XXXXXX")
chmod 755 "$tmp"
cd "$tmp" || exit
user=65534:65534                      # somebody without rights
volume_id=6d1c7a52-3f0e-4b61-9c55-0d6f3a2b8e41

declare -A brick_pid=() brick_port=() brick_args=() brick_kind=() brick_tls=() brick_status=() mount_pid=() healthy_pid=()
declare -a other_pids=() loops=() cleanup_hooks=() # hooks: functions of what is sourced after this file
tests_run=0 tests_failed=0 ports_used=0 skip_reason=

# ---- TAP -----------------------------------------------------------------------------------------------------------------

diag() { sed 's/^/# /' >&2; }

report() { # result description
    tests_run=$((tests_run + 1))
    if [ "$1" = 0 ]; then
        echo "ok $tests_run - $2"
        return 0
    fi
    tests_failed=$((tests_failed + 1))
    echo "not ok $tests_run - $2"
    echo "FAILED ${self#"$top"/}: $tests_run - $2" | diag # prove keeps the line above to itself
    return 1
}

declare -A log_seen=()
why() { # what the failed command said, and what the logs have to say since the last time
    local log
    { echo "exit status $1: ${*:2}"; tail -n 20 "$tmp/out" | cut -c 1-300; } | diag
    for log in "$tmp"/*.log; do
        [ -s "$log" ] || continue
        tail -n "+$((${log_seen[$log]:-0} + 1))" "$log" | grep -E '\] [EWC] \[|Sanitizer|runtime error' | tail -n 8 | cut -c 1-300 |
            sed "s#^#${log##*/}: #" | diag
        log_seen[$log]=$(wc -l <"$log")
    done
}

must() { # command...: without its success the test has nothing to say
    local status
    "$@" >"$tmp/out" 2>&1; status=$?
    [ $status = 0 ] && return 0
    report 1 "$*" || why $status "$@"
    done_testing
}

ok() { # description command...: the command succeeds
    local text=$1 status; shift
    "$@" >"$tmp/out" 2>&1; status=$?
    report $((status != 0)) "$text" || why $status "$@"
}

not_ok() { # description command...: the command fails in an orderly way (not by a signal)
    local text=$1 status; shift
    "$@" >"$tmp/out" 2>&1; status=$?
    report $((status == 0 || status >= 124)) "$text" || why $status "$@"
}

is() { # description got expected
    report "$([ "$2" = "$3" ]; echo $?)" "$1" || printf 'got      %s\nexpected %s\n' "$2" "$3" | diag
}

wait_until() { # seconds command...: until it succeeds; the time is a guard against waiting for ever
    local end=$((SECONDS + $1)); shift
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.05
    done
}

eventually() { # seconds description command...
    local seconds=$1 text=$2; shift 2
    ok "$text" wait_until "$seconds" "$@"
}

says() { # file pattern: the file has such a line
    grep -qE -- "$2" "$1"
}

skip_all() { echo "1..0 # SKIP $*"; exit 0; }

needs() { # what this test cannot do without
    local thing
    for thing; do
        case $thing in
        root)    [ "$(id -u)" = 0 ] || skip_all "needs root" ;;
        fuse)    [ "$(id -u)" = 0 ] || skip_all "needs root"
                 [ -c /dev/fuse ] || skip_all "needs /dev/fuse"
                 [ "$MOUNT" != stock ] || [ -x /usr/sbin/glusterfs ] || skip_all "needs the package glusterfs-client" ;;
        stock)   [ -x /usr/sbin/glusterfsd ] || skip_all "needs the package glusterfs-server" ;;
        brick)   [ "$MOUNT" != local ] || skip_all "about a brick process" ;;
        ours)    [ "$BRICK" = ours ] || skip_all "about our own brick" ;;
        transport) [ "$BRICK" = ours ] || [ -n "${PLUGIN:-}" ] || skip_all "about our own transport" ;;
        gfapi)   [ "$GFAPI" = ours ] || pkg-config --exists glusterfs-api || skip_all "needs the package libglusterfs-dev" ;;
        full)    [ -n "$FULL" ] || skip_all "long: runs with --full" ;;
        tool:*)  [ -x "$tools/${thing#*:}" ] || skip_all "needs $tools/${thing#*:} (make check builds it)" ;;
        *)       command -v "$thing" >/dev/null || skip_all "needs the program $thing" ;;
        esac
    done
}

# ---- certificates ----------------------------------------------------------------------------------------------------------

# DIR gets ca.pem, crl/ (by hash) and NAME.pem with NAME.key for: server, client, expired, revoked, wrong (another name), san (its
# name only as subject alternative name), foreign (signed by somebody else, foreign-ca.pem).
make_pki() { # dir [key, as openssl genpkey has it]
    local dir=$1 key=${2:-EC -pkeyopt ec_paramgen_curve:P-256}
    mkdir -p "$dir/db" "$dir/crl"
    : >"$dir/db/index"
    cat >"$dir/db/conf" <<-CONF
	[ca]
	default_ca = us
	[us]
	database = $dir/db/index
	new_certs_dir = $dir/db
	rand_serial = yes
	default_md = sha256
	default_days = 30
	default_crl_days = 30
	policy = any
	unique_subject = no
	copy_extensions = copy
	[any]
	commonName = optional
	organizationName = optional
	[req]
	distinguished_name = name
	[name]
	[v3_ca]
	basicConstraints = critical,CA:TRUE
	keyUsage = keyCertSign,cRLSign
	CONF
    make_ca "$dir" ca "gatling test" "$key" && make_ca "$dir" foreign-ca "somebody else" "$key" &&
    make_cert "$dir" server ca /CN=server subjectAltName=DNS:localhost,IP:127.0.0.1 &&
    make_cert "$dir" client ca /CN=client "" &&
    make_cert "$dir" wrong ca /CN=stranger "" &&
    make_cert "$dir" san ca /O=nobody subjectAltName=DNS:client.example &&
    make_cert "$dir" foreign foreign-ca /CN=client "" &&
    make_cert "$dir" expired ca /CN=client "" -startdate 20200101000000Z -enddate 20200201000000Z &&
    make_cert "$dir" revoked ca /CN=client "" &&
    openssl ca -config "$dir/db/conf" -keyfile "$dir/ca.key" -cert "$dir/ca.pem" -revoke "$dir/revoked.pem" &&
    openssl ca -config "$dir/db/conf" -keyfile "$dir/ca.key" -cert "$dir/ca.pem" -gencrl -out "$dir/crl.pem" &&
    cp "$dir/crl.pem" "$dir/crl/$(openssl crl -in "$dir/crl.pem" -noout -hash).r0"
} >"$tmp/pki.out" 2>&1

make_ca() { # dir name subject key
    # shellcheck disable=SC2086 # the key is several words
    openssl genpkey -algorithm $4 -out "$1/$2.key" &&
    openssl req -x509 -new -config "$1/db/conf" -extensions v3_ca -key "$1/$2.key" -subj "/CN=$3" -days 30 -out "$1/$2.pem"
}

make_cert() { # dir name ca subject extension [arguments of openssl ca...]
    local dir=$1 name=$2 ca=$3 subject=$4 extension=$5; shift 5
    # shellcheck disable=SC2086
    openssl genpkey -algorithm $key -out "$dir/$name.key" &&
    openssl req -new -config "$dir/db/conf" -key "$dir/$name.key" -subj "$subject" ${extension:+-addext "$extension"} -out "$dir/db/$name.csr" &&
    openssl ca -batch -notext -config "$dir/db/conf" -keyfile "$dir/$ca.key" -cert "$dir/$ca.pem" -in "$dir/db/$name.csr" \
        -out "$dir/$name.pem" "$@"
}

default_pki() { # the set of this test, made once
    [ -e "$tmp/pki/crl.pem" ] || make_pki "$tmp/pki" || { diag <"$tmp/pki.out"; return 1; }
    echo "$tmp/pki"
}

tls_options() { # dir certificate: as lines of a volume file
    cat <<-OPTIONS
	    option transport.socket.ssl-enabled on
	    option transport.socket.ssl-own-cert $1/$2.pem
	    option transport.socket.ssl-private-key $1/$2.key
	    option transport.socket.ssl-ca-list $1/ca.pem
	OPTIONS
}

# ---- bricks ----------------------------------------------------------------------------------------------------------------

# A folder for a brick, on a file system with trusted and user attributes: below $tmp if that has them, else on an image of its own.
make_brick_dir() { # name
    local dir=$tmp/bricks/$1
    [ -d "$dir" ] && return 0
    mkdir -p "$dir"
    if ! { setfattr -n trusted.t -v t "$dir" && setfattr -n user.t -v t "$dir" && setfacl -m u:1:r "$dir"; } 2>/dev/null; then
        mount_image "$tmp/bricks" 2G || return 1
        mkdir -p "$dir"
    fi
    setfattr -x trusted.t "$dir"; setfattr -x user.t "$dir"; setfacl -b "$dir"
    setfattr -n trusted.glusterfs.volume-id -v "0x${volume_id//-/}" "$dir" && mkdir -p "$dir/.glusterfs/indices"
}

mount_image() { # mountpoint size: a fresh XFS on a loop device
    local loop
    truncate -s "$2" "$1.img" && mkfs.xfs -q "$1.img" && loop=$(losetup --show -f "$1.img") || return 1
    loops+=("$loop")
    mkdir -p "$1" && mount "$loop" "$1"
}

listening() { grep -qsi ":$(printf %04X "$1") 00*:0000 0A" /proc/net/tcp /proc/net/tcp6; }

pick_port() { # sets $port; below the ports that the kernel and stock clients take for themselves
    while :; do
        port=$((20000 + ($$ * 16 + ports_used) % 9000)); ports_used=$((ports_used + 1))
        listening "$port" || return 0
    done
}

brick_program() { # kind
    [ "$1" = stock ] && echo /usr/sbin/glusterfsd || echo "$build/glusterfsd/glusterfsd"
}

# Writes NAME.vol. Arguments as start_brick's.
write_brick_volfile() {
    local name=$1 kind=$BRICK tls='' graph=$VOLFILE own=$OWN_THREAD cert=server; shift
    [ -n "$TLS" ] && tls=$(default_pki)
    local -a set=()
    while [ $# -gt 0 ]; do
        case $1 in
        --stock)      kind=stock ;;
        --ours)       kind=ours ;;
        --plain)      tls= ;;
        --tls)        tls=$2; shift ;;
        --cert)       cert=$2; shift ;;
        --own-thread) own=$2; shift ;;
        --volfile)    graph=$2; shift ;;
        --set)        set+=("$2 $3 $4"); shift 3 ;;
        *)            echo "start_brick: $1?" >&2; return 2 ;;
        esac
        shift
    done
    case $graph in full) graph=brick ;; esac
    brick_kind[$name]=$kind brick_tls[$name]=$tls
    {
        printf 'protocol/server %s %s\n' transport.socket.bind-address 127.0.0.1 transport.socket.listen-port "${brick_port[$name]}" \
            statedump-path "$tmp/dump"
        [ -n "$own" ] && [ "$kind" = ours ] && echo "protocol/server transport.socket.own-thread $own"
        [ -n "$tls" ] && tls_options "$tls" "$cert" | sed 's/^ *option/protocol\/server/' &&
            echo "protocol/server auth.login.$tmp/bricks/$name.ssl-allow *"
        [ ${#set[@]} = 0 ] || printf '%s\n' "${set[@]}"
    } >"$tmp/$name.set"
    sed "s#@BRICK@#$tmp/bricks/$name#g; s#@ID@#$volume_id#g" "$top/tests/volfiles/$graph.vol.in" |
        set_options "$tmp/$name.set" >"$tmp/$name.vol"
}

# Puts lines "TYPE KEY VALUE" of a file into a volume file, each in the place of an option of the same key.
set_options() { # file
    awk 'NR == FNR { type = $1; key = $2; $1 = ""; $2 = ""; sub(/^ +/, ""); new[type, key] = $0; order[type] = order[type] " " key; next }
         $1 == "type" { print; here = $2; n = split(order[here], keys, " ")
                        for (i = 1; i <= n; i++) if (!((here, keys[i]) in done)) {
                            print "    option " keys[i] " " new[here, keys[i]]; done[here, keys[i]] = 1 }
                        next }
         $1 == "option" && ((here, $2) in new) { next }
         { print }' "$1" -
}

# NAME [--stock|--ours] [--plain | --tls PKI] [--cert NAME] [--own-thread on|off] [--volfile full|minimal] [--set TYPE KEY VALUE]...
# Starts `glusterfsd -N -f NAME.vol` and waits until it listens. Without arguments a brick that was there before gets its old ones.
start_brick() {
    local name=$1 port; shift
    [ $# = 0 ] && [ -n "${brick_args[$name]:-}" ] && eval "set -- ${brick_args[$name]}"
    brick_args[$name]=${*@Q}
    make_brick_dir "$name" || return 1
    [ "$MOUNT" = local ] && { write_local_volfile "$name" "$@"; return; }
    [ -n "${brick_port[$name]:-}" ] || { pick_port; brick_port[$name]=$port; }
    write_brick_volfile "$name" "$@" || return 1
    run_brick "$name" || return 1
    wait_until 60 brick_up_or_dead "$name" && brick_alive "$name" && listening "${brick_port[$name]}"
}

# The brick's graph without the network, for a mount above it.
write_local_volfile() { # as start_brick
    brick_port[$1]=0
    write_brick_volfile "$@" && sed -i '/^volume vol-server$/,$d' "$tmp/$1.vol"
}

run_brick() { # name: the process, from NAME.vol
    mkdir -p "$tmp/dump"
    brick_exec "$1" >>"$tmp/$1.stderr" 2>&1 &
    brick_pid[$1]=$!
}

brick_exec() {
    export GATLING_TRANSPORT_DIR=$build/rpc/transport/socket/.libs
    export ASAN_OPTIONS=exitcode=99:detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1
    export TSAN_OPTIONS=exitcode=99
    exec "$(brick_program "${brick_kind[$1]}")" -N -f "$tmp/$1.vol" -l "$tmp/$1.log"
}

brick_alive() { kill -0 "${brick_pid[$1]}" 2>/dev/null; }
brick_up_or_dead() { listening "${brick_port[$1]}" || ! brick_alive "$1"; }

# [-SIGNAL] NAME: ends it and waits; its exit status is kept in brick_status. Fails when it had to be killed after 30 s.
stop_brick() {
    local signal=-TERM late=0
    case $1 in -*) signal=$1; shift ;; esac
    [ -n "${brick_pid[$1]:-}" ] || return 0
    kill "$signal" "${brick_pid[$1]}"
    wait_until 30 process_gone "${brick_pid[$1]}" || { late=1; kill -KILL "${brick_pid[$1]}"; }
    wait "${brick_pid[$1]}" 2>/dev/null
    brick_status[$1]=$?
    unset "brick_pid[$1]"
    case ${brick_status[$1]} in
    0 | 2 | 15) ;;
    137) [ "$signal" = -KILL ] || [ "$signal" = -9 ] || late=1 ;;
    *) echo "brick $1 ended with status ${brick_status[$1]}"; tail -n 40 "$tmp/$1.stderr"; late=1 ;;
    esac
    return $late
}

process_gone() { ! kill -0 "$1" 2>/dev/null; }

# What a brick counts: "NAME value" lines of the statedump's section [census].
statedump() { # name: prints the path of a fresh statedump
    rm -f "$tmp"/dump/*
    kill -USR1 "${brick_pid[$1]}" && wait_until 30 dump_complete && ls "$tmp"/dump/*.dump.*
}
dump_complete() { cat "$tmp"/dump/*.dump.* 2>/dev/null | grep -q '^DUMP-END-TIME'; }

census() { # name
    local file
    file=$(statedump "$1") && dump_section census "$file"
}
dump_section() { # section file: "NAME value" lines
    awk -v s="[$1]" '/^\[/ { here = ($0 == s) } here && /=/ { sub("=", " "); print }' "$2"
}
counts() { census "$1" | grep -qx "$2"; } # name "thing number"

# The census and what the kernel counts. Without the workers of the pool: they come when there is work and leave when they
# have been idle for two minutes.
resources() { # name
    local file workers
    file=$(statedump "$1") || return 1
    workers=$(dump_section pool "$file" | awk '$1 == "threads" { print $2 }')
    dump_section census "$file" | awk -v w="$workers" '$1 == "threads" { $2 -= w } { print }'
    printf 'os-threads %s\nos-fds %s\n' $(($(ls "/proc/${brick_pid[$1]}/task" | wc -l) - workers)) "$(ls "/proc/${brick_pid[$1]}/fd" | wc -l)"
}

# ---- mounts ----------------------------------------------------------------------------------------------------------------

# MOUNTPOINT BRICK [--plain | --tls PKI] [--cert NAME] [--set TYPE KEY VALUE]... [-- arguments of glusterfs]: the stock FUSE client.
mount_volume() {
    local mnt=$1 name=$2 tls=${brick_tls[$2]:-} cert=client; shift 2
    local -a set=()
    while [ $# -gt 0 ]; do
        case $1 in
        --plain) tls= ;;
        --tls)   tls=$2; shift ;;
        --cert)  cert=$2; shift ;;
        --set)   set+=("$2 $3 $4"); shift 3 ;;
        --)      shift; break ;;
        *)       echo "mount_volume: $1?" >&2; return 2 ;;
        esac
        shift
    done
    write_client_volfile "$tmp/client-$name.vol" "$name" "$tls" "$cert" "${set[@]}"
    [ "$MOUNT" = local ] && cp "$tmp/$name.vol" "$tmp/client-$name.vol"
    mkdir -p "$mnt"
    mount_exec -N -f "$tmp/client-$name.vol" --process-name fuse -l "$tmp/mount-${mnt##*/}.log" "$@" "$mnt" \
        >>"$tmp/mount-${mnt##*/}.stderr" 2>&1 &
    mount_pid[$mnt]=$!
    wait_until 60 mounted_or_dead "$mnt" && is_mounted "$mnt" && timeout -k 5 60 stat "$mnt/." >/dev/null
}

mount_exec() { # arguments of glusterfs
    [ "$MOUNT" = stock ] && exec /usr/sbin/glusterfs "$@"
    export GATLING_TRANSPORT_DIR=$build/rpc/transport/socket/.libs
    export ASAN_OPTIONS=exitcode=99:detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1
    export TSAN_OPTIONS=exitcode=99
    exec "$build/glusterfsd/glusterfs" "$@"
}

write_client_volfile() { # file brick pki certificate [lines TYPE KEY VALUE...]
    local file=$1 name=$2 tls=$3 cert=$4 graph=${CLIENT:-client}; shift 4
    {
        echo "protocol/client remote-port ${brick_port[$name]}"
        [ -n "$tls" ] && tls_options "$tls" "$cert" | sed 's/^ *option/protocol\/client/'
        [ $# = 0 ] || printf '%s\n' "$@"
    } >"$file.set"
    sed "s#@BRICK@#$tmp/bricks/$name#g" "$top/tests/volfiles/$graph.vol.in" | set_options "$file.set" >"$file"
}

# ---- programs of libgfapi --------------------------------------------------------------------------------------------------

# PROGRAM: compiled from tests/api/PROGRAM.c, with the headers and the library of $GFAPI.
compile_api() {
    local -a flags=(-I"$top/api" -L"$build/api/.libs" -DUSE_POSIX_ACLS=1)
    # shellcheck disable=SC2046
    if [ "$GFAPI" = stock ]; then
        cc -O1 -g -Wall -o "$tmp/$1" "$top/tests/api/$1.c" $(pkg-config --cflags --libs glusterfs-api) -lpthread
    else
        cc -O1 -g -Wall $(sanitize_flags) -o "$tmp/$1" "$top/tests/api/$1.c" "${flags[@]}" -lgfapi -lacl -lpthread
    fi
}
sanitize_flags() { grep -os -e '-fsanitize=[a-z,]*' "$build/api/Makefile" | head -n 1; }

with_api() { # command...: any program that uses libgfapi
    if [ "$GFAPI" = stock ]; then
        exec_in_background "$@"
    else
        LD_LIBRARY_PATH=$build/api/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} \
            ASAN_OPTIONS=exitcode=99:detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1 TSAN_OPTIONS=exitcode=99 \
            exec_in_background "$@"
    fi
}

write_api_volfile() { # file brick [lines TYPE KEY VALUE...]: as that brick has been started
    local file=$1 name=$2; shift 2
    write_client_volfile "$file" "$name" "${brick_tls[$name]:-}" client "$@"
}

is_mounted() { grep -q " $1 fuse.glusterfs " /proc/mounts; }
mounted_or_dead() { is_mounted "$1" || process_gone "${mount_pid[$1]}"; }

umount_volume() { # mountpoint
    umount "$1" || umount -l "$1"
    wait_until 30 process_gone "${mount_pid[$1]}" || { kill -KILL "${mount_pid[$1]}"; return 1; }
    unset "mount_pid[$1]"
}

# BRICK [-OPTION VALUE]... ARGUMENTS: one of our own peers (tools/), told where the brick is and how it speaks.
tool() { # program brick ...
    local program=$1 name=$2; shift 2
    local -a options=(-b "$tmp/bricks/$name")
    [ -n "${brick_tls[$name]:-}" ] && options+=(-t "${brick_tls[$name]}")
    while [[ ${1:-} == -* ]]; do options+=("$1" "$2"); shift 2; done
    exec_in_background "$tools/$program" "${options[@]}" "${brick_port[$name]}" "$@"
}
peer() { tool peer "$@"; }

# A client that works on BRICK beside whatever the test does to others. It must have gone on, correctly, to the end; how slow its
# slowest call was is limited only against standing still.
start_healthy() { # brick
    background peer "$1" healthy >"$tmp/healthy-$1" 2>"$tmp/healthy-$1.err"
    healthy_pid[$1]=$!
    wait_until 30 says "$tmp/healthy-$1.err" started
}
stop_healthy() { # brick
    kill -TERM "${healthy_pid[$1]}" && wait_until 60 process_gone "${healthy_pid[$1]}"
    cat "$tmp/healthy-$1" "$tmp/healthy-$1.err"
    awk '/^calls/ { fine = $4 <= 20000 } END { exit !fine }' "$tmp/healthy-$1" # ms; a guard against standing still
}

as_user() { setpriv --reuid "${user%:*}" --regid "${user#*:}" --clear-groups -- "$@"; } # command...

background() { # command...: sets $!; ended at the end of the test at the latest
    in_background=1 "$@" <&0 & other_pids+=($!)
}
exec_in_background() { # so that $! is the program and not a shell around it
    [ -n "${in_background:-}" ] && exec "$@"
    "$@"
}

# ---- the end ---------------------------------------------------------------------------------------------------------------

end_process() { # pid
    kill -TERM "$1" 2>/dev/null || return 0
    wait_until 10 process_gone "$1" || kill -KILL "$1" 2>/dev/null
    wait "$1" 2>/dev/null
}

cleanup() {
    local x left=0
    cd "$top" || left=1
    for x in "${cleanup_hooks[@]}"; do "$x" || left=1; done
    cleanup_hooks=()
    for x in "${other_pids[@]}"; do kill -CONT "$x" 2>/dev/null; end_process "$x"; done
    for x in "${!mount_pid[@]}"; do umount -l "$x" 2>/dev/null; end_process "${mount_pid[$x]}"; done
    for x in "${!brick_pid[@]}"; do kill -CONT "${brick_pid[$x]}" && stop_brick "$x" || left=1; done
    other_pids=() mount_pid=()
    awk -v t="$tmp/" 'index($2, t) == 1 { print $2 }' /proc/mounts | sort -r | while read -r x; do umount -l "$x"; done
    for x in "${loops[@]}"; do losetup -d "$x"; done
    loops=()
    grep -q " $tmp/" /proc/mounts && { echo "still mounted below $tmp"; left=1; }
    grep -lE 'Sanitizer|runtime error' "$tmp"/*.stderr 2>/dev/null && { cat "$tmp"/*.stderr | tail -n 60; left=1; }
    return $left
}

done_testing() {
    ok 'every brick ends in order, nothing is left' cleanup
    echo "1..$tests_run"
    [ $tests_failed = 0 ]
    exit
}

trap 'status=$?; cleanup >&2; [ -n "${KEEP:-}" ] && echo "# kept: $tmp" >&2 || rm -rf --one-file-system "$tmp"; exit $status' EXIT
trap 'exit 130' INT TERM HUP
