#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Weaknesses of GlusterFS's daemon that ours must not have, as far as one machine can have them; the list with the tests of the others is in
# xlators/mgmt/glusterd/README.md. First: 200 volumes told to a command line that reads slowly, through a socket of 4 KiB.
NODE_DAEMON=ours NODE_CLI=ours
. "$(dirname "$0")/../lib.sh"
. "$top/tests/cluster.sh"
needs stock python3
[ -x "$build/cli/gluster" ] || NODE_CLI=stock
must start_nodes 1
must start_glusterd n1
store=$(root n1)/var/lib/glusterd
refuses() { # text words of gluster...
    local text=$1 status; shift
    gluster n1 "$@" >"$tmp/said" 2>&1; status=$?
    cat "$tmp/said"
    [ $status = 1 ] && grep -qF -- "$text" "$tmp/said"
}

# ---- many volumes, a slow reader -----------------------------------------------------------------------------------------------------
must gluster n1 volume create v000 n1:/srv/v000 force
must stop_glusterd n1
for i in $(seq 1 199); do
    new=$(printf 'v%03d' "$i")
    cp -r "$store/vols/v000" "$store/vols/$new" && rm -f "$store/vols/$new"/*.vol
    find "$store/vols/$new" -type f -exec sed -i "s/v000/$new/g; s/^volume-id=......../volume-id=00000$(printf %03d "$i")/" {} +
    for file in "$store/vols/$new/bricks/"*; do mv "$file" "${file//v000/$new}"; done
done
must start_glusterd n1
is 'there are 200 volumes'                 "$(gluster n1 volume list | wc -l)" 200
cat >"$tmp/ask.py" <<'PY'
import socket, struct, sys, time
slow, procedure, pairs, rounds = sys.argv[1] == 'slow', int(sys.argv[2]), sys.argv[3].split(), int(sys.argv[4])
def dict3(d):
    out = struct.pack('>I', len(d))
    for k, v in d: out += struct.pack('>II', len(k), len(v) + 1) + k.encode() + b'\0' + v.encode() + b'\0'
    return out
def call(xid, d):
    arg = dict3(d); arg = struct.pack('>I', len(arg)) + arg + b'\0' * (-len(arg) % 4)
    body = struct.pack('>IIIIIIIIII', xid, 0, 2, 1238463, 2, procedure, 0, 0, 0, 0) + arg
    return struct.pack('>I', 0x80000000 | len(body)) + body
s = socket.socket(socket.AF_UNIX)
if slow:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096); s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
s.connect('/var/run/glusterd.socket')
replies, buf, last = {}, b'', None
def take(n):
    global buf
    while len(buf) < n:
        got = s.recv(700 if slow else 65536)
        if not got: sys.exit('the daemon has hung up')
        if slow: time.sleep(0.002)
        buf += got
    out, buf = buf[:n], buf[n:]
    return out
asked = []
for i in range(rounds):
    words = [(k, v.replace('%', '%03d' % i)) for k, v in (p.split('=') for p in pairs)]
    asked.append(i); s.sendall(call(100 + i, words))
    # So many are under way at a time that the daemon has to wait with its answers.
    while len(asked) > 20 or (i == rounds - 1 and asked):
        n = struct.unpack('>I', take(4))[0]
        rec = b''
        while True:
            rec += take(n & 0x7fffffff)
            if n & 0x80000000: break
            n = struct.unpack('>I', take(4))[0]
        xid = struct.unpack('>I', rec[:4])[0]
        replies[xid] = rec; asked.remove(xid - 100)
for xid in sorted(replies): sys.stdout.buffer.write(replies[xid])
PY
ask() { on n1 python3 "$tmp/ask.py" "$@" </dev/null; }
ask quick 5 'flags=2 volname=v%' 200 >"$tmp/quick"
background ask slow 5 'flags=2 volname=v%' 200 >"$tmp/slow"
slow=$!
ok 'meanwhile others are answered'         gluster n1 volume info v100
eventually 60 'the slow one comes to its end' process_gone "$slow"
ok 'and has every byte'                    cmp "$tmp/quick" "$tmp/slow"
ok 'which is much'                         test "$(wc -c <"$tmp/slow")" -gt 100000
is 'and names all'                         "$(grep -aoE 'v[0-9]{3}-client|/srv/v[0-9]{3}' "$tmp/slow" | sort -u | wc -l)" 200

# ---- memory: asking again and again costs nothing ------------------------------------------------------------------------------------------
resident() { on n1 awk '/^VmRSS/ { print $2 }' "/proc/$(glusterd_pid n1)/status"; }
must gluster n1 volume create live n1:/srv/live force
must gluster n1 volume start live
ask quick 27 'cmd=288 volname=live' 300 >/dev/null
before=$(resident)
ask quick 27 'cmd=288 volname=live' 2000 >/dev/null
ok '2000 times status detail: memory stays' test $(($(resident) - before)) -lt 3000

# ---- what is checked, is checked before anything happens -----------------------------------------------------------------------------------
info=$(gluster n1 volume info live)
ok 'a transport that is not there'         refuses 'transport-type rdma' volume set live config.transport rdma
ok 'pairs that contradict each other'      refuses 'should not be set together' volume set live features.read-only on features.worm on
ok 'one bad pair among good ones'          refuses 'out of range' volume set live performance.io-thread-count 9 network.ping-timeout 5000
ok 'a value for a translator that is in no graph' refuses 'maybe' volume set live nfs.disable maybe
ok 'a value of two lines'                  refuses 'a value has one line' volume set live user.a $'b\nstatus=2'
ok 'a name with a sign of the store'       refuses "has no '='" volume set live user.a=b c
is 'nothing of it is stored'               "$(gluster n1 volume info live)" "$info"
ok 'three bricks do not make replica 2'    refuses '' volume create bad replica 2 n1:/srv/x1 n1:/srv/x2 n1:/srv/x3 force
not_ok 'and leave no folders'              compgen -G "$(root n1)/srv/x?"
ok 'a blank in a path'                     refuses '' volume create bad 'n1:/srv/a b' force
not_ok 'leaves no folder'                  compgen -G "$(root n1)/srv/a*"
must gluster n1 volume create pair replica 2 n1:/srv/p1 n1:/srv/p2 force
options() { gluster n1 volume info pair | sed '1,/^Options/d' | sort; }
created=$(options)
must gluster n1 volume set pair performance.io-cache on
must gluster n1 volume reset pair
ok 'a replicated volume has its own first options' grep -q '^performance.client-io-threads: off' <<<"$created"
is 'a reset leaves what a create would make' "$(options)" "$created"

# ---- several command lines at once: they wait for each other ---------------------------------------------------------------------------------
for i in 1 2 3 4 5 6 7 8; do gluster n1 volume set live "user.n$i" "$i" >"$tmp/at-once-$i" 2>&1 & at_once[i]=$!; done
failed=0; for i in "${!at_once[@]}"; do wait "${at_once[i]}" || failed=1; done
is 'eight at once succeed'                 $failed 0
is 'and each is stored'                    "$(gluster n1 volume info live | grep -c '^user.n')" 8

# ---- a brick that hangs ------------------------------------------------------------------------------------------------------------------------
pid=$(brick_at n1 /srv/live)
must on n1 kill -STOP "$pid"
ok 'a brick that hangs: plain status'      gluster n1 volume status live
ok 'others are served meanwhile'           gluster n1 volume set v002 user.a b
background on n1 timeout 60 /usr/sbin/gluster --mode=script volume status live clients >"$tmp/hung" 2>&1
hung=$!
ok 'asked, and meanwhile others'           gluster n1 volume info v003
eventually 60 'the answer comes without it' process_gone "$hung"
ok 'it has the row'                        says "$tmp/hung" 'n1:/srv/live'
ok 'the volume stops all the same'         gluster n1 volume stop live force
not_ok 'and the brick is gone'             on n1 kill -0 "$pid"

# ---- files that are damaged --------------------------------------------------------------------------------------------------------------------
must stop_glusterd n1
printf 'this is no line' >"$store/vols/v004/info"
printf '\n\n' >>"$store/vols/v005/info"
truncate -s -1 "$store/vols/v006/info"
echo half >"$store/vols/v007/info.tmp"
for file in "$store/vols/v008/bricks/"*; do sed -i 's/^hostname=.*/hostname=nowhere.invalid/' "$file"; done
must start_glusterd n1
is 'one damaged volume is left out, the others are served' "$(gluster n1 volume list | wc -l)" 201
not_ok 'it is named'                       gluster n1 volume info v004
ok 'in the log'                            says "$(root n1)/var/log/glusterfs/glusterd.log" 'volume v004 is not served'
ok 'blank lines do no harm'                gluster n1 volume info v005
ok 'nor does a last line without its end'  gluster n1 volume info v006
ok 'nor half a file'                       gluster n1 volume info v007
ok 'nor a host that nobody knows'          gluster n1 volume info v008
done_testing
