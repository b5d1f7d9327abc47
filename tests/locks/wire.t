#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Lock operations as clients of the file protocol send them, each beside the answer that it must get. With BRICK=stock the same lines
# are played to a stock brick.
. "$(dirname "$0")/../lib.sh"
needs root tool:locker

# TITLE <lines for tools/locker, those that print something with "=> ANSWER">
play() {
    local lines
    lines=$(cat)
    sed 's/ *=>.*//' <<<"$lines" >"$tmp/script"
    sed -n 's/.*=> *//p' <<<"$lines" >"$tmp/expected"
    timeout 60 cat "$tmp/script" | tool locker b1 "${ask[@]}" >"$tmp/said" 2>"$tmp/said.err"
    sed -E 's/^[^:]*: ?//; s/ pid=[0-9]+ owner=.*//' "$tmp/said" >"$tmp/got"
    ok "$1" compare
}
compare() { # shows the line of the script too
    local status
    paste -d '|' <(grep '=>' <<<"$lines") "$tmp/got" "$tmp/expected" | awk -F '|' '$2 != $3 { print $1 "   but was: " $2 }'
    cat "$tmp/said.err"
    cmp -s "$tmp/got" "$tmp/expected"
}

brick_with() { # options of features/locks...
    local -a set=()
    [ -z "${brick_pid[b1]:-}" ] || stop_brick b1
    while [ $# -gt 0 ]; do set+=(--set features/locks "$1" "$2"); shift 2; done
    must start_brick b1 "${set[@]}"
    ask_brick
}
# What tools/locker needs to ask it what waits there; stock's cannot say.
ask_brick() { ask=(); [ "$BRICK" = stock ] || ask=("${brick_pid[b1]}" "$tmp/dump"); }

brick_with notify-contention-delay 60
play 'what a client has locked is not removed' <<'SCRIPT'
    A create f                                 => ok
    A inodelk d set w 0 10                     => ok
    B open f                                   => ok
    B u=unlink f
    B idle u                                   => waits
    C open f                                   => ok
    C inodelk d set w 100 10                   => EAGAIN
    C i=inodelk d setw w 100 10
    C idle i                                   => waits
    A inodelk other set w 200 10               => ok
    A notices                                  => inodelk
    A inodelk d set u 0 10                     => ok
    B idle u                                   => waits
    A inodelk other set u 200 10               => ok
    B wait u                                   => ok
    C wait i                                   => ok
SCRIPT
play 'nor replaced, but whose lock it is may, and internal locks do not count' <<'SCRIPT'
    A create f                                 => ok
    A create g                                 => ok
    A inodelk d set w 0 10                     => ok
    B open f                                   => ok
    B r=rename f g
    B idle r                                   => waits
    A unlink g                                 => ok
    A inodelk d set u 0 10                     => ok
    B wait r                                   => ok
    B open g                                   => ok
    A as healer -3
    A open g                                   => ok
    A inodelk d set w 0 10                     => ok
    B unlink g                                 => ok
    A inodelk d set u 0 10                     => ok
SCRIPT
play 'lock counts' <<'SCRIPT'
    A create f                                 => ok
    A lk set w 0 10                            => ok w 0+10
    A inodelk d set r 0 10                     => ok
    A inodelk e set r 0 10                     => ok
    B open f                                   => ok
    B x=inodelk d setw w 0 10
    B y=lk setw w 5 10
    B idle y                                   => waits
    A count glusterfs.inodelk-count            => ok 3
    A count glusterfs.inodelk-dom-count d      => ok 2
    A count glusterfs.posixlk-count            => ok 2
    A active                                   => ok w0+10/0
SCRIPT
host=$(uname -n)
play 'locks are cleared by name' <<SCRIPT
    A create f                                 => ok
    A lk set w 0 10                            => ok w 0+10
    B open f                                   => ok
    B lk set r 50 10                           => ok r 50+10
    B x=lk setw w 0 10
    B idle x                                   => waits
    A getx glusterfs.clrlk.tposix.kblocked.0,0-10 => ok $host:$tmp/bricks/b1/: posix blocked locks=1 granted locks=0
    B wait x                                   => EINTR
    A getx glusterfs.clrlk.tposix.kgranted.0,0-0  => ok No locks cleared.
    A getx glusterfs.clrlk.tposix.kall         => ok $host:$tmp/bricks/b1/: posix blocked locks=0 granted locks=2
    A getx glusterfs.clrlk.tposix.ksome        => EINVAL
    A getx glusterfs.clrlk.tposix.kall.x       => EINVAL
    A inodelk d set w 0 0                      => ok
    B i=inodelk d setw w 5 5
    B idle i                                   => waits
    A getx glusterfs.clrlk.tinode.kgranted     => ok $host:$tmp/bricks/b1/: inode blocked locks=0 granted locks=1
    B wait i                                   => ok
SCRIPT
play 'a wait is interrupted by its client and process' <<SCRIPT
    A create f                                 => ok
    A lk set w 0 0                             => ok w 0+0
    B open f                                   => ok
    B as me 77
    B x=lk setw w 5 10
    B as other 78
    B fgetx glusterfs.intrlk.tposix.kblocked.0,5-10 => ok No locks cleared.
    B idle x                                   => waits
    B as me 77
    B fgetx glusterfs.intrlk.tposix.kblocked.0,5-10 => ok $host:$tmp/bricks/b1/: posix blocked locks=1 granted locks=0
    B wait x                                   => EINTR
SCRIPT
play 'locks move to another descriptor' <<'SCRIPT'
    A create f                                 => ok
    A as me
    A fgetx trusted.glusterfs.lockinfo         => ok nothing
    A lk set w 0 10                            => ok w 0+10
    A lk set r 20 10                           => ok r 20+10
    A x=fgetx trusted.glusterfs.lockinfo
    B open f                                   => ok
    B as me
    B lk set w 5 1                             => EAGAIN
    C open f                                   => ok
    C w=lk setw w 0 10
    B fsetx trusted.glusterfs.lockinfo @x      => ok
    B lk set w 0 10                            => ok w 0+10
    A lk set w 0 10                            => EAGAIN
    A flush                                    => ok
    C idle w                                   => waits
    B active                                   => ok r20+10/0 w0+10/0
    B flush                                    => ok
    C wait w                                   => ok w 0+10
SCRIPT
[ "$BRICK" = stock ] || play 'one descriptor after the other is asked what it has; what is not lockinfo is refused' <<'SCRIPT'
    A create f                                 => ok
    A lk set w 0 10                            => ok w 0+10
    A lk set r 20 10                           => ok r 20+10
    A lk getfd r 0 0                           => ok w 0+10
    A lk getfd r 0 0                           => ok r 20+10
    A lk getfd r 0 0                           => ok . 0+0
    A lk getfd r 0 0                           => ok w 0+10
    A fsetx trusted.glusterfs.lockinfo xyz     => EINVAL
    A lk res w 0 0                             => EOPNOTSUPP
SCRIPT
[ "$BRICK" = stock ] || play 'while locks are moved to another brick new ones wait, and then fail' <<'SCRIPT'
    A create f                                 => ok
    A lk set w 0 10                            => ok w 0+10
    B open f                                   => ok
    R open f                                   => ok
    R setx glusterfs.lock-migration-meta-lock 1   => EINVAL
    R as rebalance -3
    R setx glusterfs.lock-migration-meta-lock 1   => ok
    B x=lk set w 20 10
    B idle x                                   => waits
    R active                                   => ok w0+10/0
    R setx glusterfs.lock-migration-meta-unlock 0 => ok
    B wait x                                   => ok w 20+10
    R setx glusterfs.lock-migration-meta-lock 1   => ok
    B x=lk set w 40 10
    R setx glusterfs.lock-migration-meta-unlock 1 => ok
    B wait x                                   => EREMOTE
    A lk set w 60 10                           => EREMOTE
    A lk set u 0 10                            => ok u 0+10
SCRIPT
play 'the holder of an entry lock hears of contention, once in a while' <<'SCRIPT'
    A entrylk d n lock w                       => ok
    B entrylk d n nb w                         => EAGAIN
    B entrylk d m nb w                         => ok
    B entrylk d - nb r                         => EAGAIN
    A ping
    A notices                                  => entrylk
    B x=entrylk d n lock w
    A entrylk d n unlock r                     => EINVAL
    A entrylk d n unlock w                     => ok
    B wait x                                   => ok
SCRIPT

# The statedump has the lines that stock's own tests look for.
printf '%s\n' 'A create dumped' 'A lk set w 0 10' 'A inodelk d set w 0 0' 'A entrylk e n lock w' 'B open dumped' 'B x=lk setw r 5 1' \
    'B y=entrylk e - lock r' 'B idle x' >"$tmp/script"
mkfifo "$tmp/script.more"
exec 7<>"$tmp/script.more" # for reading too: opening it does not wait for the other end
background tool locker b1 "${ask[@]}" <"$tmp/script.more" >"$tmp/said" 2>&1 7>&-
cat "$tmp/script" >&7
has_lines() {
    local dump line
    dump=$(statedump b1)
    while read -r line; do
        grep -qE "$line" "$dump" || { echo "no line $line"; sed -n '/features.locks/,/^$/p' "$dump"; return 1; }
    done <<-'LINES'
	^\[xlator.features.locks.vol-locks.inode\]$
	^mandatory=0$
	^inodelk-count=1$
	^lock-dump.domain.domain=d$
	^inodelk.inodelk\[0\]\(ACTIVE\)=type=WRITE, whence=0, start=0, len=0, pid = [0-9]+, owner=[0-9a-f]+, client=0x[0-9a-f]+, connection-id=CTX_ID:.*, granted at 20..-..-.. ..:..:.. \+0000$
	^posixlk-count=2$
	^posixlk.posixlk\[0\]\(ACTIVE\)=type=WRITE, whence=0, start=0, len=10, 
	^posixlk.posixlk\[1\]\(BLOCKED\)=type=READ, whence=0, start=5, len=1, pid = .*, blocked at 20..-..-.. ..:..:.. \+0000$
	^entrylk-count=2$
	^xlator.feature.locks.lock-dump.domain.entrylk.entrylk\[0\]\(ACTIVE\)=type=ENTRYLK_WRLCK on basename=n, pid = .*, granted at
	^xlator.feature.locks.lock-dump.domain.entrylk.entrylk\[1\]\(BLOCKED\)=type=ENTRYLK_RDLCK on basename=\(null\), pid = .*, blocked at
	^removes_pending=0$
	LINES
}
eventually 30 'locks wait'      says "$tmp/said" 'B lk: waits'
ok 'the statedump shows them'   has_lines
exec 7>&-

brick_with mandatory-locking forced
play 'forced: reads and writes respect every lock' <<'SCRIPT'
    A create f                                 => ok
    B open f                                   => ok
    C open f n                                 => ok
    A lk set w 0 10                            => ok w 0+10
    A write 0 hello                            => ok
    B w=write 5 abc
    B idle w                                   => waits
    C write 5 abc                              => EAGAIN
    C read 5 2                                 => EAGAIN
    C write 10 abc                             => ok
    B t=ftruncate 3
    C ftruncate 3                              => EAGAIN
    C ftruncate 10                             => ok
    C truncate 3                               => EAGAIN
    C zerofill 9 1                             => EAGAIN
    C discard 0 1                              => EAGAIN
    C open f t                                 => EAGAIN
    A lk set r 0 10                            => ok r 0+10
    C read 0 5                                 => ok hello
    C write 0 xx                               => EAGAIN
    C as internal -3
    C read 0 5                                 => ok hello
    A lk set u 0 10                            => ok u 0+10
    B wait w                                   => ok
    B wait t                                   => ok
SCRIPT
play 'a client that goes takes its waiting writes along' <<'SCRIPT'
    A create f                                 => ok
    B open f                                   => ok
    A write 0 hello                            => ok
    A lk set w 0 0                             => ok w 0+0
    B w=write 0 XXXXX
    B idle w                                   => waits
    B cut
    A lk set u 0 0                             => ok u 0+0
    A read 0 5                                 => ok hello
SCRIPT
# More of them than may be outstanding, in front of the unlock that they wait for.
{
    printf '%s\n' 'A create many' 'A as one' 'A lk set w 0 0' 'A as two'
    for i in {1..62}; do echo "A w$i=write $i x"; done # with the kept answers of tools/locker in mind
    printf '%s\n' 'A idle w62' 'A as one' 'A lk set u 0 0' 'A wait w62'
} >"$tmp/script"
many_wait() { timeout 60 cat "$tmp/script" | tool locker b1 "${ask[@]}" >"$tmp/said" 2>&1; cat "$tmp/said"; tail -n 1 "$tmp/said" | grep -q 'write: ok'; }
[ "$BRICK" = stock ] || { stop_brick b1; must start_brick b1 --set features/locks mandatory-locking forced --set protocol/server rpc.outstanding-rpc-limit 8
    ask_brick
    ok 'waiting writes do not keep out the unlock that they wait for' many_wait; }

brick_with mandatory-locking optimal enforce-mandatory-lock on
play 'optimal: reads and writes respect mandatory locks' <<'SCRIPT'
    A create f                                 => ok
    B open f n                                 => ok
    C open f                                   => ok
    A write 0 helloworld                       => ok
    A lk set w 100 10                          => ok w 100+10
    B write 100 abc                            => ok
    B open f tn                                => ok
    A write 0 helloworld                       => ok
    A lk set w 0 10 mandatory                  => ok w 0+10
    B write 5 abc                              => EAGAIN
    B read 5 2                                 => EAGAIN
    B open f t                                 => EAGAIN
    C w=write 0 XX
    C d=discard 0 5
    C idle w                                   => waits
    A lk set u 0 10                            => ok r 0+10
    C wait w                                   => ok
    C wait d                                   => ok
SCRIPT
play 'a file whose locks are enforced' <<'SCRIPT'
    A create f                                 => ok
    A write 0 helloworld                       => ok
    B open f                                   => ok
    A fsetx trusted.glusterfs.enforce-mandatory-lock set => ok
    A write 0 XX                               => EBUSY
    A read 0 2                                 => EAGAIN
    A lk set r 0 10                            => ok r 0+10
    A write 0 XX                               => ok
    A write 8 XXXX                             => EBUSY
    B write 0 YY                               => EBUSY
    B read 0 2                                 => EAGAIN
    B ftruncate 5                              => EAGAIN
    B truncate 5                               => EAGAIN
    B discard 0 2                              => EAGAIN
    B lk set w 0 10 mandatory                  => ok w 0+10
    B write 0 YY                               => ok
    A write 0 XX                               => EBUSY
    A lk setw w 0 10 mandatory                 => ok w 0+10
    B read 0 2                                 => EAGAIN
    A as internal -3
    A read 0 2                                 => ok YY
SCRIPT
brick_with mandatory-locking optimal
play 'only where both options are on' <<'SCRIPT'
    A create f                                 => ok
    A fsetx trusted.glusterfs.enforce-mandatory-lock set => EINVAL
    A setx trusted.glusterfs.enforce-mandatory-lock set  => EINVAL
SCRIPT
brick_with revocation-secs 1000 revocation-max-blocked 2
revoked='
    A create f                                 => ok
    A inodelk d set w 0 10                     => ok
    A inodelk d set w 20 10                    => ok
    B open f                                   => ok
    B x=inodelk d setw w 0 10
    B idle x                                   => waits
    C open f                                   => ok
    C y=inodelk d setw w 0 10
    C idle y                                   => waits'
play 'locks that too many wait for are taken away' <<SCRIPT
$revoked
    C inodelk d set w 0 10                     => EAGAIN
    A inodelk d set u 0 10                     => EINVAL
    A inodelk d set u 20 10                    => EINVAL
    B wait x                                   => ok
    C idle y                                   => waits
SCRIPT
brick_with revocation-secs 1000 revocation-max-blocked 2 revocation-clear-all on
play 'and those that wait as well' <<SCRIPT
$revoked
    C inodelk d set w 0 10                     => ok
    A inodelk d set u 0 10                     => EINVAL
    B wait x                                   => EAGAIN
    C wait y                                   => EAGAIN
SCRIPT
[ "$BRICK" = stock ] || {
    brick_with trace on
    play 'lock requests' <<'SCRIPT'
    A create f                                 => ok
    A lk set w 0 10                            => ok w 0+10
SCRIPT
    ok 'and answers are in the log' says "$tmp/b1.log" 'answer success to LK: pid=[0-9]+, lk-owner=6f776e2d41000000, .*type=WRITE, start=0, len=10'
}
done_testing
