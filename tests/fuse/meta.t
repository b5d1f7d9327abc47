#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# `.meta` of our mount has the names that stock's has on the same volume, in the same places and of the same kinds; what scripts read there, and in the
# mount's statedump, is there in the form that they read.
. "$(dirname "$0")/../lib.sh"
. "$top/tests/cluster.sh"
needs stock fuse perl flock

must start_nodes 1
must start_glusterd n1
must gluster n1 volume create v n1:/srv/b1 force
must gluster n1 volume start v
mount_as() { # kind [-o options]
    use n1 clients "$1" && on n1 mkdir -p "/mnt/$1" && on n1 timeout -k 5 60 mount -t glusterfs "${@:2}" n1:/v "/mnt/$1" </dev/null
}
must mount_as stock
must mount_as ours -o event-history=yes
meta=$(root n1)/mnt/ours/.meta
pid=$(on n1 pgrep -f 'glusterfs .*/mnt/ours$')

# The graph is called after host, process and time; options that stock's client gives itself while it logs in, and those of the mount, differ.
names() { # kind
    on n1 sh -c "cd /mnt/$1 && find .meta -printf '%y %m %p %l\n'" | sed -E 's#n1-[0-9][^/]*( \+0000)?(/| |$)#GRAPH\2#g; s#(mnt-)'"$1"'#\1X#' |
        grep -vE 'root/options/|options/(opversion|clnt-lk-version|volfile-checksum|volfile-key|client-version|process-name|process-uuid|fops-version) ' |
        sed -E 's/ +$//; s#^f 400 (.*/(volfile|password))$#f 444 \1#' | sort
}
names stock >"$tmp/stock"; names ours >"$tmp/ours"
is 'the same names'                  "$(diff "$tmp/stock" "$tmp/ours")" ""
ok 'and many of them'                test "$(wc -l <"$tmp/ours")" -gt 100
is 'not in the list of the root'     "$(on n1 ls -A /mnt/ours)" ""

same_text() { [ "$(on n1 cat "/mnt/ours/.meta/$1")" = "$(on n1 cat "/mnt/stock/.meta/$1")" ] || { on n1 cat "/mnt/ours/.meta/$1"; false; }; }
for file in graphs/active/v-dht/type graphs/active/v-dht/name graphs/active/v/options/threads graphs/active/v-client-0/options/remote-subvolume \
    logging/loglevel root/type root/name root/options/mountpoint graphs/active/meta-autoload/type; do
    [ $file = root/options/mountpoint ] || ok "the same text: $file" same_text $file
done
is 'where it is mounted'             "$(cat "$meta/root/options/mountpoint")" /mnt/ours
is 'the brick is connected'          "$(grep '^connected' "$meta/graphs/active/v-client-0/private")" 'connected = 1'
json() { perl -MJSON::PP -e 'local $/; open F, $ARGV[0] or die; my $j = decode_json(<F>); print eval $ARGV[1]' "$meta/$1" "$2"; }
is 'version is JSON'                 "$(json version '$j->{"Package Version"} =~ /^\d/')" 1
is 'cmdline is JSON'                 "$(json cmdline '$j->{Cmdlinestr}')" '/usr/sbin/glusterfs --event-history=yes --process-name fuse --volfile-server=n1 --volfile-id=/v /mnt/ours'
is 'frames is JSON'                  "$(json frames '$j->{Call_Count} == @{$j->{Stack}} && $j->{Stack}[0]{UID} == 0')" 1
is 'the log file'                    "$(readlink "$meta/logging/logfile")" /var/log/glusterfs/mnt-ours.log
ok 'process_uuid'                    grep -qE '^[0-9a-f-]{36}$' "$meta/process_uuid"
ok 'mallinfo'                        grep -q '^mallinfo_uordblks = [0-9]' "$meta/mallinfo"

