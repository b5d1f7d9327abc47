#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# POSIX ACLs and modes decide who may do what: kept, shown, inherited and enforced for somebody else than root.
. "$(dirname "$0")/../lib.sh"
needs fuse setfacl getfacl setpriv
mnt=$tmp/mnt
acl() { getfacl -pcn "$1" | grep -v '^$' | tr '\n' ' '; }

must start_brick b1
must mount_volume "$mnt" b1 -- --acl
chmod 755 "$mnt"
echo secret >"$mnt/f"
chmod 600 "$mnt/f"

not_ok 'a file of mode 600 is closed to others'   as_user cat "$mnt/f"
ok 'an ACL entry'                           setfacl -m u:65534:r "$mnt/f"
is 'is shown'                               "$(acl "$mnt/f")" 'user::rw- user:65534:r-- group::--- mask::r-- other::--- '
is 'is stored on the brick'                 "$(acl "$tmp/bricks/b1/f")" "$(acl "$mnt/f")"
is 'opens it for reading'                   "$(as_user cat "$mnt/f")" secret
not_ok 'not for writing'                    as_user sh -c "echo x >>'$mnt/f'"
ok 'the mask limits it'                     setfacl -m m::- "$mnt/f"
not_ok 'and then it is closed again'        as_user cat "$mnt/f"
ok 'remove the ACL'                         setfacl -b "$mnt/f"
is 'only the mode is left'                  "$(acl "$mnt/f")" 'user::rw- group::--- other::--- '

mkdir -m 700 "$mnt/d"
not_ok 'nobody else gets into a 700 folder' as_user ls "$mnt/d"
ok 'default ACL'                            setfacl -m u:65534:rwx,d:u:65534:rwX "$mnt/d"
ok 'lets that user in'                      as_user touch "$mnt/d/his"
is 'who owns what he makes'                 "$(stat -c %u:%g "$mnt/d/his")" "$user"
touch "$mnt/d/mine"; mkdir "$mnt/d/sub"
is 'files inherit it'                       "$(acl "$mnt/d/mine" | grep -o 'user:65534:...')" 'user:65534:rwx'
is 'folders pass it on'                     "$(acl "$mnt/d/sub" | grep -o 'default:user:65534:...')" 'default:user:65534:rwx'

mkdir -m 1777 "$mnt/t"
touch "$mnt/t/root"
not_ok 'sticky folder: not the files of others' as_user rm -f "$mnt/t/root"
not_ok 'chown is for root'                  as_user chown 65534 "$mnt/t/root"
not_ok 'chmod is for the owner'             as_user chmod 777 "$mnt/t/root"
ok 'a group opens a file'                   sh -c "echo g >'$mnt/g' && chgrp 4711 '$mnt/g' && chmod 640 '$mnt/g'"
is 'for its members'                        "$(setpriv --reuid 65534 --regid 65534 --groups 4711 cat "$mnt/g")" g
not_ok 'and for nobody else'                as_user cat "$mnt/g"
done_testing
