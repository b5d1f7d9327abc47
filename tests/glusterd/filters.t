#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Filters: programs in a folder that each volume file goes through when it is written. Ours runs them over the same files as a stock daemon, and
# what they change reaches bricks and clients.
. "$(dirname "$0")/../lib.sh"
. "$top/tests/cluster.sh"
needs stock root
must start_nodes 2
use n1 daemon ours
declare -A folder=([n1]=$(our_folder GF_PKGLIBDIR)/filter [n2]=$(dirname /usr/lib/*/glusterfs/*/xlator)/filter)

# The folder lies where the machine's libraries are: an overlay keeps it the node's own.
make_folder() { # node
    # shellcheck disable=SC2016
    on "$1" sh -ec 'up=$1; while [ ! -d "$up" ]; do up=${up%/*}; done; mkdir -p "$2/up" "$2/work"
        mount -t overlay -o "lowerdir=$up,upperdir=$2/up,workdir=$2/work" gatling-test "$up"; mkdir -p "$1/40folder"' \
        x "${folder[$1]}" "$nodes_dir/$1/own/filters"
}
filter() { # name mode: the program comes from stdin, the same on both nodes
    local node
    tee "$(root n1)${folder[n1]}/$1" >"$(root n2)${folder[n2]}/$1"
    for node in n1 n2; do chmod "$2" "$(root $node)${folder[$node]}/$1"; done
}
must make_folder n1
must make_folder n2
filter 10note 755 <<-'NOTE'
	#!/bin/sh
	echo "$# ${1%/*} ${1##*/}" >>/srv/filtered
	echo noted
NOTE
filter 20edit 755 <<-'EDIT'
	#!/bin/sh
	case $1 in *.vol) sed -i '1i # through a filter' "$1" ;; esac
EDIT
filter 30plain 644 <<<'echo 30plain >>/srv/filtered'
filter 50fails 755 <<-'FAILS'
	#!/bin/sh
	exit 3
FAILS

filtered() { # node: which files, since the last time (stock also filters what it only compares, in /tmp)
    grep -v '^1 /tmp ' "$(root "$1")/srv/filtered" | sort -u | sed "s/\b$1\b/NODE/g"
    rm -f "$(root "$1")/srv/filtered"
}
same() { # description words of gluster, with NODE for the node
    local text=$1 node; shift
    for node in n1 n2; do must gluster $node "${@//NODE/$node}"; done
    is "$text: the same files" "$(filtered n1)" "$(filtered n2)"
}
must start_glusterd n1
must start_glusterd n2
same 'create'       volume create v replica 3 NODE:/srv/b1 NODE:/srv/b2 NODE:/srv/b3 force
for node in n1 n2; do must gluster $node volume start v; done
ok 'the self-heal daemon has one' grep -q v-shd.vol "$(root n1)/srv/filtered"
rm -f "$(root n1)/srv/filtered" "$(root n2)/srv/filtered"
same 'set'          volume set v network.ping-timeout 30
same 'reset'        volume reset v network.ping-timeout
file=$(root n1)/var/lib/glusterd/vols/v/v.n1.srv-b1.vol
is 'a file is as the filter has left it' "$(head -n 1 "$file")" '# through a filter'
is 'once'           "$(grep -c 'through a filter' "$file")" 1
is 'a client gets it so' "$(gluster n1 system:: getspec v | head -n 1)" '# through a filter'
eventually 30 'the bricks run with it' bricks_online n1 v 3
log=$(root n1)/var/log/glusterfs/glusterd.log
ok 'what a filter says is logged' says "$log" '10note: noted'
ok 'and that one has failed' says "$log" '50fails: exit status 3'
ok 'stop'           gluster n1 volume stop v
ok 'delete'         gluster n1 volume delete v
done_testing
