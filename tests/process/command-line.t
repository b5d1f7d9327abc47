#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Every option that GlusterFS's programs and mount.glusterfs(8) have, in two tables: what is taken, what is wrong, what is refused and why;
# what mount(8)'s words become. Where the effect of one shows stands beside it. Whatever stock's own help names has its row.
. "$(dirname "$0")/../lib.sh"
needs ours
program=$build/glusterfsd/glusterfs
[ -x "$build/glusterfsd/.libs/glusterfs" ] && program=$build/glusterfsd/.libs/glusterfs # libtool's wrapper takes its time
export LD_LIBRARY_PATH=$build/libglusterfs/.libs
helper=$build/extras/mount.glusterfs

# A word is read before those behind it, and --print-logdir ends the program: so its status is that of the reading.
reads() { "$program" "$@" --print-logdir >"$tmp/out" 2>&1; echo $?; }
complaint() { sed 's/^[^:]*: //' "$tmp/out" | head -n 1; }

# OPTION, a value that is taken, one that is not, and the file of tests/ (or the unit test) that shows what it does. "-": takes none, or
# there is no wrong one. Instead of the last: "refused: SENTENCE".
options() { cat <<'TABLE'
--volfile                       a.vol           -       fuse/every-option.t
--spec-file                     a.vol           -       glusterfsd/command-line-test.c
--volfile-server                host            -       fuse/thin-client.t
--volfile-server-port           24007           0       fuse/graph-switch.t
--volfile-server-transport      unix            rdma    glusterfsd/command-line-test.c
--volfile-id                    v               -       fuse/graph-switch.t
--log-file                      a.log           -       fuse/every-option.t
--log-level                     trace           LOUD    fuse/every-option.t
--logger                        gluster-log     syslog  glusterfsd/command-line-test.c
--log-format                    no-msg-id       with-msg-id fuse/every-option.t
--log-buf-size                  5               -       refused: buffering of log lines
--log-flush-timeout             120             -       refused: buffering of log lines
--localtime-logging             -               -       fuse/every-option.t
--no-daemon                     -               -       fuse/every-option.t
--debug                         -               -       fuse/every-option.t
--pid-file                      a.pid           -       fuse/every-option.t
--socket-file                   /a.socket       a       fuse/every-option.t
--volume-name                   v               -       fuse/words.t
--xlator-option                 v.k=1           nothing glusterd/start.t
--read-only                     -               -       fuse/options.t
--worm                          -               -       fuse/words.t
--acl                           -               -       mount/acl.t
--selinux                       -               -       fuse/every-option.t
--capability                    -               -       fuse/every-option.t
--aux-gfid-mount                -               -       fuse/words.t
--subdir-mount                  /a              a       fuse/every-option.t
--enable-ino32                  on              maybe   fuse/options.t
--mac-compat                    off             on      refused: the ways of macOS
--fopen-keep-cache              off             maybe   fuse/every-option.t
--global-threading              on              maybe   xlators/debug/io-stats/io-stats-test.c
--global-timer-wheel            on              maybe   fuse/every-option.t
--thin-client                   -               -       fuse/thin-client.t
--print-exports                 f               -       refused: an NFS server
--print-netgroups               f               -       refused: an NFS server
--print-logdir                  -               -       glusterd/shell.t
--print-statedumpdir            -               -       fuse/every-option.t
--print-xlatordir               -               -       fuse/every-option.t
--print-libexecdir              -               -       fuse/every-option.t
--attribute-timeout             0.5             -1      fuse/options.t
--entry-timeout                 0.5             1s      fuse/options.t
--negative-timeout              0.5             x       fuse/options.t
--attr-times-granularity        1000000000      1000000001 fuse/every-option.t
--gid-timeout                   0               -1      fuse/every-option.t
--lru-limit                     5               -1      fuse/every-option.t
--invalidate-limit              0               -1      fuse/every-option.t
--background-qlen               16              15      fuse/every-option.t
--congestion-threshold          12              11      fuse/every-option.t
--reader-thread-count           64              65      fuse/options.t
--direct-io-mode                auto            maybe   fuse/options.t
--use-readdirp                  no              maybe   fuse/options.t
--event-history                 on              maybe   fuse/words.t
--kernel-writeback-cache        on              maybe   fuse/options.t
--auto-invalidation             on              maybe   fuse/every-option.t
--no-root-squash                no              -       glusterfsd/command-line-test.c
--resolve-gids                  -               -       fuse/every-option.t
--volfile-check                 -               -       fuse/every-option.t
--dump-fuse                     f               -       fuse/words.t
--oom-score-adj                 -1000           1001    fuse/every-option.t
--io-engine                     legacy          fast    fuse/every-option.t
--secure-mgmt                   no              maybe   glusterfsd/command-line-test.c
--brick-mux                     -               -       refused: several bricks in one process
--brick-name                    /b              -       glusterd/start.t
--brick-port                    49152           0       glusterd/start.t
--client-pid                    -6              x       features/heal.sh
--user-map-root                 0               nobody-at-all fuse/words.t
--mem-accounting                -               -       refused: memory accounting
--no-mem-accounting             -               -       fuse/every-option.t
--fuse-mountopts                noatime         -       fuse/options.t
--process-name                  fuse            -       fuse/meta.t
--run-id                        x               -       fuse/every-option.t
--volfile-max-fetch-attempts    3               0       glusterd/mounts.t
--fuse-flush-handle-interrupt   on              maybe   fuse/flush-interrupt.t
--fuse-dev-eperm-ratelimit-ns   0               1000000001 process/command-line.t
--fs-display-name               x               -       fuse/options.t
--version                       -               -       glusterfsd/command-line-test.c
--help                          -               -       process/man-pages.t
--usage                         -               -       glusterfsd/command-line-test.c
TABLE
}

