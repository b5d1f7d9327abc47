#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# A stock glusterd and our brick with everything encrypted: the management by the file secure-access, the volume by its options.
. "$(dirname "$0")/../lib.sh"
. "$top/tests/cluster.sh"
needs root fuse stock openssl

must start_nodes 1
must encrypt_nodes mgmt
must start_glusterd n1
tls_port() { # port: whoever listens there shows a certificate
    on n1 timeout 20 openssl s_client -connect "n1:$1" -cert /etc/ssl/glusterfs.pem -key /etc/ssl/glusterfs.key -CAfile /etc/ssl/glusterfs.ca \
        </dev/null 2>/dev/null | grep -q 'BEGIN CERTIFICATE'
}
brick_port() { gluster n1 volume status v | awk '/^Brick/ { print $3 }'; }
works() { echo "$1" >"$(root n1)/mnt/v/file" && [ "$(cat "$(root n1)/mnt/v/file")" = "$1" ]; }
our_brick() { on n1 readlink "/proc/$(brick_at n1 /srv/b1)/exe" | grep -q "^$build/"; }
log=$(root n1)/var/log/glusterfs/bricks/srv-b1.log

ok 'the management is encrypted'            tls_port 24007
must gluster n1 volume create v n1:/srv/b1 force
ok 'start a plain volume'                   gluster n1 volume start v
ok 'our brick runs'                         our_brick
ok 'online: it has signed in'               bricks_online n1 v 1
not_ok 'the volume is not encrypted'        tls_port "$(brick_port)"
must mount_node n1 v
ok 'write and read'                         works plain
ok 'a change of options reaches the brick'  gluster n1 volume set v server.root-squash on
eventually 20 'and is in force'             on n1 sh -c '! touch /mnt/v/new 2>/dev/null'
ok 'and back'                               gluster n1 volume reset v server.root-squash
ok 'profile'                                gluster n1 volume profile v start
umount_node n1 v
must gluster n1 volume stop v

ok 'switch the encryption of the volume on' gluster n1 volume set v server.ssl on
must gluster n1 volume set v client.ssl on
must gluster n1 volume set v auth.ssl-allow server
ok 'start'                                  gluster n1 volume start v
eventually 30 'online'                      bricks_online n1 v 1
ok 'the volume is encrypted'                tls_port "$(brick_port)"
must mount_node n1 v
ok 'write and read'                         works encrypted
ok 'status clients'                         gluster n1 volume status v clients
ok 'a restarted glusterd'                   stop_glusterd n1
must start_glusterd n1
eventually 30 'finds the brick again'       bricks_online n1 v 1
ok 'the mount goes on'                      works 'still encrypted'
ok 'kill -9 of the brick'                   kill_brick n1 /srv/b1
ok 'start force'                            gluster n1 volume start v force
eventually 30 'online again'                bricks_online n1 v 1
eventually 30 'the mount goes on'           works again
umount_node n1 v
must gluster n1 volume stop v

# A brick whose daemon speaks TLS when it does not, and the other way round, does not start, and says so.
on n1 rm /var/lib/glusterd/secure-access
not_ok 'a plain brick under an encrypted daemon'  gluster n1 volume start v
eventually 20 'which says what is wrong'    says "$log" 'no volume file "v\.n1\.srv-b1"'
ok 'delete'                                 gluster n1 volume delete v
done_testing
