#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Our glusterd (n1) beside stock's (n2), both over our bricks: what the command line says of profile, top, status, statedump, locks, logs and the
# barrier is the same, but for numbers (with FULL: also in its rarer forms). A brick that is gone leaves the others their answers.
. "$(dirname "$0")/../lib.sh"
. "$top/tests/cluster.sh"
needs root fuse stock

# Numbers are N, sizes too; words that are not the daemon's are made equal.
plain() {
    sed -E 's/\bn2\b/n1/g; s/[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:.]+( \+0000)?(\.[0-9]+)?/TIME/g; s/[0-9a-f]{8}-[0-9a-f-]{27}/ID/g; s/[0-9]+(\.[0-9]+)?/N/g; s/ +/ /g
            s/-+/-/g; s/ $//'
}
plain_profile() { plain | grep -vE ' (LOOKUP|STAT|FSTAT)$' | sort; }
same() { # description filter words of the command, with NODE for the node
    local text=$1 filter=$2 stock; shift 2
    { gluster n2 "${@//NODE/n2}" 2>&1; echo "exit $(tr 0-9 a-j <<<$?)"; } | $filter >"$tmp/stock-says" & stock=$!
    { gluster n1 "${@//NODE/n1}" 2>&1; echo "exit $(tr 0-9 a-j <<<$?)"; } | $filter >"$tmp/ours-says"
    wait $stock
    is "$text" "$(cat "$tmp/ours-says")" "$(cat "$tmp/stock-says")"
}
more() { [ -z "$FULL" ] || same "$@"; } # in the long form
on_both() { local other; "$@" n2 >"$tmp/on-n2" 2>&1 & other=$!; "$@" n1 && wait $other; } # function
make_volumes() {
    gluster "$1" volume create v "$1:/srv/b1" "$1:/srv/b2" force && gluster "$1" volume create other "$1:/srv/o" force && gluster "$1" volume start v
}
mounted() { mount_node "$1" v; }
work() { # some of everything, the same on both
    on "$1" sh -ec 'cd /mnt/v; rm -rf d l f*; for i in 1 2 3; do echo hi >f$i; cat f$i; done; mkdir d; echo x >d/g; cat d/g; ls d; stat f1
                    dd if=/dev/zero of=f5 bs=5000 count=1; cat f5 >/dev/null; rm f1; ln -s x l; chmod 600 f3; truncate -s 5 f3; sync'
}

must start_nodes 2
use n1 daemon ours
must on_both start_glusterd
must on_both make_volumes
must on_both mounted
must on_both work

for what in '' detail clients client-list mem tasks; do
    # shellcheck disable=SC2086 # no word, or one
    same "status $what"                   plain volume status v $what
done
more 'of all volumes'                     plain volume status all detail
same 'of one brick'                       plain volume status v NODE:/srv/b2
more 'its details'                        plain volume status v NODE:/srv/b2 detail
more 'its clients'                        plain volume status v NODE:/srv/b2 clients
same 'of a brick that is none'            plain volume status v NODE:/srv/none clients
for what in quotad snapd bitd scrub shd nfs; do
    more "status of $what"                plain volume status v $what
done
same 'status of one that is not started'  plain volume status other
more 'of none'                            plain volume status none
more 'as XML'                             plain --xml volume status v detail
more 'clients as XML'                     plain --xml volume status v clients

same 'profile info before it is started'  plain volume profile v info
same 'profile start'                      plain volume profile v start
same 'a second time'                      plain volume profile v start
more 'of one that is not started'         plain volume profile other start
more 'and its info'                       plain volume profile other info
must on_both work
same 'profile info'                       plain_profile volume profile v info
must on_both work
same 'info peek'                          plain_profile volume profile v info peek
same 'info incremental'                   plain_profile volume profile v info incremental
more 'info incremental peek'              plain_profile volume profile v info incremental peek
same 'info cumulative'                    plain_profile volume profile v info cumulative
more 'as XML'                             plain_profile --xml volume profile v info cumulative
same 'info clear'                         plain volume profile v info clear
same 'profile stop'                       plain volume profile v stop
same 'a second time'                      plain volume profile v stop
same 'its options are gone'               plain volume get v diagnostics.count-fop-hits

for what in open read write opendir readdir; do
    same "top $what"                      plain volume top v $what
