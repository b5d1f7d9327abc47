#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# FALLOCATE, DISCARD, ZEROFILL, SEEK, COPY_FILE_RANGE, truncation, synced and direct I/O: at all their edges ours gives what stock gives.
. "$(dirname "$0")/../lib.sh"
needs root gfapi cc ours stock

bare_volfile() { # brick: without translators that hold writes back
    cat <<-VOL
	volume client
	    type protocol/client
	    option remote-host 127.0.0.1
	    option remote-port ${brick_port[$1]}
	    option remote-subvolume $tmp/bricks/$1
	    option transport-type tcp
	    option username tester
	    option password secret
	end-volume
	volume top
	    type features/utime
	    subvolumes client
	end-volume
	VOL
}
# shellcheck disable=SC2046
must cc -o "$tmp/ranges" "$top/tests/brick/ranges.c" $(pkg-config --cflags --libs glusterfs-api)
for kind in stock ours; do
    must start_brick "$kind" --plain "--$kind"
    bare_volfile "$kind" >"$tmp/$kind.client.vol"
    ok "$kind answers each"           timeout 60 "$tmp/ranges" "$tmp/$kind.client.vol"
    cp "$tmp/out" "$tmp/$kind.says"
done
is 'about as many calls as there are' "$(($(wc -l <"$tmp/stock.says") > 80))" 1
ok 'and both say the same'            diff "$tmp/stock.says" "$tmp/ours.says"
done_testing
