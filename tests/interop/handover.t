#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# A brick folder moves between the stock brick and ours, both ways, without conversion: contents, holes, attributes, ACLs, gfids and links
# of objects of all kinds are the same, each can change what the other made, and stock has nothing to complain of. FULL=1: 10,000 objects.
. "$(dirname "$0")/../lib.sh"
needs fuse ours stock perl setfattr getfattr setfacl getfacl
mnt=$tmp/mnt
count=$((FULL ? 10000 : 300))

cat >"$tmp/work.pl" <<'PERL'
use strict; use warnings; use Fcntl qw(:mode SEEK_SET); use POSIX ();
my ($what, $prefix, $count) = @ARGV;
my ($MKNOD, $SETXATTR, $FALLOCATE) = (133, 188, 285); # x86_64
sub check { my ($r, $text) = @_; defined $r && $r >= 0 or die "$text: $!\n" }
sub attr { my ($path, $name, $value) = @_; check(syscall($SETXATTR, my $p = $path, my $n = $name, my $v = $value, length $value, 0), "$path $name") }
sub acl { join '', pack('V', 2), map { pack 'vvV', @$_ } @_ }
my $acl = acl([1, 6, ~0 & 0xffffffff], [2, 4, 1], [4, 4, ~0 & 0xffffffff], [16, 6, ~0 & 0xffffffff], [32, 0, ~0 & 0xffffffff]);
my $default = acl([1, 7, ~0 & 0xffffffff], [4, 5, ~0 & 0xffffffff], [8, 5, 7], [16, 5, ~0 & 0xffffffff], [32, 5, ~0 & 0xffffffff]);
sub node { my ($path, $mode, $dev) = @_; check(syscall($MKNOD, my $p = $path, $mode, $dev), $path) }
sub content { my ($i, $n) = @_; srand($i); my $s = ''; $s .= pack('V', int rand 4294967296) while length $s < $n; substr $s, 0, $n }
sub put { my ($path, $at, $bytes, $flags) = @_; sysopen(my $f, $path, $flags, 0640) or die "$path: $!\n"; sysseek($f, $at, SEEK_SET);
          syswrite($f, $bytes) == length $bytes or die "$path: $!\n"; return $f }
