#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Every row of the table of options, while brick and mount run: the running process says that the new value is in force, and the default again after
# the reset; its graph, where an option is a translator; and why not, where there is nothing to take over (live-options.awk). It is the same process
# from the first line to the last. Then for each kind of option one whose value can be seen at work.
NODE_DAEMON=ours NODE_CLI=ours NODE_BRICKS=ours NODE_CLIENTS=ours
. "$(dirname "$0")/../lib.sh"
. "$top/tests/cluster.sh"
needs stock fuse
[ -x "$build/cli/gluster" ] || NODE_CLI=stock
table=$top/xlators/mgmt/glusterd/volume-options.tsv
awk -v what=live -f "$top/tests/glusterd/options.awk" "$table" | awk -f "$top/tests/glusterd/live-options.awk" >"$tmp/plan"
rows() { awk -F'\t' -v kind="$1" '$1 == kind' "$tmp/plan"; } # kind
keys_of() { rows "$1" | cut -f "$2" | sort -u; }             # kind, column of its keys

# ---- the table: no row is left out ------------------------------------------------------------------------------------------------------
{ keys_of live 4; keys_of cluster 3; keys_of silent 3; keys_of ignored 2; keys_of graph 2; keys_of next 2; keys_of refused 3; keys_of tuned 2; keys_of alone 2; keys_of elsewhere 2; } |
    sort -u >"$tmp/planned"
is 'each option of the table has its place'  "$(awk 'NR > 1 { print $1 }' "$table" | sort -u | comm -3 - "$tmp/planned")" ''
is 'and who has none says why'               "$(awk -F'\t' '($1 == "elsewhere" && $3 == "") || ($1 == "ignored" && $4 == "") || ($1 == "silent" && $5 == "")' "$tmp/plan")" ''

must start_nodes 1
must start_glusterd n1
must gluster n1 volume create one n1:/srv/one force
must gluster n1 volume start one
must mount_node n1 one -o attribute-timeout=0,entry-timeout=0 # what the mount knows is what its translators know
brick_log=$(root n1)/var/log/glusterfs/bricks/srv-one.log mount_log=$(root n1)/var/log/glusterfs/mnt-one.log mnt=$(root n1)/mnt/one
brick=$(brick_at n1 /srv/one) mount=$(on n1 pgrep -f 'glusterfs .*/mnt/one$')

