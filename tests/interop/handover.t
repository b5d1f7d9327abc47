#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# A brick folder moves between the stock brick and ours, both ways, without conversion: contents, attributes, gfids and links are the
# same, each can change what the other made, and stock has nothing to complain of.
. "$(dirname "$0")/../lib.sh"
needs fuse ours stock setfattr getfattr setfacl getfacl
mnt=$tmp/mnt

make_things() { # prefix: one of each kind
    mkdir "$mnt/$1-dir" && head -c 300000 /dev/urandom >"$mnt/$1-dir/file" && ln "$mnt/$1-dir/file" "$mnt/$1-hard" &&
        ln -s "$1-dir/file" "$mnt/$1-soft" && mkfifo -m 604 "$mnt/$1-fifo" && mknod "$mnt/$1-dev" c 1 3 &&
        dd if=/dev/urandom of="$mnt/$1-hole" bs=64k seek=16 count=1 status=none && chmod 640 "$mnt/$1-hole" && chown "$user" "$mnt/$1-hole" &&
        setfattr -n user.mine -v "$1" "$mnt/$1-dir/file" && setfacl -m u:1:rw "$mnt/$1-dir/file" && setfacl -m d:g:7:rx "$mnt/$1-dir" &&
        touch -d '2003-04-05 06:07:08.123456789 UTC' "$mnt/$1-dir/file" && ls -lR "$mnt" >/dev/null
}
picture() { # all that a client sees
    (cd "$mnt" && find . -printf '%p %y %m %U %G %s %T@ %n %i %l\n' | sort && find . -type f -exec md5sum {} + | sort -k 2 &&
        getfacl -Rpn . && getfattr -RPh -m '^user' -d . && find . -exec getfattr -h --only-values -n glusterfs.gfid.string {} + | fold -w 36 | sort)
}
serve() { # --stock or --ours
    [ -z "${mount_pid[$mnt]:-}" ] || umount_volume "$mnt" || return 1
    stop_brick b1 && start_brick b1 "$1" && mount_volume "$mnt" b1 -- --acl
}
complaints() { grep -E '\] [EC] \[' "$tmp/b1.log" | grep -vE 'Operation not permitted'; }

must serve --stock
must make_things stock
picture >"$tmp/by-stock"

must serve --ours
picture >"$tmp/by-ours"
ok 'ours shows what stock made'          diff "$tmp/by-stock" "$tmp/by-ours"
ok 'more of it is made through ours'     make_things ours
ok 'ours changes what stock made'        sh -c "echo more >>'$mnt/stock-dir/file' && mv '$mnt/stock-dir' '$mnt/renamed' && rm '$mnt/stock-hard' '$mnt/stock-dev'"
ok 'and an attribute of it'              setfattr -n user.mine -v changed "$mnt/renamed/file"
picture >"$tmp/by-ours"

must serve --stock
picture >"$tmp/by-stock"
ok 'stock shows what ours made'          diff "$tmp/by-ours" "$tmp/by-stock"
ok 'stock changes what ours made'        sh -c "echo more >>'$mnt/ours-dir/file' && mv '$mnt/ours-dir' '$mnt/again' && rm '$mnt/ours-hard' '$mnt/ours-fifo'"
ok 'stock removes all of it'             sh -c "rm -r '$mnt'/*"
is 'stock had nothing to complain of'    "$(complaints)" ''
is 'no gfid is left over'                "$(cd "$tmp/bricks/b1/.glusterfs" && find ?? -mindepth 2 ! -name '00000000-0000-0000-0000-00000000000?')" ''
done_testing
