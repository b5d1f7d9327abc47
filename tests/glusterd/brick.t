#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# A stock glusterd with our brick process in the place of its own: its command line says what it says of a stock brick (n2), but for numbers.
. "$(dirname "$0")/../lib.sh"
. "$top/tests/cluster.sh"
needs root fuse stock

# Numbers are N, sizes too; words that are not the brick's are made equal.
plain() {
    sed -E 's/\bn2\b/n1/g; s/[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:.]+( \+0000)?(\.[0-9]+)?/TIME/g; s/[0-9]+(\.[0-9]+)?/N/g; s/ +/ /g; s/-+/-/g; s/ $//'
}
# Operations stand in the order of their share of time, which is a number; whether a client asks for attributes again depends on the time.
plain_profile() { plain | grep -vE ' (LOOKUP|STAT|FSTAT)$' | sort; }
same() { # description filter words of the command, with NODE for the node
    local text=$1 filter=$2 stock; shift 2
    { gluster n2 "${@//NODE/n2}" 2>&1; echo "status $?"; } | $filter >"$tmp/stock-says" & stock=$!
    { gluster n1 "${@//NODE/n1}" 2>&1; echo "status $?"; } | $filter >"$tmp/ours-says"
    wait $stock
    is "$text" "$(cat "$tmp/ours-says")" "$(cat "$tmp/stock-says")"
}
on_both() { local other; "$@" n2 >"$tmp/on-n2" 2>&1 & other=$!; "$@" n1 && wait $other; } # function
make_volume() { gluster "$1" volume create v "$1:/srv/b1" force && gluster "$1" volume start v; }
unmake_volume() { gluster "$1" volume stop v && gluster "$1" volume delete v; }
mounted() { mount_node "$1" v; }
work() { # some of everything, the same on both
    on "$1" sh -ec 'cd /mnt/v; rm -rf d l f*; for i in 1 2 3; do echo hi >f$i; cat f$i; done; mkdir d; echo x >d/g; cat d/g; ls d; ls -l; stat f1
                    dd if=/dev/zero of=f5 bs=5000 count=1; cat f5 >/dev/null; rm f1; ln -s x l; mv f2 f4; chmod 600 f3; truncate -s 5 f3; sync'
}
our_brick() { on n1 readlink "/proc/$(brick_at n1 /srv/b1)/exe" | grep -q "^$build/"; }
option_in_dump() { # option value: a translator of the brick says so
    rm -f "$(root n1)"/run/gluster/*.dump.*
    gluster n1 volume statedump v && grep -q "^$1=$2" "$(root n1)"/run/gluster/*.dump.*
}

must start_nodes 2
use n2 bricks stock
must on_both start_glusterd
must on_both make_volume
ok 'it is our brick that runs'            our_brick
ok 'online'                               bricks_online n1 v 1
must on_both mounted

same 'profile start'                      plain volume profile v start
same 'a second time'                      plain volume profile v start
must on_both work
same 'profile info'                       plain_profile volume profile v info
same 'info of nothing new'                plain_profile volume profile v info
must on_both work
same 'info peek'                          plain_profile volume profile v info peek
same 'info incremental'                   plain_profile volume profile v info incremental
same 'info cumulative'                    plain_profile volume profile v info cumulative
same 'info clear'                         plain volume profile v info clear
same 'then there is nothing'              plain_profile volume profile v info cumulative
same 'profile stop'                       plain volume profile v stop

must on_both work
for what in open read write opendir readdir; do
    same "top $what"                      plain volume top v $what
done
same 'top of one brick, two files'        plain volume top v read brick NODE:/srv/b1 list-cnt 2
same 'read-perf'                          plain_profile volume top v read-perf
same 'write-perf'                         plain_profile volume top v write-perf
same 'read-perf with a test of the disk'  plain_profile volume top v read-perf bs 4096 count 16 list-cnt 1
same 'write-perf with one'                plain_profile volume top v write-perf bs 4096 count 16 list-cnt 1
not_ok 'its file is gone'                 test -e "$(root n1)/srv/b1/.gf-tmp-stats-perf"
same 'top of a brick that is none'        plain volume top v read brick NODE:/srv/other
same 'top clear'                          plain volume top v clear
same 'then the list is empty'             plain volume top v read
same 'top open after it'                  plain volume top v open

same 'status'                             plain volume status v
same 'status detail'                      plain volume status v detail
same 'status clients'                     plain volume status v clients
same 'status client-list'                 plain volume status v client-list
same 'status mem'                         plain volume status v mem
status_has() { gluster n1 volume status v "$1" >"$tmp/status" && says "$tmp/status" "$2"; } # these differ: doc/brick-notes.md
on n1 sh -c 'exec 9>/mnt/v/held; sleep 1000' </dev/null >/dev/null 2>&1 &
other_pids+=($!)
eventually 20 'status fd lists an open file'  status_has fd '^0 +[0-9]+ +1 '
ok 'status inode'                         status_has inode '^LRU limit +: 16384'
ok 'status callpool'                      status_has callpool '^Pending calls: 0'

same 'statedump'                          plain volume statedump v
ok 'is where stock puts it'               compgen -G "$(root n1)/run/gluster/srv-b1.*.dump.*"
same 'statedump of one thing'             plain volume statedump v mem
same 'barrier'                            plain volume barrier v enable
same 'it is so already'                   plain volume barrier v enable
same 'and back'                           plain volume barrier v disable
same 'it is so already'                   plain volume barrier v disable

before=$(brick_at n1 /srv/b1)
same 'an option is changed'               plain volume set v server.root-squash on
eventually 20 'and in force'              on n1 sh -c '! touch /mnt/v/by-root 2>/dev/null'
same 'and back'                           plain volume reset v server.root-squash
eventually 20 'and in force'              on n1 touch /mnt/v/by-root
same 'one that makes a new client graph'  plain volume set v performance.read-ahead on
ok 'the mount goes on'                    work n1
same 'one that adds a translator to the brick'  plain volume set v debug.delay-gen posix
ok 'the mount goes on, as with stock'     work n1
is 'with the same process'                "$(brick_at n1 /srv/b1)" "$before"
ok 'which says why'                       says "$(root n1)/var/log/glusterfs/bricks/srv-b1.log" 'from the next start of this brick on|is not used'
same 'and back'                           plain volume reset v debug.delay-gen
not_says() { ! says "$@"; }
same 'log rotate'                         plain volume log v rotate
eventually 20 'writes a new file'         test -s "$(root n1)/var/log/glusterfs/bricks/srv-b1.log"

ok 'kill -9 of the brick'                 kill_brick n1 /srv/b1
kill_brick n2 /srv/b1
offline() { gluster "$1" volume status v | grep -q '^Brick .*N/A *N *N/A'; }
eventually 30 'the daemon sees it'        offline n1
wait_until 30 offline n2
same 'status of it'                       plain volume status v
same 'profile of it'                      plain volume profile v start
same 'start force'                        plain volume start v force
eventually 30 'online again'              bricks_online n1 v 1
eventually 30 'the mount goes on'         work n1
wait_until 30 work n2

pid=$(brick_at n1 /srv/b1)
must stop_glusterd n1
ok 'without glusterd the mount goes on'   work n1
must start_glusterd n1
eventually 30 'a new glusterd finds the brick'  bricks_online n1 v 1
is 'the same one'                         "$(brick_at n1 /srv/b1)" "$pid"
ok 'profile through the new one'          gluster n1 volume profile v info
must stop_glusterd n1 -KILL
must start_glusterd n1
eventually 30 'so after kill -9'          bricks_online n1 v 1
is 'the same one'                         "$(brick_at n1 /srv/b1)" "$pid"
ok 'an option reaches it'                 gluster n1 volume set v server.root-squash on
eventually 20 'and is in force'           on n1 sh -c '! touch /mnt/v/by-root-2 2>/dev/null'
gluster n2 volume set v server.root-squash on >/dev/null

umount_node n1 v; umount_node n2 v
same 'stop'                               plain volume stop v
eventually 10 'the brick has ended'       not on n1 kill -0 "$pid"
not_ok 'its socket is gone, or dead'      on n1 pgrep -f -- '--brick-name /srv/b1'
same 'status of a stopped volume'         plain volume status v
same 'start again'                        plain volume start v
same 'stop again'                         plain volume stop v
same 'delete'                             plain volume delete v
done_testing
