# SPDX-License-Identifier: LGPL-3.0-or-later
# pairs.sh: two kinds of the same, in turn, over the same loads; medians, ranges and ratios of the pairs as a markdown table. Sourced by
# `plugin` and `ends`, after tests/lib.sh and parse_words, which say
#
#   kinds=(A B)               B is what A is measured against; titles=("A's name" "B's name")
#   targets                   lines "ROW NUMBER" of what A / B should be; rows without one have 1
#   start_kind KIND HOW       starts the brick KIND-HOW (HOW: tls or plain), writes $tmp/KIND-HOW.client (for libgfapi) and .all (a mount)
#   as_client KIND COMMAND... runs a program of that kind's client side, and is replaced by it
#   mounter KIND              prints the program that mounts
#   floor HOW PAIR            may be missing: measures once a pair what neither can be better than, and records it as a third kind

pairs= quick= rows=gfapi,iozone hows=tls,plain raw=
parse_words() {
    while [ $# -gt 0 ]; do
        case $1 in
        --quick) quick=1 ;;
        --pairs) pairs=${2?how many?}; shift ;;
        --rows)  rows=${2?which rows?}; shift ;;
        --how)   hows=${2?tls or plain?}; shift ;;
        --raw)   raw=${2?which file?}; shift ;;
        *)       usage >&2; exit 2 ;;
        esac
        shift
    done
    : "${pairs:=5}"
    mib=1024 deep=20000 flat=6000 each=16m
    [ -z "$quick" ] || { mib=512 deep=6000 flat=3000; }
}

cpu_of() { # pid: seconds
    awk -v t="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($12 + $13) / t }' "/proc/$1/stat"
}
record() { echo "$@" >>"$tmp/raw"; } # row kind pair value

prepare() { # the brick's file system, the program that makes load
    # shellcheck disable=SC2046
    cc -O2 -o "$tmp/load" "$top/extras/bench/load.c" $(pkg-config --cflags --libs glusterfs-api) -lpthread >&2 || die "cannot compile load.c"
    pki=$(default_pki) && mount_image "$tmp/bricks" 3G || die "cannot make the bricks' file system below $tmp"
    : >"$tmp/raw"
}
load() { # kind how steps...
    local kind=$1 how=$2; shift 2
    (as_client "$kind" timeout -k 5 300 "$tmp/load" "${brick_pid[$kind-$how]}" "$tmp/$kind-$how.client" "$@") 2>"$tmp/load.err" ||
        { tail -n 20 "$tmp/load.err" >&2; die "load failed: $kind $how $*"; }
}
row_gfapi() { # kind how pair
    local w1=write:4096:1:$flat r1=read:4096:1:$flat w32=write:4096:32:$deep r32=read:4096:32:$deep
    local w=write:1048576:8:$mib r=read:1048576:8:$mib step n seconds brick client
    load "$1" "$2" $w $r $w1 $r1 $w32 $r32 | while read -r step n seconds brick client; do
        case $step in
        *:1048576:*) record "$2-${step%%:*}-rate" "$1" "$3" "$(awk -v n="$n" -v s="$seconds" 'BEGIN { print n / s }')"
                     record "$2-${step%%:*}-cpu" "$1" "$3" "$(awk -v n="$n" -v b="$brick" -v c="$client" 'BEGIN { print (b + c) * 1024 / n }')" ;;
        *:1:*)       record "$2-${step%%:*}-4k" "$1" "$3" "$(awk -v n="$n" -v s="$seconds" 'BEGIN { print n / s }')" ;;
        *:32:*)      record "$2-${step%%:*}-4k32" "$1" "$3" "$(awk -v n="$n" -v s="$seconds" 'BEGIN { print n / s }')" ;;
        esac
    done
}
row_iozone() { # kind how pair
    local mnt=$tmp/mnt-$1-$2 pid before gib
    mkdir -p "$mnt"
    as_client "$1" "$(mounter "$1")" -N -f "$tmp/$1-$2.all" --process-name fuse -l "$tmp/$1-$2.mount.log" "$mnt" </dev/null >/dev/null 2>&1 &
    pid=$!
    # The mount is in the namespace of its process: iozone has to work there, too.
    wait_until 60 grep -qs " $mnt fuse" "/proc/$pid/mounts" || die "no mount: $1 $2"
    before=$(awk -v a="$(cpu_of "$pid")" -v b="$(cpu_of "${brick_pid[$1-$2]}")" 'BEGIN { print a + b }')
    (as_client "$1" timeout -k 5 600 iozone -r 1m -i 0 -i 1 -t 24 -s $each -F $(seq -f "$mnt/%g" 24)) </dev/null >"$tmp/iozone.out" 2>&1 ||
        { tail "$tmp/iozone.out" >&2; die "iozone failed: $1 $2"; }
    gib=$(awk -v m="${each%m}" 'BEGIN { print 24 * m * 4 / 1024 }') # written, rewritten, read, reread
    record "$2-iozone-cpu" "$1" "$3" "$(awk -v a="$(cpu_of "$pid")" -v b="$(cpu_of "${brick_pid[$1-$2]}")" -v c="$before" -v g="$gib" 'BEGIN { print (a + b - c) / g }')"
    record "$2-iozone-write" "$1" "$3" "$(awk '/Children see throughput for 24 initial writers/ { print $(NF - 1) / 1024 }' "$tmp/iozone.out")"
    record "$2-iozone-read" "$1" "$3" "$(awk '/Children see throughput for 24 readers/ { print $(NF - 1) / 1024 }' "$tmp/iozone.out")"
    (as_client "$1" umount "$mnt") || (as_client "$1" umount -l "$mnt")
    wait_until 30 process_gone "$pid"; wait "$pid" 2>/dev/null
}

