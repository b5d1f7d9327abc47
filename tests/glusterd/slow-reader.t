#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# A command line that reads slowly through a window of 4 KiB: what the daemon has to say about 60 volumes (FULL: 200) arrives whole, and meanwhile it answers
# others.
NODE_DAEMON=ours
. "$(dirname "$0")/../lib.sh"
. "$top/tests/cluster.sh"
needs stock perl
volumes=60; [ -n "$FULL" ] && volumes=200
must start_nodes 2
must start_glusterd n1
long=$(head -c 600 /dev/zero | tr '\0' v)
seq $volumes | sed "s#.*#volume create v& n1:/srv/v&-a n1:/srv/v&-b n1:/srv/v&-c force\nvolume set v& user.text $long#" >"$tmp/commands"
create() { on n1 /usr/sbin/gluster --mode=script <"$tmp/commands"; }
ok "create $volumes volumes"                create
is 'they are all there'                     "$(gluster n1 volume list | wc -l)" $volumes

# Stands for the daemon on the other machine, and takes from the real one little and late.
cat >"$tmp/slow.pl" <<'PERL'
use strict; use Socket; use IO::Select;
my ($address, $pace) = @ARGV;
socket(my $listener, AF_INET, SOCK_STREAM, 0) or die;
setsockopt($listener, SOL_SOCKET, SO_REUSEADDR, 1);
bind($listener, sockaddr_in(24007, INADDR_ANY)) && listen($listener, 5) or die "listen: $!";
my %other; my $all = IO::Select->new($listener);
while (1) {
    for my $from ($all->can_read) {
        if ($from == $listener) {
            accept(my $client, $listener) or next;
            socket(my $daemon, AF_INET, SOCK_STREAM, 0) or die;
            setsockopt($daemon, SOL_SOCKET, SO_RCVBUF, 4096) or die;
            connect($daemon, sockaddr_in(24007, inet_aton($address))) or die "connect: $!";
            $other{$client} = $daemon; $other{$daemon} = $client;
            $all->add($client, $daemon);
            next;
        }
        my $n = sysread($from, my $bytes, 700);
        if (!$n) { for ($from, $other{$from}) { $all->remove($_); close($_) } next }
        my $to = $other{$from};
        for (my $at = 0; $at < $n;) { my $w = syswrite($to, $bytes, $n - $at, $at); last unless $w; $at += $w }
        select(undef, undef, undef, $pace);
    }
}
PERL
background on n2 perl "$tmp/slow.pl" 10.77.0.1 0.002
proxy_listens() { on n2 sh -c 'exec 3<>/dev/tcp/127.0.0.1/24007' 2>/dev/null || on n2 bash -c 'exec 3<>/dev/tcp/127.0.0.1/24007'; }
eventually 20 'a slow line to the daemon'   proxy_listens
straight() { on n2 timeout 100 /usr/sbin/gluster --mode=script --remote-host=n1 volume info </dev/null; }
slowly() { on n2 timeout 300 /usr/sbin/gluster --mode=script --remote-host=127.0.0.1 volume info </dev/null; }
straight >"$tmp/straight"
is 'straight, it is all there'              "$(grep -c '^Volume Name' "$tmp/straight")" $volumes
slowly >"$tmp/slowly" & reader=$!
is 'meanwhile another is answered'          "$(gluster n1 volume list | wc -l)" $volumes
ok 'the slow one ends well'                 wait $reader
ok 'and has the same, to the last byte'     cmp "$tmp/straight" "$tmp/slowly"
ok 'our command line, slowly, too'          eval 'use n2 cli ours; slowly >"$tmp/ours"'
ok 'has the same'                           cmp "$tmp/straight" "$tmp/ours"
done_testing
