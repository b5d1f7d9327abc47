#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Another machine at our glusterd's port: it may look. What it sends costs the daemon no memory to speak of, writes nothing into its
# history, and does not stand in the way of the commands of this machine.
NODE_DAEMON=ours
. "$(dirname "$0")/../lib.sh"
. "$top/tests/cluster.sh"
needs stock python3
must start_nodes 2
must start_glusterd n1
must gluster n1 volume create v n1:/srv/v force
must gluster n1 volume start v
history=$(root n1)/var/log/glusterfs/cmd_history.log
resident() { on n1 awk '/^VmRSS/ { print $2 }' "/proc/$(glusterd_pid n1)/status"; }

cat >"$tmp/wire.py" <<'PY'
import socket, struct, sys
def dict3(d):
    out = struct.pack('>I', len(d))
    for k, v in d: out += struct.pack('>II', len(k), len(v) + 1) + k.encode() + b'\0' + v.encode() + b'\0'
    return out
def opaque(b): return struct.pack('>I', len(b)) + b + b'\0' * (-len(b) % 4)
def call(program, version, procedure, args):
    body = struct.pack('>IIIIIIIIII', 7, 0, 2, program, version, procedure, 0, 0, 0, 0) + args
    return struct.pack('>I', 0x80000000 | len(body)) + body
def take(s, n):
    out = b''
    while len(out) < n:
        got = s.recv(n - len(out))
        if not got: sys.exit('hung up')
        out += got
    return out
def answer(s):
    return take(s, struct.unpack('>I', take(s, 4))[0] & 0x7fffffff)[24:]
def dial():
    s = socket.create_connection(('n1', 24007)); s.settimeout(60); return s
PY
cat >"$tmp/large.py" <<'PY'
from wire import *
# Forty records of 16 MiB each, all but their last bytes: what the daemon does not want it hangs up on.
conns = [dial() for _ in range(40)]
for s in conns:
    try:
        s.sendall(struct.pack('>I', 0x80000000 | 16 << 20))
        for _ in range(250): s.sendall(bytes(65536))
    except OSError: pass
print('sent')
sys.stdout.flush()
sys.stdin.readline()
cut = 0
for s in conns:
    try: cut += not s.recv(1)
    except OSError: cut += 1
print('cut', cut)
PY
cat >"$tmp/notify.py" <<'PY'
from wire import *
s = dial()
s.sendall(call(14398633, 2, 5, struct.pack('>i', 1) + opaque(dict3([('volname', 'v')]))))
print(*struct.unpack('>ii', answer(s)[:8]))
PY
stranger() { on n2 env PYTHONPATH="$tmp" PYTHONDONTWRITEBYTECODE=1 timeout 120 python3 "$tmp/$1.py"; }

ok 'a stranger may look'                   on n2 /usr/sbin/gluster --mode=script --remote-host=n1 volume status v
not_ok 'and change nothing'                on n2 /usr/sbin/gluster --mode=script --remote-host=n1 volume set v user.a b
is 'nor the history'                       "$(grep -c -e status -e user.a "$history")" 0
ok 'whoever is at home may'                gluster n1 volume status v
is 'and it is noted'                       "$(grep -c 'volume status v : SUCCESS' "$history")" 1

before=$(resident)
mkfifo "$tmp/hold"
stranger large <"$tmp/hold" >"$tmp/large.out" 2>&1 & large=$!
exec 7>"$tmp/hold"
eventually 120 'records without end are sent' says "$tmp/large.out" '^sent'
peak=$(resident)
echo "# $before KiB before, $peak KiB with them"
ok 'the daemon does not keep them'         test $((peak - before)) -lt $((${sanitized:+10 * }40000))
echo >&7
eventually 30 'and hangs up on each'       says "$tmp/large.out" '^cut 40'
exec 7>&-
wait $large
ok 'others are answered'                   gluster n1 volume info v

# A volume is being stopped, and its brick hangs: its name is held. A stranger that has something to say of it does not wait in the line.
must on n1 kill -STOP "$(brick_at n1 /srv/v)"
gluster n1 volume stop v </dev/null >"$tmp/stop.out" 2>&1 & stop=$!
stopped() { [ "$(gluster n1 volume info v | sed -n 's/^Status: //p')" = Stopped ]; }
eventually 30 'a volume is being stopped'  stopped
is 'a stranger has no word in it'          "$(stranger notify)" '-1 1'
not_ok 'and hears so before it is done'    process_gone $stop
ok 'it is done'                            wait $stop
ok 'stop the daemon'                       stop_glusterd n1
done_testing