table() {
    targets | cat - "$tmp/raw" | awk -v a="${kinds[0]}" -v b="${kinds[1]}" -v at="${titles[0]}" -v bt="${titles[1]}" '
        function add(id, text, unit, fewer) { order[++rows] = id; title[id] = text; what[id] = unit; less[id] = fewer }
        function sorted(kind, id,   i, j, x) {
            n = 0
            for (i = 1; i <= pairs; i++) if ((id, kind, i) in value) v[++n] = value[id, kind, i]
            for (i = 2; i <= n; i++) { x = v[i]; for (j = i - 1; j > 0 && v[j] > x; j--) v[j + 1] = v[j]; v[j + 1] = x }
            return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2 }
        function text(x) { return x >= 100 ? sprintf("%.0f", x) : x >= 10 ? sprintf("%.1f", x) : sprintf("%.2f", x) }
        function three(kind, id,   m) { m = sorted(kind, id); return text(m) " (" text(v[1]) "–" text(v[n]) ")" }
        NF == 2 { goal[$1] = $2; next }
        { value[$1, $2, $3] = $4; seen[$1, $2] = 1; if ($3 > pairs) pairs = $3 }
        END {
            for (h = 1; h <= 2; h++) {
                how = h == 1 ? "tls" : "plain"; name = h == 1 ? "TLS" : "plain"
                add(how "-read-rate",    name ": libgfapi, 1 MiB reads, 8 in flight",   "MiB/s", 0)
                add(how "-read-cpu",     name ": the same, CPU of both ends",           "s/GiB", 1)
                add(how "-write-rate",   name ": libgfapi, 1 MiB writes, 8 in flight",  "MiB/s", 0)
                add(how "-write-cpu",    name ": the same, CPU of both ends",           "s/GiB", 1)
                add(how "-read-4k",      name ": libgfapi, 4 KiB reads, one at a time", "1/s", 0)
                add(how "-write-4k",     name ": libgfapi, 4 KiB writes, one at a time", "1/s", 0)
                add(how "-read-4k32",    name ": libgfapi, 4 KiB reads, 32 in flight",  "1/s", 0)
                add(how "-write-4k32",   name ": libgfapi, 4 KiB writes, 32 in flight", "1/s", 0)
                add(how "-iozone-write", name ": iozone on a mount, 24 writers, 1 MiB", "MiB/s", 0)
                add(how "-iozone-read",  name ": iozone on a mount, 24 readers, 1 MiB", "MiB/s", 0)
                add(how "-iozone-cpu",   name ": all of it, CPU of brick and mount",    "s/GiB", 1)
            }
            print "| what | unit | " bt ": median (min–max) | " at ": median (min–max) | ratio | target | |"
            print "|---|---|---|---|---|---|---|"
            for (r = 1; r <= rows; r++) {
                id = order[r]
                if (!((id, a) in seen) || !((id, b) in seen)) continue
                other = three(b, id); ours = three(a, id)
                for (i = 1; i <= pairs; i++) if ((id, b, i) in value) value[id, "ratio", i] = value[id, a, i] / value[id, b, i]
                ratio = three("ratio", id); x = sorted("ratio", id); want = id in goal ? goal[id] : 1
                print "| " title[id] " | " what[id] " | " other " | " ours " | " ratio " | " (less[id] ? "≤ " : "≥ ") want " | " \
                    ((less[id] ? x <= want : x >= want) ? "met" : "**missed**") " |"
            }
        }'
}

measure_pairs() {
    local load_before how kind row order pair
    load_before=$(cut -d' ' -f1 /proc/loadavg)
    for how in ${hows//,/ }; do for kind in "${kinds[@]}"; do start_kind "$kind" "$how"; load "$kind" "$how" fill; done; done
    for ((pair = 1; pair <= pairs; pair++)); do
        order="${kinds[0]} ${kinds[1]}"; [ $((pair % 2)) = 0 ] && order="${kinds[1]} ${kinds[0]}"
        for how in ${hows//,/ }; do for row in ${rows//,/ }; do for kind in $order; do
            say "pair $pair of $pairs: $row, $how, $kind"
            "row_$row" "$kind" "$how" $pair
        done; done
            ! declare -F floor >/dev/null || floor "$how" $pair
        done
    done
    [ -z "$raw" ] || cp "$tmp/raw" "$raw"
    echo "$(date -u +%Y-%m-%d), commit $(git -C "$top" rev-parse --short=12 HEAD 2>/dev/null), \`$asked\`, $pairs pairs; load average before: $load_before."
    echo
    table
}
