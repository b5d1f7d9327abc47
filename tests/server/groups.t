#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# server.manage-gids: the groups of a caller are those that the brick's machine knows, not those that he sends. The test has files
# /etc/passwd and /etc/group of its own.
[ "$(id -u)" = 0 ] && [ -z "${OWN_USERS:-}" ] && OWN_USERS=1 exec unshare -m "$0" "$@"
. "$(dirname "$0")/../lib.sh"
needs fuse getfattr tool:rawfop
{ cat /etc/passwd; echo 'gatmember:x:23401:23401::/nonexistent:/bin/false'; echo 'gatother:x:23402:23402::/nonexistent:/bin/false'; } >"$tmp/passwd"
{ cat /etc/group; echo 'gatmember:x:23401:'; echo 'gatother:x:23402:'; echo 'gatgroup:x:23403:gatmember'; } >"$tmp/group"
chmod 644 "$tmp/passwd" "$tmp/group"
must mount --bind "$tmp/passwd" /etc/passwd
must mount --bind "$tmp/group" /etc/group
unbind() { umount /etc/passwd /etc/group; }
cleanup_hooks+=(unbind)
# UID:GID:GROUPS: looks up a file in the group's directory
sees() { tool rawfop b1 -u "$1" lookup "$gfid" file; }

must start_brick b1
must mount_volume "$tmp/mnt" b1
mkdir "$tmp/mnt/dir" && echo x >"$tmp/mnt/dir/file" && chgrp 23403 "$tmp/mnt/dir" && chmod 0770 "$tmp/mnt/dir"
must umount_volume "$tmp/mnt"
must stop_brick b1
gfid=$(getfattr -n trusted.gfid --only-values "$tmp/bricks/b1/dir" 2>/dev/null | od -An -tx1 | tr -d ' \n')
for manage in off on; do
    must start_brick b1 --set protocol/server manage-gids $manage
    if [ $manage = off ]; then
        not_ok 'off: a member who does not send his group is kept out' sees 23401:23401
        ok 'off: one who says that he is a member is let in'           sees 23402:23402:23403
    else
        ok 'on: a member who does not send his group is let in'        sees 23401:23401
        ok 'and once more, from memory'                                sees 23401:23401
        not_ok 'on: saying that one is a member does not help'         sees 23402:23402:23403
        not_ok 'nor being somebody whom nobody knows'                  sees 23499:23499:23403
        [ "$BRICK" = stock ] || ok 'the statedump counts them'         sh -c "grep -q '^gids=[1-9]' '$(statedump b1)'"
    fi
    must stop_brick b1
done
done_testing