done
same 'top of one brick, two files'        plain volume top v read brick NODE:/srv/b1 list-cnt 2
more 'top as XML'                         plain --xml volume top v open
more 'read-perf'                          plain_profile volume top v read-perf
same 'read-perf with a test of the disk'  plain_profile volume top v read-perf bs 4096 count 16 list-cnt 1
same 'write-perf with one'                plain_profile volume top v write-perf bs 4096 count 16 list-cnt 1
more 'top of one that is not started'     plain volume top other open
same 'top clear'                          plain volume top v clear
more 'then the list is empty'             plain volume top v read
fails_with() { # text words of gluster...
    local text=$1 status; shift
    gluster n1 "$@" >"$tmp/said" 2>&1; status=$?
    cat "$tmp/said"
    [ $status = 1 ] && grep -qF -- "$text" "$tmp/said"
}
ok 'top of a brick that is none'          fails_with 'No brick n1:/srv/x in volume v' volume top v open brick n1:/srv/x

same 'statedump'                          plain volume statedump v
dumps() { find "$(root n1)/run/gluster" -name "srv-*.dump.*" | wc -l; }
is 'there are two'                        "$(dumps)" 2
rm -f "$(root n1)"/run/gluster/*.dump.*
same 'of parts'                           plain volume statedump v mem fd
is 'they are there'                       "$(dumps)" 2
not_ok 'only those parts'                 grep -qE '^\[(xlator\.features\.locks.*\.inode|conn\.0\.bound_xl)' "$(root n1)"/run/gluster/*.dump.*
is 'no file of options is left'           "$(find "$(root n1)/run/gluster" -name 'glusterdump*')" ''
more 'of a quota daemon'                  plain volume statedump v quotad
more 'of one that is not started'         plain volume statedump other
ok 'of one from nowhere'                  fails_with 'no client from n2 is connected' volume statedump v client n2:1

# Somebody holds two kinds of locks.
hold() {
    on "$1" python3 -c "import fcntl, time
f = open('/mnt/v/f2', 'r+'); fcntl.lockf(f, fcntl.LOCK_EX, 10, 0); g = open('/mnt/v/f3', 'r+'); fcntl.lockf(g, fcntl.LOCK_EX)
open('/mnt/v/locked', 'w').close(); time.sleep(600)" </dev/null >/dev/null 2>&1 &
    other_pids+=($!)
    wait_until 20 test -e "$(root "$1")/mnt/v/locked"
}
must on_both hold
same 'clear-locks of a range'             plain volume clear-locks v /f2 kind granted posix 0,0-10
more 'there is none left'                 plain volume clear-locks v /f2 kind all posix
same 'of a whole file'                    plain volume clear-locks v /f3 kind all posix
more 'of inode locks'                     plain volume clear-locks v /f3 kind all inode
same 'of no file'                         plain volume clear-locks v /none kind all inode
more 'of a volume that is not started'    plain volume clear-locks other / kind all inode

same 'log rotate'                         plain volume log v rotate
same 'of one brick'                       plain volume log v rotate NODE:/srv/b1
more 'of none'                            plain volume log v rotate NODE:/srv/none
more 'of one that is not started'         plain volume log other rotate
logs() { find "$(root n1)/var/log/glusterfs/bricks" -name "srv-$1.log*" | wc -l; }
is_count() { [ "$("${@:2}")" = "$1" ]; }
eventually 20 'every rotated log is kept' is_count 3 logs b1
same 'barrier'                            plain volume barrier v enable
same 'it is so already'                   plain volume barrier v enable
same 'and back'                           plain volume barrier v disable
same 'it is so already'                   plain volume barrier v disable
more 'and neither'                        plain volume barrier v maybe
more 'of one that is not started'         plain volume barrier other enable

# A brick that hangs, and one that is gone: the others answer.
brick=$(brick_at n1 /srv/b2)
ok 'kill a brick'                         kill_brick n1 /srv/b2
kill_brick n2 /srv/b2
offline() { gluster "$1" volume status v | grep -q '^Brick .*N/A *N *N/A'; }
must wait_until 20 offline n1
must wait_until 20 offline n2
for what in detail clients mem; do
    same "status $what without it"        plain volume status v $what
done
same 'top without it'                     plain volume top v open
same 'the volume is healthy again'        plain volume start v force

# A client of ours is told to write a statedump (stock's mounts hear it and do nothing).
use n1 clients ours
must gluster n1 volume start other
must mount_node n1 other
client() { on n1 pgrep -f 'volfile-id.*other /mnt/other'; }
ok 'statedump of a client'                gluster n1 volume statedump other client "n1:$(client)"
eventually 20 'is written by it'          compgen -G "$(root n1)/run/gluster/*.$(client).dump.*"
umount_node n1 other
done_testing