shows_in() { # option file: that file names it
    local file=$top/tests/$2
    [[ $2 == */*-test.c && -e $top/$2 ]] && file=$top/$2
    [ -e "$file" ] && grep -qE -- "(^|[^a-z-])(-?-)?${1#--}([^a-z-]|$)" "$file"
}
check_row() { # option good wrong shown...
    local option=$1 good=$2 wrong=$3; shift 3
    local -a word=("$option") ; [ "$good" = - ] || word=("$option=$good")
    if [ "$1" = refused: ]; then
        if [ "$wrong" != - ]; then # as off it may be asked for
            [ "$(reads "${word[@]}")" = 0 ] || return 1
            word=("$option=$wrong")
        fi
        [ "$(reads "${word[@]}")" = 1 ] && complaint | grep -qF -- "$option: this build does not have ${*:2}; see doc/refused.md"
        return
    fi
    [ "$(reads "${word[@]}")" = 0 ] || return 1
    [ "$wrong" = - ] || { [ "$(reads "$option=$wrong")" = 1 ] && complaint | grep -qF -- "$option"; } || return 1
    shows_in "$option" "$1"
}
while read -r option row; do
    # shellcheck disable=SC2086 # the row is several words
    ok "$option" check_row "$option" $row
done < <(options)

is 'what is no option: status 64'        "$(reads --bogus)" 64
is 'a value is missing: status 64'        "$("$program" --volfile-id >"$tmp/out" 2>&1; echo $?)" 64
words_of() { "$1" --help | grep -oE '^ +(-[A-Za-z?], )?--[a-z0-9-]+' | grep -oE -- '--[a-z0-9-]+' | sort -u; }
ours() { { words_of "$program"; sed -n 's/^| \(--[a-z-]*\) |.*/\1/p' "$top/doc/refused.md"; } | sort -u; }
is 'ours are all in the table'           "$(comm -23 <(ours) <(options | awk '{ print $1 }' | sort -u))" ''
if [ -x /usr/sbin/glusterfs ]; then
    is "those of stock's help, too"      "$(comm -23 <(words_of /usr/sbin/glusterfs) <(options | awk '{ print $1 }' | sort -u))" ''
fi

# ---- mount.glusterfs(8): a word of -o, and what the program is told, or "refused: SENTENCE". "-": nothing -----------------------------
words() { cat <<'TABLE'
log-level=DEBUG             --log-level=DEBUG
log-file=/a.log             --log-file=/a.log
transport=tcp               --volfile-server-transport=tcp --volfile-server=h --volfile-id=/v.tcp
direct-io-mode=on           --direct-io-mode=on
volume-name=x               --volume-name=x
volume-id=w                 --volfile-server=h --volfile-id=w
subdir-mount=/s             --volfile-server=h --volfile-id=/v --subdir-mount=/s
volfile-check               --volfile-check
volfile-check=1             --volfile-check
server-port=1               --volfile-server-port=1
attribute-timeout=0.5       --attribute-timeout=0.5
entry-timeout=0.5           --entry-timeout=0.5
negative-timeout=0.5        --negative-timeout=0.5
gid-timeout=1               --gid-timeout=1
lru-limit=1                 --lru-limit=1
invalidate-limit=1          --invalidate-limit=1
background-qlen=16          --background-qlen=16
congestion-threshold=12     --congestion-threshold=12
backup-volfile-servers=a:b  --volfile-server=h --volfile-server=a --volfile-server=b
backupvolfile-server=a      --volfile-server=h --volfile-server=a
fetch-attempts=3            --volfile-max-fetch-attempts=3
oom-score-adj=1             --oom-score-adj=1
xlator-option=a.b=c         --xlator-option=a.b=c
fuse-mountopts=noatime      --fuse-mountopts=noatime
use-readdirp=no             --use-readdirp=no
event-history=yes           --event-history=yes
reader-thread-count=2       --reader-thread-count=2
auto-invalidation=on        --auto-invalidation=on
no-root-squash=yes          --no-root-squash
no-root-squash=no           -
root-squash=disable         --no-root-squash
root-squash=on              -
kernel-writeback-cache=on   --kernel-writeback-cache=on
attr-times-granularity=1    --attr-times-granularity=1
dump-fuse=/f                --dump-fuse=/f
fuse-flush-handle-interrupt=on  --fuse-flush-handle-interrupt=on
fuse-dev-eperm-ratelimit-ns=1   --fuse-dev-eperm-ratelimit-ns=1
context=a                   --fuse-mountopts=context="a"
fscontext=a                 --fuse-mountopts=fscontext="a"
defcontext=a                --fuse-mountopts=defcontext="a"
rootcontext=a               --fuse-mountopts=rootcontext="a"
halo-max-latency=1          --xlator-option=*replicate*.halo-max-latency=1
halo-max-replicas=1         --xlator-option=*replicate*.halo-max-replicas=1
halo-min-replicas=1         --xlator-option=*replicate*.halo-min-replicas=1
process-name=x              --process-name=fuse.x
io-engine=legacy            --io-engine=legacy
fopen-keep-cache            --fopen-keep-cache
fopen-keep-cache=no         --fopen-keep-cache=no
ro                          --read-only
acl                         --acl
selinux                     --selinux
worm                        --worm
enable-ino32                --enable-ino32
aux-gfid-mount              --aux-gfid-mount
thin-client                 --thin-client
resolve-gids                --resolve-gids
global-threading            --global-threading
localtime-logging           --localtime-logging
capability                  --capability
mem-accounting              refused: mem-accounting: this build does not have memory accounting that could be switched
rw                          -
auto                        -
noauto                      -
_netdev                     -
x-systemd.automount         -
x-gvfs-name=a               -
async                       -
sync                        -
dirsync                     -
mand                        -
nomand                      -
silent                      -
loud                        -
iversion                    -
noiversion                  -
nofail                      -
atime                       --fuse-mountopts=atime
noatime                     --fuse-mountopts=noatime
diratime                    --fuse-mountopts=diratime
nodiratime                  --fuse-mountopts=nodiratime
relatime                    --fuse-mountopts=relatime
norelatime                  --fuse-mountopts=norelatime
strictatime                 --fuse-mountopts=strictatime
nostrictatime               --fuse-mountopts=nostrictatime
lazyatime                   --fuse-mountopts=lazyatime
nolazyatime                 --fuse-mountopts=nolazyatime
dev                         --fuse-mountopts=dev
nodev                       --fuse-mountopts=nodev
exec                        --fuse-mountopts=exec
noexec                      --fuse-mountopts=noexec
suid                        --fuse-mountopts=suid
nosuid                      --fuse-mountopts=nosuid
auto_unmount                --fuse-mountopts=auto_unmount
anything-else               refused: Invalid option anything-else
TABLE
}
mkdir "$tmp/mnt"
printf '#!/bin/sh\nfor w; do echo "$w"; done >"%s/said"\nexit 3\n' "$tmp" >"$tmp/fake"; chmod +x "$tmp/fake"
told() { # word: what the program is told beyond what it is told without it
    rm -f "$tmp/said"
    GATLING_GLUSTERFS=$tmp/fake GATLING_STATEDIR=$tmp/state "$helper" h:/v "$tmp/mnt" -o "$1" >"$tmp/out" 2>&1
    [ -e "$tmp/said" ] && sed '$d' "$tmp/said"
}
becomes() { # word, what
    local got
    if [ "$2" = refused: ]; then
        got=$(told "$1") && return 1
        grep -qxF "mount.glusterfs: ${*:3}" "$tmp/out"
        return
    fi
    got=$(told "$1") || return 1
    shift
    [ "$1" != - ] || set -- --process-name=fuse --volfile-server=h --volfile-id=/v
    case " $* " in *' --process-name='*) ;; *) set -- --process-name=fuse "$@" ;; esac
    case " $* " in *' --volfile-server='*) ;; *) set -- "$@" --volfile-server=h ;; esac
    case " $* " in *' --volfile-id='*) ;; *) set -- "$@" --volfile-id=/v ;; esac
    [ "$(sort <<<"$got")" = "$(printf '%s\n' "$@" | sort)" ] || { echo "told: $got"; return 1; }
    mapfile -t got <<<"$got"
    [ "$(reads "${got[@]}")" = 0 ] # and understands
}
while read -r word row; do
    # shellcheck disable=SC2086
    set -f; ok "-o $word" becomes "$word" $row; set +f
done < <(words)
known() { # the words of the helper's own case lines
    sed -n '/^take()/,/^}/p' "$top/extras/mount.glusterfs.in" | sed ':a; /\\$/ { N; s/\\\n *//; ba }' |
        grep -oE '^    [a-z_][a-z0-9_|*-]+\)' | tr -d ' )' | tr '|' '\n' | grep -vxE 'x-\*' | sort -u
}
is 'the helper has no word more' "$(comm -23 <(known) <(words | sed 's/[= ].*//' | sort -u))" ''
done_testing