# ---- what a process says of itself ------------------------------------------------------------------------------------------------------
# TRANSLATOR OPTION=VALUE of all translators, and "graph N": out of its statedump.
options_of() { # brick|mount
    local pid=${!1} dir files
    dir=$(root n1)${dumps_in:-/run/gluster}
    rm -f "$dir"/*."$pid".dump.*
    on n1 kill -USR1 "$pid" 2>/dev/null && wait_until 20 whole_dump "$dir/*.$pid.dump.*" || return 1
    files=("$dir"/*."$pid".dump.*)
    awk '/^\[active graph/ { print "graph", $NF + 0 }
         /^\[/ { on = /^\[xlator\..*\.options\]$/; if (on) { split(substr($0, 2), part, "."); xlator = part[2] "/" part[3]; print "has", xlator } next }
         on && /=/ { print xlator, $0 }' "${files[0]}" | sort -u
}
whole_dump() { compgen -G "$1" >/dev/null && grep -q '^DUMP-END-TIME' $1; } # one USR1 may find the dump before still at work

# The lines that are not as before are these, and no others: each has changed.
changes_are() { # brick|mount file-of-expected-lines
    options_of "$1" >"$tmp/now-$1" && comm -13 "$tmp/before-$1" "$tmp/now-$1" | diff - "$2" >"$tmp/difference-$1"
}
is_as_before() { options_of "$1" >"$tmp/now-$1" && diff "$tmp/before-$1" "$tmp/now-$1" >"$tmp/difference-$1"; }
in_the_end() { # description brick|mount command...: and if not, what the difference is
    local text=$1 w=$2; shift 2
    wait_until 30 "$@"; report $? "$text" || diag <"$tmp/difference-$w"
}
reset_all() { gluster n1 volume reset one; }
same_processes() { [ "$(brick_at n1 /srv/one) $(on n1 pgrep -f 'glusterfs .*/mnt/one$')" = "$brick $mount" ]; }

eventually 30 'both say what is in force'    eval 'options_of brick >"$tmp/before-brick" && options_of mount >"$tmp/before-mount"'
cp "$tmp/before-mount" "$tmp/default-mount"
ok 'which is much'                           test "$(cat "$tmp"/before-* | wc -l)" -gt 200

# ---- values, all at once ----------------------------------------------------------------------------------------------------------------
for pass in 1 2; do
    mapfile -t pairs < <(rows live | awk -F'\t' -v p=$pass '$2 == p && !($4 in seen) { seen[$4]; print $4; print $5 }')
    for w in brick mount; do rows live | awk -F'\t' -v p=$pass -v w=$w '$2 == p && $3 == w { print $6, $7 "=" $8 }' | sort -u >"$tmp/expected-$w"; done
    ok "$((${#pairs[@]} / 2)) options are set"   gluster n1 volume set one "${pairs[@]}"
    for w in brick mount; do
        in_the_end "$(wc -l <"$tmp/expected-$w") are in force in the $w, and nothing else has changed" $w changes_are $w "$tmp/expected-$w"
    done
    ok 'reset'                               reset_all
    for w in brick mount; do in_the_end "the $w has its defaults again" $w is_as_before $w; done
done


# ---- translators that come and go: the mount exchanges its graph -------------------------------------------------------------------------
# What every other set below carries, to see that the process has taken the whole file.
marks=0
marked() { marks=$((marks + 1)); gluster n1 volume set one "$@" server.gid-timeout $((1000 + marks)) network.frame-timeout $((1000 + marks)); }
has_mark() { # brick|mount
    options_of "$1" >"$tmp/now-$1" && grep -qx "protocol/.* gid-timeout=$((1000 + marks))\|protocol/.* frame-timeout=$((1000 + marks))" "$tmp/now-$1"
}
took_it() { has_mark brick && has_mark mount; }
wrong_translators() { # of those in a list "TRANSLATOR VALUE", what is not in the mount as it should be
    options_of mount >"$tmp/now-mount"
    while read -r xlator value; do
        if [ "$value" = off ]; then grep -qxF "has $xlator" "$tmp/now-mount" && echo "$xlator is there"
        else grep -qxF "has $xlator" "$tmp/now-mount" || echo "$xlator is not there"; fi
    done
    true
}
mapfile -t pairs < <(rows graph | awk -F'\t' '{ print $2; print $3 }')
rows graph | awk -F'\t' '{ print $4, $3 }' >"$tmp/switched"
ok "$((${#pairs[@]} / 2)) translators are switched"  gluster n1 volume set one "${pairs[@]}"
all_switched() { [ -z "$(wrong_translators <"$tmp/switched")" ]; }
eventually 30 'the mount has the new graph'  all_switched
is 'each is there, or is not'                "$(wrong_translators <"$tmp/switched")" ''
is 'the brick has what of it is the brick'"'"'s' "$(options_of brick | comm -13 "$tmp/before-brick" -)" "$(rows live | awk -F'\t' '$2 == 3 { print $6, $7 "=" $8 }')"

# Above the new graph, with the caches that are off by default: their options, and those of what injects errors and delays.
options_of mount >"$tmp/before-mount"
mapfile -t pairs < <(rows tuned | awk -F'\t' '{ print $2; print $3 }')
rows tuned | awk -F'\t' '{ print $4, $5 "=" $6 }' | sort >"$tmp/expected-mount"
ok "$((${#pairs[@]} / 2)) options of debug translators are set" gluster n1 volume set one "${pairs[@]}"
in_the_end 'are in force in the mount'       mount changes_are mount "$tmp/expected-mount"
for key in $(keys_of tuned 2); do gluster n1 volume reset one "$key" >/dev/null; done
in_the_end 'and their defaults again'        mount is_as_before mount
mapfile -t pairs < <(rows ignored | awk -F'\t' '{ print $2; print $3 }')
ok "$((${#pairs[@]} / 2)) options that tune what we lack are set" marked "${pairs[@]}"
eventually 30 'brick and mount take them'    took_it
ok 'reset'                                   reset_all
all_back() { grep -vx 'graph .*' "$tmp/default-mount" >"$tmp/a" && options_of mount | grep -vx 'graph .*' | diff "$tmp/a" - >"$tmp/difference-mount"; }
in_the_end 'the mount has its first graph again' mount all_back
in_the_end 'and the brick its options'       brick is_as_before brick
options_of mount >"$tmp/before-mount"

# ---- what a running brick cannot take, and what we lack: it says so, and nothing else changes ----------------------------------------------
lines_of() { wc -l <"$1"; }
says_since() { tail -n "+$(($2 + 1))" "$1" | grep -qE -- "$3"; } # log lines pattern
log_of() { [ "$1" = brick ] && echo "$brick_log" || echo "$mount_log"; }
not_named() { # "KEY VALUE PATTERN brick|mount..." of each line: what was not refused by these words
    local key value words on w
    declare -A at
    while IFS=$'\t' read -r key value words on; do
        for w in brick mount; do at[$w]=$(lines_of "$(log_of $w)"); done
        gluster n1 volume set one "$key" "$value" >"$tmp/said" 2>&1 || { echo "$key $value: $(cat "$tmp/said")"; continue; }
        for w in $on; do
            wait_until 20 says_since "$(log_of "$w")" "${at[$w]}" "$words" ||
                echo "$key $value: the $w says nothing of $words: $(tail -n "+$((${at[$w]} + 1))" "$(log_of "$w")" | tail -n 3)"
        done
        gluster n1 volume reset one "$key" >"$tmp/said" 2>&1 || gluster n1 volume reset one "$key" force >"$tmp/said" 2>&1 || echo "reset $key: $(cat "$tmp/said")"
    done <&3
}
rows next | awk -F'\t' -v OFS='\t' '{ print $2, $3, "from the next start of this brick on|until the next start", "brick" }' >"$tmp/next"
is 'a brick says what counts from its next start on' "$(not_named 3<"$tmp/next")" ''
rows refused | awk -F'\t' -v OFS='\t' '{ print $3, $4, "not used.*" $5, $2 }' >"$tmp/refused"
is "$(wc -l <"$tmp/refused") things that we lack are named" "$(not_named 3<"$tmp/refused")" ''
ok 'then others are taken again'             marked storage.max-hardlinks 7
eventually 30 'by brick and mount'           took_it
ok 'reset'                                   reset_all
for w in brick mount; do in_the_end "the $w is as before" $w is_as_before $w; done

# ---- those that would not let the others live ------------------------------------------------------------------------------------------------
in_force() { options_of "$1" >"$tmp/now-$1" && grep -qxF "$2" "$tmp/now-$1"; } # brick|mount line
owner_of() { rm -f "$mnt/$1"; touch "$mnt/$1" 2>/dev/null && stat -c %u "$mnt/$1"; }
owned_by() { [ "$(owner_of new)" = "$1" ]; }
must chmod 777 "$mnt"
must gluster n1 volume set one server.root-squash on
eventually 20 'server.root-squash: root is nobody'  owned_by 65534
ok 'says the brick'                          in_force brick 'protocol/server root-squash=on'
must gluster n1 volume reset one server.root-squash
eventually 20 'and root again'               owned_by 0
cannot() { ! timeout 60 "$@" 2>/dev/null; }
must gluster n1 volume set one features.read-only on
eventually 20 'features.read-only: nothing is made'  cannot touch "$mnt/new2"
ok 'says the brick'                          in_force brick 'features/read-only read-only=on'
must gluster n1 volume reset one features.read-only
eventually 20 'and made'                     touch "$mnt/new2"
dump_is_in() { on n1 kill -USR1 "$brick" && wait_until 5 compgen -G "$(root n1)$1/*.$brick.dump.*" >/dev/null; }
must gluster n1 volume set one server.statedump-path /srv
eventually 20 'server.statedump-path: the brick writes there'  dump_is_in /srv
rm -f "$(root n1)"/run/gluster/*.dump.*
must gluster n1 volume reset one server.statedump-path
eventually 20 'and where it did before'      dump_is_in /run/gluster
must gluster n1 volume set one auth.allow '192.0.2.1,*.example.org' # this mount has the volume's login, and stays
eventually 20 'auth.allow: says the brick'   in_force brick 'protocol/server auth.addr./srv/one.allow=192.0.2.1,*.example.org'
must gluster n1 volume reset one auth.allow
eventually 20 'and who was allowed before'   in_force brick 'protocol/server auth.addr./srv/one.allow=*'
must gluster n1 volume set one auth.reject 192.0.2.7
eventually 20 'auth.reject: says the brick'  in_force brick 'protocol/server auth.addr./srv/one.reject=192.0.2.7'
must gluster n1 volume reset one auth.reject
not_in_force() { ! in_force "$@"; }
eventually 20 'and nobody before'            not_in_force brick 'protocol/server auth.addr./srv/one.reject=192.0.2.7'
must gluster n1 volume set one server.allow-insecure off
eventually 40 'server.allow-insecure: the mount is cut off'  cannot stat "$mnt/new"
must gluster n1 volume reset one server.allow-insecure
eventually 60 'and there again'              timeout 20 stat "$mnt/new"
# TLS or not is for a new connection, which needs both ends: from the next start of the volume on, without a new mount.
must gluster n1 volume set one server.ssl on client.ssl on
ok 'client.ssl, server.ssl: what stands, stands'  stat "$mnt/new"
must gluster n1 volume reset one
eventually 20 'the brick is as before'       is_as_before brick
eventually 20 'the mount is as before'       is_as_before mount

# ---- values at work, one of each kind ------------------------------------------------------------------------------------------------------------
set_one() { must gluster n1 volume set one "$@"; }
unset_one() { local key; for key; do must gluster n1 volume reset one "$key"; done; }
made_with() { # modes of a new file and a new folder
    rm -rf "$mnt/m" "$mnt/md" && touch "$mnt/m" && mkdir "$mnt/md" && [ "$(stat -c %a "$mnt/m" "$mnt/md" | xargs)" = "$1" ]
}
set_one storage.create-mask 0700 storage.force-directory-mode 0007
eventually 20 'modes: storage.create-mask, force-directory-mode'  made_with '600 757'
unset_one storage.create-mask storage.force-directory-mode
eventually 20 'and back'                     made_with '644 755'
third_name() { rm -f "$mnt"/name*; touch "$mnt/name1" && ln "$mnt/name1" "$mnt/name2" && ln "$mnt/name1" "$mnt/name3" 2>/dev/null; }
set_one storage.max-hardlinks 2
eventually 20 'bounds: storage.max-hardlinks'  cannot third_name
unset_one storage.max-hardlinks
eventually 20 'and back'                     third_name
written() { dd if=/dev/zero of="$mnt/room" bs=64k count=1 conv=fsync status=none 2>/dev/null; }
set_one storage.reserve 100
eventually 20 'room: storage.reserve'        cannot written
unset_one storage.reserve
eventually 20 'and back'                     written
folder_is_of() { [ "$(stat -c %u "$(root n1)/srv/one")" = "$1" ]; }
set_one storage.owner-uid 12
eventually 20 'owners: storage.owner-uid'    folder_is_of 12
must chown 0 "$(root n1)/srv/one"
unset_one storage.owner-uid
brick_dump() { on n1 kill -USR1 "$brick" && wait_until 5 whole_dump "$(root n1)/run/gluster/*.$brick.dump.*" && cat "$(root n1)"/run/gluster/*."$brick".dump.*; }
brick_dump_has() { rm -f "$(root n1)"/run/gluster/*.dump.*; brick_dump | grep -qx "$1"; }
set_one network.inode-lru-limit 3000
eventually 20 'tables: network.inode-lru-limit'  brick_dump_has '.*lru_limit=3000'
unset_one network.inode-lru-limit
eventually 20 'and back'                     brick_dump_has '.*lru_limit=16384'

# A cache that believes what it knows for ten minutes, or not at all: somebody changes the file behind its back.
echo x >"$mnt/known"; behind=$(root n1)/srv/one/known
exec 8<"$mnt/known" # names are always looked up, attributes of what is open are not
mode_of() { stat -Lc %a /proc/self/fd/8; }
sees() { chmod 600 "$behind"; mode_of >/dev/null; chmod 640 "$behind"; [ "$(mode_of)" = "$1" ]; }
set_one performance.md-cache-timeout 600
eventually 20 'in force'                     in_force mount 'performance/md-cache md-cache-timeout=600'
mode_of >/dev/null; chmod 604 "$behind"
ok 'caches: performance.md-cache-timeout 600 believes what it knows'  test "$(mode_of)" != 604
set_one performance.md-cache-timeout 0
eventually 20 'in force'                     in_force mount 'performance/md-cache md-cache-timeout=0'
ok '0 believes nothing'                      sees 640
unset_one performance.md-cache-timeout
exec 8<&-

timing_is() { [ "$(cat "$mnt/.meta/measure_latency")" = "$1" ]; }
set_one diagnostics.latency-measurement on
eventually 20 'counters: diagnostics.latency-measurement'  timing_is 1
unset_one diagnostics.latency-measurement
eventually 20 'and back'                     timing_is 0
level_is() { [ "$(cat "$mnt/.meta/logging/loglevel")" = "$1" ]; }
set_one diagnostics.client-log-level DEBUG
eventually 20 'logging: diagnostics.client-log-level'  level_is 8
unset_one diagnostics.client-log-level
eventually 20 'and back'                     level_is 7
set_one diagnostics.brick-log-level ERROR
eventually 20 'and diagnostics.brick-log-level'  in_force brick 'debug/io-stats log-level=ERROR'
lines=$(lines_of "$brick_log")
must marked
eventually 20 'new options'                  has_mark brick
is 'are nothing worth saying'                "$(tail -n "+$((lines + 1))" "$brick_log" | grep -c '\] [IWD] \[')" 0
unset_one diagnostics.brick-log-level
set_one locks.trace on
lines=$(lines_of "$brick_log")
traced() { (flock 9 && says_since "$brick_log" "$lines" 'one-locks: request') 9>"$mnt/lock"; }
eventually 20 'locks: locks.trace'           traced
unset_one locks.trace
few_threads() { rm -f "$(root n1)"/run/gluster/*.dump.*; [ "$(brick_dump | awk '/^\[/ { on = $0 == "[pool]" } on && /^threads=/ { sub(/.*=/, ""); print }')" -le "$1" ]; }
set_one performance.io-thread-count 2
at_once() {
    local i pids=()
    for i in $(seq 16); do dd if=/dev/zero of="$mnt/at-once-$i" bs=64k count=4 conv=fsync status=none & pids+=($!); done
    wait "${pids[@]}"
}
eventually 20 'in force'                     in_force brick 'performance/io-threads thread-count=2'
at_once
eventually 20 'threads: performance.io-thread-count'  few_threads 2
unset_one performance.io-thread-count

# A brick that hangs is given up after the new time, and the next connection has the new probes.
connection() { on n1 ss -tnoH state established "( dport = :$port )"; }
port=$(gluster n1 volume status one | awk '/^Brick/ { print $3 }')
set_one network.ping-timeout 3 client.keepalive-time 1000 server.keepalive-time 500
eventually 20 'in force'                     in_force mount 'protocol/client ping-timeout=3'
eventually 20 'in the brick, too'            in_force brick 'protocol/server transport.socket.keepalive-time=500'
on n1 kill -STOP "$brick"
ok 'timeouts: network.ping-timeout'          cannot stat "$mnt/known"
on n1 kill -CONT "$brick"
eventually 60 'it is back'                   timeout 20 stat "$mnt/known"
probes_late() { connection | grep -q 'keepalive,1[0-9]min'; }
eventually 20 'sockets: client.keepalive-time'  probes_late
brick_probes_late() { on n1 ss -tnoH state established "( sport = :$port )" | grep -q 'keepalive,[78]min'; }
eventually 20 'server.keepalive-time'        brick_probes_late
unset_one network.ping-timeout client.keepalive-time server.keepalive-time

ok 'by the same processes'                   same_processes

must gluster n1 volume set one auth.reject '*'
eventually 20 'auth.reject: who is not let in any more has to go'  not on n1 kill -0 "$mount"
umount_node n1 one 2>/dev/null

# ---- certificates: of a volume with TLS, whose brick shows another one to who comes next ---------------------------------------------------------
must encrypt_nodes
must gluster n1 volume create t n1:/srv/t force
must gluster n1 volume set t server.ssl on client.ssl on
must gluster n1 volume start t
must mount_node n1 t
pki=$(default_pki)
must cp "$pki"/client.{pem,key} "$(root n1)/srv/"
port=$(gluster n1 volume status t | awk '/^Brick/ { print $3 }') brick=$(brick_at n1 /srv/t)
shown_by_brick() { on n1 openssl s_client -connect "127.0.0.1:$port" </dev/null 2>/dev/null | openssl x509 -noout -serial; }
shows() { [ "$(shown_by_brick)" = "$(openssl x509 -noout -serial -in "$1")" ]; }
eventually 20 'the brick has its certificate'  shows "$pki/server.pem"
must gluster n1 volume set t ssl.own-cert /srv/client.pem ssl.private-key /srv/client.key
eventually 20 'ssl.own-cert, ssl.private-key: another'  shows "$pki/client.pem"
must gluster n1 volume reset t ssl.own-cert
must gluster n1 volume reset t ssl.private-key
eventually 20 'and the first'                shows "$pki/server.pem"
ok 'the mount goes on'                       touch "$(root n1)/mnt/t/x"
is 'it is the same brick'                    "$(brick_at n1 /srv/t)" "$brick"
umount_node n1 t

# ---- GlusterFS's own client: what its log says that it has taken -----------------------------------------------------------------------------
use n1 clients stock
must gluster n1 volume create r replica 2 n1:/srv/r{1,2} force
must gluster n1 volume create e disperse 3 redundancy 1 n1:/srv/e{1,2,3} force
must gluster n1 volume create d n1:/srv/d1 n1:/srv/d2 force
not_taken() { # log lines volume: of its options those that the client has not said to have taken since
    tail -n "+$(($2 + 1))" "$1" >"$tmp/news"
    rows cluster | awk -F'\t' -v v="$3" '$2 == v { print $6; print $7 }' | while read -r option; do
        read -r value
        grep -qF -- "option $option using set value $value " "$tmp/news" || echo "$option $value"
    done
}
all_taken() { [ -z "$(not_taken "$@")" ]; }
for v in r e d; do
    must gluster n1 volume start $v
    must mount_node n1 $v
    log=$(root n1)/var/log/glusterfs/mnt-$v.log
    lines=$(lines_of "$log") client=$(on n1 pgrep -f "glusterfs .*/mnt/$v\$")
    mapfile -t pairs < <(awk -F'\t' -v v=$v '($1 == "cluster" || $1 == "silent") && $2 == v { print $3; print $4 }' "$tmp/plan")
    ok "$((${#pairs[@]} / 2)) options of $v are set"  gluster n1 volume set $v "${pairs[@]}"
    wait_until 30 all_taken "$log" "$lines" $v
    is 'the client takes them'               "$(not_taken "$log" "$lines" $v)" ''
    is 'the same one'                        "$(on n1 pgrep -f "glusterfs .*/mnt/$v\$")" "$client"
    ok 'and it works'                        touch "$(root n1)/mnt/$v/x"
    umount_node n1 $v
done
done_testing