# Who waits for a lock is seen waiting.
echo >"$(root n1)/mnt/ours/f"
cat >"$tmp/lock" <<'P'
use Fcntl qw(:DEFAULT :flock);
open(my $f, '+<', $ARGV[0]) or die;
my $l = pack('s s x4 q q l x4', F_WRLCK, 0, 0, 10, 0);
fcntl($f, F_SETLKW, $l) or die "$!";
open(my $s, '>', $ARGV[1]); close $s;
select(undef, undef, undef, 0.05) until -e $ARGV[2];
P
background exec_in_background perl "$tmp/lock" "$(root n1)/mnt/stock/f" "$tmp/has" "$tmp/let-go"; holder=$!
must wait_until 30 test -e "$tmp/has"
background exec_in_background perl "$tmp/lock" "$(root n1)/mnt/ours/f" "$tmp/has-too" "$tmp/let-go"; waiter=$!
waits() { [ "$(json frames 'scalar grep { $_->{Type} eq "LK" } @{$j->{Stack}}')" = 1 ]; }
eventually 30 'a waiting lock is a frame' waits
touch "$tmp/let-go"
eventually 30 'which goes'           not waits
must wait_until 30 process_gone $holder
must wait_until 30 process_gone $waiter

ok 'the log level is set'            sh -c "echo 8 >'$meta/logging/loglevel' && grep -qx 8 '$meta/logging/loglevel' && echo 7 >'$meta/logging/loglevel'"
ok 'latencies are measured'          sh -c "echo 1 >'$meta/measure_latency' && ls -l '$(root n1)/mnt/ours' && cat '$(root n1)/mnt/ours/f' && grep -qx 1 '$meta/measure_latency'"
ok 'and shown'                       grep -qE '^v\.latency\.[A-Z]+ = AVG:[0-9.]+ CNT:[0-9]+ TOTAL:[0-9]+ MIN:[0-9]+ MAX:[0-9]+$' "$meta/graphs/active/v/profile"
not_ok 'nothing is made there'       mkdir "$meta/new"
not_ok 'or removed'                  rm -f "$meta/version"
not_ok 'or written that is not for it' sh -c "echo 1 >'$meta/version'"
not_ok 'a password is root'"'"'s'    on n1 setpriv --reuid 65534 --regid 65534 --clear-groups cat /mnt/ours/.meta/graphs/active/v-client-0/options/password

# Another graph, while a file of .meta is open.
exec 5<"$meta/graphs/active/v-client-0/private"
before=$(readlink "$meta/graphs/active")
must gluster n1 volume set v performance.quick-read off
switched() { [ "$(readlink "$meta/graphs/active")" != "$before" ] && [ ! -e "$meta/graphs/active/v-quick-read" ]; }
eventually 30 'another graph is shown' switched
ok 'its files are read'              grep -q 'connected = 1' "$meta/graphs/active/v-client-0/private"
exec 5<&-

# The statedump of the mount.
statedump_there() { grep -qs '^DUMP-END-TIME' "$(root n1)"/run/gluster/glusterdump."$pid".dump.*; }
on n1 kill -USR1 "$pid"
eventually 30 'a statedump'          statedump_there
dump=$(echo "$(root n1)"/run/gluster/glusterdump."$pid".dump.*)
section() { awk -v s="[$1]" '/^\[/ { here = ($0 == s) } here && /=/' "$dump"; }
is 'where the mount is'              "$(section xlator.mount.fuse.priv | grep '^mount_point=')" mount_point=/mnt/ours
is 'use_readdirp'                    "$(section xlator.mount.fuse.priv | grep '^use_readdirp=')" use_readdirp=1
ok 'how many objects'                sh -c "grep -qE '^xlator.mount.fuse.itable.active_size=[1-9]' '$dump' && grep -qE 'itable.lru_size=[0-9]' '$dump'"
ok 'the last operations'             grep -q '^message=\[0\] op_ret: 0, op_errno: 0, [0-9]*: LOOKUP() => gfid: ' "$dump"
ok 'the root is one of them'         grep -q 'gfid=00000000-0000-0000-0000-000000000001' "$dump"
ok 'unmount'                         on n1 umount /mnt/ours /mnt/stock
done_testing
