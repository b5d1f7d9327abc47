# SPDX-License-Identifier: LGPL-3.0-or-later
# include.sh: what the scripts of this folder share: the manner of the shell harnesses that people drive GlusterFS with (TAP lines from single asserts;
# helpers that read processes, pid files, text and XML of the command line, statedumps and .meta). Each script runs on a machine of its own (tests/harness.t).
#
#   TEST command...            succeeds;  TEST ! command...: fails
#   EXPECT value command...    prints it (an extended regular expression for the whole line); EXPECT_WITHIN seconds value command...: at last
#   cleanup                    no daemon, brick, mount, volume is left
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
H0=$(hostname) B0=/srv V0=patchy V1=patchy1 M0=/mnt/m0 M1=/mnt/m1
CLI='gluster --mode=script --wignore'
statedumpdir=$(gluster --print-statedumpdir) logdir=$(gluster --print-logdir) # with no daemon there
workdir=/var/lib/glusterd
mkdir -p $M0 $M1
failures=0

told() { # status text
    local log
    if [ "$1" = 0 ]; then echo "ok - $2"; else echo "not ok - $2"; failures=$((failures + 1)); fi
    for log in "$logdir"/*.log; do [ -e "$log" ] && echo "++++ $2 ++++" >>"$log"; done # the daemons append, too: none writes over it
}
TEST() {
    local want=0 status text="$*"
    [ "$1" = '!' ] && { want=1; shift; }
    "$@" >/run/said 2>&1; status=$?
    [ $((status != 0)) = $want ]; status=$?
    [ $status = 0 ] || sed 's/^/# /' /run/said | head -n 10
    told $status "$text"
}
matches() { grep -qxE -- "$1" <<<"$2"; }
EXPECT() {
    local value=$1 got; shift
    got=$("$@" 2>&1)
    matches "$value" "$got"; told $? "$* is $value"
    matches "$value" "$got" || echo "# got $got"
}
EXPECT_WITHIN() {
    local end=$((SECONDS + $1)) value=$2 got; shift 2
    until got=$("$@" 2>&1); matches "$value" "$got"; do [ $SECONDS -lt $end ] || break; sleep 0.2; done
    matches "$value" "$got"; told $? "$* becomes $value"
    matches "$value" "$got" || echo "# got $got"
}

# ---- the command line ----------------------------------------------------------------------------------------------------
info_field() { $CLI volume info "$1" | sed -n "s/^$2: //p"; }             # volume field
get_option() { $CLI volume get "$1" "$2" | awk -v k="$2" '$1 == k { print $2 }'; }
xml() { xmllint --xpath "$1" - 2>/dev/null; }
online_bricks() { # volume: entries with status 1, without the daemons
    local all daemons
    all=$($CLI --xml volume status "$1" | xml 'count(//node[status=1])')
    daemons=$($CLI --xml volume status "$1" | xml 'count(//node[status=1][hostname="Self-heal Daemon" or hostname="NFS Server" or hostname="Quota Daemon"])')
    echo $((all - daemons))
}
brick_online() { $CLI volume status "$1" "$2:$3" --xml | xml 'string(//node[path="'"$3"'"]/status)'; }
port_column() { $CLI volume status "$1" "$H0:$2" | awk -v b="Brick $H0:$2" 'index($0, b) == 1 { print $3 }'; }
shd_online() { $CLI volume status "$1" | awk '/^Self-heal Daemon on/ { print $7 }'; }
shd_pid() { $CLI volume status "$1" | awk '/^Self-heal Daemon on/ { print $8 }'; }
heal_entries() { $CLI volume heal "$1" info | awk '/^Number of entries: / { n += $4 } END { print n + 0 }'; }

# ---- processes ---------------------------------------------------------------------------------------------------------------
pid_file() { echo "/var/run/gluster/vols/$1/$H0${2//\//-}.pid"; }         # volume path
brick_pid() { cat "$(pid_file "$1" "$2")"; }
kill_brick() { # volume path: as the harnesses do: by the socket that the brick's command line names
    local socket
    socket=$(tr '\0' '\n' <"/proc/$(brick_pid "$1" "$2")/cmdline" | grep '\.socket$')
    gf_attach -d "$socket" "$2" || true # a stock brick that ends gives no answer
}
mount_pid() { ps auxww | grep glusterfs | grep -E "volfile-id[ =]/?$1 .*$2" | grep -v grep | awk '{ print $2 }'; } # volume mount point
count() { pgrep -c "$1"; }
dump_of() { # pid: the file that a signal makes; harnesses look for its last line
    local file
    rm -f "$statedumpdir"/*".$1.dump."*
    kill -USR1 "$1"
    for _ in $(seq 100); do
        file=$(ls "$statedumpdir"/*".$1.dump."* 2>/dev/null) && grep -q DUMP-END-TIME "$file" && { echo "$file"; return; }
        sleep 0.1
    done
    return 1
}
mounted() { grep -c " $1 fuse.glusterfs " /proc/mounts; }
meta() { sed -n "s/^$3 = //p" "$1/.meta/graphs/active/$2/private"; }      # mount point, translator, field

cleanup() {
    local m
    for m in $M0 $M1; do while umount -l $m 2>/dev/null; do :; done; done
    killall glusterfs glusterfsd glusterd 2>/dev/null
    for _ in $(seq 50); do pidof glusterfs glusterfsd glusterd >/dev/null || break; sleep 0.1; done # five seconds are what they have
    pidof glusterfs glusterfsd glusterd && { killall -KILL glusterfs glusterfsd glusterd; return 1; }
    rm -rf $workdir/vols/* $workdir/peers/* $workdir/glusterd.info $B0/* /var/run/gluster/vols "$statedumpdir"/*.dump.* $workdir/options
    return 0
}
