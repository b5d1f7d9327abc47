#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Extended attributes: set, list, replace, remove; values of any bytes; the ones that are the brick's own stay hidden.
. "$(dirname "$0")/../lib.sh"
needs fuse setfattr getfattr
mnt=$tmp/mnt
get() { getfattr --absolute-names --only-values -n "$2" "$1"; }
names() { getfattr --absolute-names -m "$2" "$1" | grep -v '^#' | xargs; }

must start_brick b1
must mount_volume "$mnt" b1
touch "$mnt/f"; mkdir "$mnt/d"; ln -s f "$mnt/s"

ok 'set'                                setfattr -n user.one -v first "$mnt/f"
ok 'set another'                        setfattr -n user.two -v 0x00ff00fe "$mnt/f"
is 'get'                                "$(get "$mnt/f" user.one)" first
is 'any bytes are kept'                 "$(getfattr --absolute-names -e hex -n user.two "$mnt/f" | grep =)" user.two=0x00ff00fe
is 'list'                               "$(names "$mnt/f" '^user')" 'user.one user.two'
ok 'replace'                            setfattr -n user.one -v second "$mnt/f"
is 'the new value'                      "$(get "$mnt/f" user.one)" second
ok 'remove'                             setfattr -x user.one "$mnt/f"
not_ok 'it is gone'                     get "$mnt/f" user.one
not_ok 'removing it again fails'        setfattr -x user.one "$mnt/f"
ok 'on a folder'                        setfattr -n user.d -v dir "$mnt/d"
is 'is kept'                            "$(get "$mnt/d" user.d)" dir
ok 'trusted ones, for root'             setfattr -n trusted.mine -v x "$mnt/f"
is 'are kept'                           "$(get "$mnt/f" trusted.mine)" x
not_ok 'not for others'                 as_user setfattr -n trusted.mine -v y "$mnt/f"
big=$(printf '%02000d' 7)
ok 'a large value'                      setfattr -n user.big -v "$big" "$mnt/f"
is 'is kept whole'                      "$(get "$mnt/f" user.big)" "$big"
name=user.$(printf '%0250d' 1)
ok 'a name of 255 bytes'                setfattr -n "$name" -v x "$mnt/f"
is 'is kept'                            "$(get "$mnt/f" "$name")" x
not_ok 'user attributes need a file'    setfattr -h -n user.x -v x "$mnt/s"

not_ok 'the gfid is hidden'             get "$mnt/f" trusted.gfid
not_ok 'and cannot be set'              setfattr -n trusted.gfid -v 0x00112233445566778899aabbccddeeff "$mnt/f"
is 'the list does not show it'          "$(names "$mnt/f" gfid)" ''
is 'the brick has the same attributes'  "$(names "$tmp/bricks/b1/f" '^(user.two|user.big|trusted.mine)$')" 'trusted.mine user.big user.two'
done_testing