my $CREATE = &Fcntl::O_RDWR | &Fcntl::O_CREAT | &Fcntl::O_EXCL;
sub dir { my ($i) = @_; sprintf '%s-%02d', $prefix, int($i / 100) }
sub name { my ($i) = @_; dir($i) . "/o$i" }
if ($what eq 'make') {
    for my $i (0 .. $count - 1) {
        my $p = name($i); my $kind = $i % 10;
        if ($i % 100 == 0) { mkdir dir($i), 0755 or die dir($i) . ": $!\n"; attr(dir($i), 'system.posix_acl_default', $default) if $i % 200 == 0 }
        if    ($kind <= 2) { put($p, 0, content($i, $i * 37 % 9000), $CREATE) }
        elsif ($kind == 3) { put($p, 4096 * ($i % 50 + 16), content($i, 5000), $CREATE) }
        elsif ($kind == 4) { symlink "../" . name($i - 1), $p or die "$p: $!\n" }
        elsif ($kind == 5) { node($p, S_IFIFO | 0604, 0) }
        elsif ($kind == 6) { node($p, S_IFSOCK | 0600, 0) }
        elsif ($kind == 7) { node($p, ($i % 20 == 7 ? S_IFCHR : S_IFBLK) | 0660, POSIX::fmod($i, 200) << 8 | 3) }
        elsif ($kind == 8) { link name($i - 8 - ($i % 3)), $p or link name($i - 8), $p or die "$p: $!\n" }
        else               { mkdir $p, 01711 or die "$p: $!\n"; attr($p, 'system.posix_acl_default', $default) }
        if ($kind <= 3 || $kind == 9) { attr($p, 'user.number', "n$i"); attr($p, 'trusted.blob', "\0$i\0"); attr($p, 'system.posix_acl_access', $acl) if $i % 3 == 0 }
        chown $i % 1000, $i % 77, $p if $kind <= 3 && $i % 2; utime 1000000 + $i, 1100000000 + $i, $p if $kind <= 3 && $i % 4 == 0;
    }
} else { # change: each object that is no directory in one of these ways; names made by the other side
    for my $i (0 .. $count - 1) {
        my $p = name($i); my $kind = $i % 10; my $how = $i % 7;
        if    ($how == 0) { $kind == 9 ? rmdir $p : unlink $p or die "$p: $!\n" }
        elsif ($how == 1) { rename $p, dir($i) . "/renamed$i" or die "$p: $!\n" }
        elsif ($how == 2) { rename $p, "$prefix-00/moved$i" or die "$p: $!\n" }
        elsif ($kind == 9 || $kind == 4) { $kind == 4 or chmod 0700, $p or die "$p: $!\n" }
        elsif ($how == 3) { chmod 0600, $p or die "$p: $!\n"; chown 5, 6, $p }
        elsif ($kind > 3) { link $p, dir($i) . "/again$i" or die "$p: $!\n" }
        elsif ($how == 4) { put($p, (-s $p), "more $i", &Fcntl::O_RDWR); attr($p, 'user.number', "changed") }
        elsif ($how == 5) { truncate $p, 1234 or die "$p: $!\n"; link $p, dir($i) . "/link$i" or die "$p: $!\n" }
        else { my $f = put($p, 20000, "x" x 9000, &Fcntl::O_RDWR); check(syscall($FALLOCATE, fileno $f, 3, 20480, 4096), "$p hole") }
    }
}
PERL
make_things() { (cd "$mnt" && perl "$tmp/work.pl" make "$1" "$count"); } # prefix
change() { (cd "$mnt" && perl "$tmp/work.pl" change "$1" "$count"); }
picture() { # all that a client sees
    sync -f "$tmp/bricks/b1"
    (cd "$mnt" && ls -lR . >/dev/null && find . -printf '%p %y %m %U %G %s %b %T@ %n %i %l\n' | sort && find . -type f -print0 | sort -z | xargs -0 md5sum &&
        find . | sort >"$tmp/names" && getfacl -pn - <"$tmp/names" && getfattr -RPh -m '^user|^trusted.blob' -d . &&
        tr '\n' '\0' <"$tmp/names" | xargs -0 getfattr -h --only-values -n glusterfs.gfid.string | fold -w 36 | sort)
}
serve() { # --stock or --ours
    [ -z "${mount_pid[$mnt]:-}" ] || umount_volume "$mnt" || true # stock's client may need longer to end than that waits
    stop_brick b1 && start_brick b1 "$1" && mount_volume "$mnt" b1 -- --acl
}
complaints() { grep -E '\] [EC] \[' "$tmp/b1.log" | grep -vE 'Operation not permitted'; }

must serve --stock
must make_things stock
must picture
picture >"$tmp/by-stock" 2>&1
whole() { [ "$(grep -c '^# file: ' "$tmp/by-stock")" -gt "$count" ] && [ "$(grep -cE '^[0-9a-f]{32}  ' "$tmp/by-stock")" -gt $((count * 4 / 10)) ] &&
    [ "$(grep -cE '^[0-9a-f-]{36}$' "$tmp/by-stock")" -gt "$count" ] && grep -q 'user:1:r--' "$tmp/by-stock" && grep -q 'trusted.blob=' "$tmp/by-stock"; }
ok 'all of it is looked at'              whole

must serve --ours
picture >"$tmp/by-ours" 2>&1
ok "ours shows the $count objects that stock made"  diff "$tmp/by-stock" "$tmp/by-ours"
ok 'as many are made through ours'       make_things ours
ok 'ours changes what stock made'        change stock
picture >"$tmp/by-ours" 2>&1

: >"$tmp/b1.log"
must serve --stock
picture >"$tmp/by-stock" 2>&1
ok 'stock shows what ours made'          diff "$tmp/by-ours" "$tmp/by-stock"
ok 'stock changes what ours made'        change ours
picture >"$tmp/by-stock" 2>&1
is 'stock had nothing to complain of'    "$(complaints)" ''

must serve --ours
picture >"$tmp/by-ours" 2>&1
ok 'ours shows it'                       diff "$tmp/by-stock" "$tmp/by-ours"
ok 'ours removes half of it'             sh -c "rm -r '$mnt'/stock-*"
must serve --stock
ok 'stock removes the rest'              sh -c "rm -r '$mnt'/*"
is 'stock had nothing to complain of'    "$(complaints)" ''
is 'no gfid is left over'                "$(cd "$tmp/bricks/b1/.glusterfs" && find ?? -mindepth 2 ! -name '00000000-0000-0000-0000-00000000000?')" ''
done_testing
