#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Words of a mount's command line that put something above its graph or look at its traffic: access by gfid, write once, another top, a history of
# operations, a copy of what the kernel says, a user in root's place.
. "$(dirname "$0")/../lib.sh"
MOUNT=local
needs fuse setfattr setpriv perl
mnt=$tmp/mnt

must start_brick b1
ok 'access by gfid: mount'           mount_volume "$mnt" b1 -- --aux-gfid-mount
gfid() { getfattr -h --only-values -n glusterfs.gfid.string "$1" 2>/dev/null; }
must sh -c "mkdir -p '$mnt/d/e' && echo text >'$mnt/d/f' && ln -s f '$mnt/d/l'"
is 'not in the list'                 "$(ls -A "$mnt")" d
is 'a file'                          "$(cat "$mnt/.gfid/$(gfid "$mnt/d/f")")" text
ok 'is the file'                     test "$mnt/.gfid/$(gfid "$mnt/d/f")" -ef "$mnt/d/f"
ok 'written by gfid'                 sh -c "echo more >>'$mnt/.gfid/$(gfid "$mnt/d/f")' && grep more '$mnt/d/f'"
is 'a link'                          "$(readlink "$mnt/.gfid/$(gfid "$mnt/d/l")")" f
is 'a folder'                        "$(ls "$mnt/.gfid/$(gfid "$mnt/d")")" "$(printf 'e\nf\nl')"
ok 'a new file in it'                sh -c "echo x >'$mnt/.gfid/$(gfid "$mnt/d")/new' && grep x '$mnt/d/new'"
is 'the folder is where it was'      "$(cd "$mnt/d" && ls >/dev/null && pwd -P; ls "$mnt/d/e")" "$mnt/d"
ok 'a second name'                   sh -c "ln '$mnt/.gfid/$(gfid "$mnt/d/f")' '$mnt/d/hard' && [ \$(stat -c %h '$mnt/d/f') = 2 ]"
not_ok 'no name is made in .gfid'    touch "$mnt/.gfid/x"
not_ok 'none is removed'             rm -f "$mnt/.gfid/$(gfid "$mnt/d/f")"
not_ok 'it is not to be listed'      ls "$mnt/.gfid"
not_ok 'nobody has that gfid'        stat "$mnt/.gfid/11111111-2222-4333-4444-555555555555"
ok 'the file is still there'         test -e "$mnt/d/f"
ok 'unmount'                         umount_volume "$mnt"

ok 'write once: mount'               mount_volume "$mnt" b1 -- --worm
ok 'a new file is made'              sh -c "echo 1 >'$mnt/once'"
not_ok 'not changed'                 sh -c "echo 2 >'$mnt/once'"
not_ok 'not removed'                 rm -f "$mnt/once"
not_ok 'not renamed'                 mv "$mnt/once" "$mnt/twice"
ok 'unmount'                         umount_volume "$mnt"

ok 'another top: mount'              mount_volume "$mnt" b1 -- --volume-name vol-locks
is 'is the top'                      "$(readlink "$mnt/.meta/graphs/active/meta-autoload/subvolumes/0")" ../../vol-locks
not_ok 'what is above is not there'  test -e "$mnt/.meta/graphs/active/vol-quota"
ok 'it works'                        grep -q more "$mnt/d/f"
ok 'unmount'                         umount_volume "$mnt"
not_ok 'one that is not there'       timeout -k 5 30 "$build/glusterfsd/glusterfs" -N -f "$tmp/client-b1.vol" -l "$tmp/none.log" --volume-name nobody "$mnt"
ok 'is named'                        grep -q 'no volume is called "nobody"' "$tmp/none.log"

ok 'history, traffic, a user: mount' mount_volume "$mnt" b1 -- --event-history=on --dump-fuse "$tmp/traffic" --user-map-root nobody
must chmod 777 "$mnt"
ok 'his file'                        setpriv --reuid nobody --regid nogroup --clear-groups sh -c ": >'$mnt/his'"
is 'is of root'                      "$(stat -c %u "$mnt/his")" 0
ok 'an operation is remembered'      grep -qE 'message = \[0\] op_ret: 0, op_errno: 0, [0-9]+: CREATE\(\) => gfid: [0-9a-f-]{36}' "$mnt/.meta/root/history"
ok 'unmount'                         umount_volume "$mnt"
# Each record: who, 3 parts with their lengths; requests and answers belong together by their number.
cat >"$tmp/parse" <<'P'
local $/; open(my $f, '<', $ARGV[0]) or die; my $d = <$f>; my ($at, %asked, $answers) = (0);
while ($at < length $d) {
    my ($who, $parts, $tl, $sec, $nsec, $ml, $mark) = unpack('a V V Q< V V a8', substr($d, $at, 33));
    die "at $at" unless $who =~ /[RW]/ && $parts == 3 && $tl == 16 && $ml == 12 && $mark eq "GLUSTER\xf5" && abs($sec - time) < 3600;
    my ($len, $what, $unique) = unpack('V V Q<', substr($d, $at + 33, 16));
    die "length $len at $at" if $len < 16 || $at + 33 + $len > length $d;
    if ($who eq 'R') { $asked{$unique} = $what } else { $answers++; die "answer to $unique" unless $unique == 0 || exists $asked{$unique} }
    $at += 33 + $len;
}
printf "%d %d\n", scalar(grep { $_ == 26 } values %asked), $answers > 10;
P
is 'the traffic can be read: one INIT, answers' "$(perl "$tmp/parse" "$tmp/traffic")" '1 1'
done_testing
