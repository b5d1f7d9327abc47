#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Our glusterd (n1) beside stock's (n2), both over our bricks: what the command line says of profile, top, status, statedump, locks, logs and the
# barrier is the same, but for numbers. Then what is ours: a brick that hangs holds nobody up.
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
same 'of all volumes'                     plain volume status all detail
same 'of one brick'                       plain volume status v NODE:/srv/b2
same 'its details'                        plain volume status v NODE:/srv/b2 detail
same 'its clients'                        plain volume status v NODE:/srv/b2 clients
same 'of a brick that is none'            plain volume status v NODE:/srv/none clients
for what in quotad snapd bitd scrub shd nfs; do
    same "status of $what"                plain volume status v $what
done
same 'status of one that is not started'  plain volume status other
same 'of none'                            plain volume status none
same 'as XML'                             plain --xml volume status v detail
same 'clients as XML'                     plain --xml volume status v clients
done_testing
