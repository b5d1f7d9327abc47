#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# What is wrong with a volume file, an option, a certificate or a brick folder is said in one sentence, and the exit status is not 0.
. "$(dirname "$0")/../lib.sh"
needs root ours openssl setfattr
pki=$(default_pki)
make_brick_dir b1; pick_port; brick_port[b1]=$port
write_brick_volfile b1 --plain
cp "$tmp/b1.vol" "$tmp/good.vol"

run_to_the_end() { timeout -k 5 20 bash -c "$(declare -f brick_exec brick_program); declare -A brick_kind=([b1]=ours); top=$top build=$build tmp=$tmp; brick_exec b1"; }
refused() { # what pattern
    rm -f "$tmp/b1.log"; touch "$tmp/b1.log"
    not_ok "$1: it does not start" run_to_the_end
    cat "$tmp/out" >>"$tmp/b1.log"
    ok "$1: and says why ($2)" grep -qiE -- "$2" "$tmp/b1.log"
}
edited() { # what pattern sed-script
    sed "$3" "$tmp/good.vol" >"$tmp/b1.vol"
    refused "$1" "$2"
}
with() { # what pattern arguments of start_brick
    local what=$1 pattern=$2; shift 2
    write_brick_volfile b1 "$@"
    refused "$what" "$pattern"
}

rm "$tmp/b1.vol"
refused 'no volume file'                  'b1\.vol.*no such file'
: >"$tmp/b1.vol"
refused 'an empty one'                    'b1\.vol'
edited 'a word that is no keyword'        'b1\.vol.*(line |:)2.*tipe'     '2s/type/tipe/'
edited 'a volume without its end'         'b1\.vol'                       '$d'
edited 'an unknown translator'            'features/locksmith'            's#features/locks$#features/locksmith#'
edited 'an unknown subvolume'             'nowhere'                       's/subvolumes vol-posix/subvolumes nowhere/'
edited 'two volumes of one name'          'vol-trash'                     's/^volume vol-changelog/volume vol-trash/'
edited 'an option with a bad value'       'ssl-enabled.*perhaps'          's/transport.listen-backlog 1024/transport.socket.ssl-enabled perhaps/'
edited 'a feature that we lack'           'changelog'                     's#type features/changelog#&\n    option changelog on#'
edited 'no such folder'                   'nonexistent'                   's#option directory .*#option directory /nonexistent#'
touch "$tmp/file"
edited 'a file for a folder'              'not a directory'               "s#option directory .*#option directory $tmp/file#"
edited 'the folder of another volume'     'volume-id|another volume'      's/option volume-id .*/option volume-id 00000000-1111-2222-3333-444444444444/'

mkdir "$tmp/ram"
if mount -t ramfs ramfs "$tmp/ram" 2>/dev/null; then
    edited 'no extended attributes'       'extended attribute|xattr'      "s#option directory .*#option directory $tmp/ram#; /option volume-id/d"
    umount "$tmp/ram"
fi

with 'no certificate'                     'nothing\.pem'                  --tls "$pki" --cert nothing
cp "$pki/client.key" "$pki/odd.key"; cp "$pki/server.pem" "$pki/odd.pem"
with 'a key of another certificate'       'odd\.key'                      --tls "$pki" --cert odd
echo nonsense >"$pki/bad.pem"; cp "$pki/server.key" "$pki/bad.key"
with 'a certificate that is none'         'bad\.pem'                      --tls "$pki" --cert bad
with 'no authority'                       'nobody\.pem'                   --tls "$pki" --set protocol/server transport.socket.ssl-ca-list "$pki/nobody.pem"
with 'unknown ciphers'                    'ssl-cipher-list'               --tls "$pki" --set protocol/server transport.socket.ssl-cipher-list NONSENSE
with 'an unknown curve'                   'ssl-ec-curve'                  --tls "$pki" --set protocol/server transport.socket.ssl-ec-curve nonsense
with 'an address that is none'            'bind-address|nowhere\.invalid' --plain --set protocol/server transport.socket.bind-address nowhere.invalid
ok 'a brick on the port'                  start_brick first --plain
with 'a port that is taken'               'in use'                        --plain --set protocol/server transport.socket.listen-port "${brick_port[first]}"

cp "$tmp/good.vol" "$tmp/b1.vol"
ok 'the unedited file is good'            start_brick b1 --plain
done_testing
