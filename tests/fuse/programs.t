#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Programs that people run, on our TLS mount with the client translators of a daemon's volume file: databases, version control, a compiler, copies,
# a file server's load, mapped memory, a folder of very many files.
: "${TLS:=1}" "${MOUNT:=ours}"
. "$(dirname "$0")/../lib.sh"
needs fuse cc git sqlite3 rsync dbench fio perl
mnt=$tmp/mnt
must start_brick b1
must mount_volume "$mnt" b1

# ---- sqlite3 with a write-ahead log: shared memory in a mapped file, locks of ranges -----------------------------------------------------
rows=400; [ -n "$FULL" ] && rows=5000
sql() { sqlite3 -cmd '.timeout 60000' "$mnt/base.db" "$@"; }
insert() { # who
    local i
    for ((i = 0; i < rows; i += 50)); do
        echo "BEGIN IMMEDIATE;"
        for ((k = i; k < i + 50; k++)); do echo "INSERT INTO t(who, n, text) VALUES('$1', $k, hex(randomblob(100)));"; done
        echo "COMMIT;"
    done | sql
}
both_insert() { insert one & local first=$!; insert two && wait $first; }
is 'sqlite3: a write-ahead log'           "$(sql 'PRAGMA journal_mode=WAL; CREATE TABLE t(who TEXT, n INTEGER, text TEXT, PRIMARY KEY(who, n));')" wal
ok 'two processes write at once'          both_insert
is 'all rows are there'                   "$(sql 'SELECT COUNT(*) FROM t;')" $((2 * rows))
ok 'checkpoint'                           sql 'PRAGMA wal_checkpoint(TRUNCATE);'
is 'the data base is sound'               "$(sql 'PRAGMA integrity_check;')" ok

# ---- git, a compiler, rsync ----------------------------------------------------------------------------------------------------------------
sources=$tmp/sources
mkdir "$sources" && tar -C "$top" -cf - libglusterfs rpc/xdr extras tests/tools | tar -C "$sources" -xf -
cat >"$sources/Makefile" <<'M'
OBJECTS = $(patsubst %.c,%.o,$(filter-out %-test.c,$(wildcard libglusterfs/base/*.c)))
all: base.a
base.a: $(OBJECTS)
	$(AR) rcs $@ $^
%.o: %.c
	$(CC) -std=gnu11 -D_GNU_SOURCE -I. -Ilibglusterfs -Ilibglusterfs/base -c -o $@ $<
M
echo '#define GF_PKGLIBDIR "/nowhere"' >"$sources/config.h"
export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@example.org GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@example.org
git_here() { git -C "$sources" -c init.defaultBranch=main "$@" >/dev/null; }
must git_here init
must git_here add -A
must git_here commit -q -m first
ok 'git clones into it'                   git clone -q "file://$sources" "$mnt/clone"
ok 'git finds nothing wrong'              git -C "$mnt/clone" fsck --full --strict
ok 'make with two jobs'                   make -s -C "$mnt/clone" -j2
ok 'make has nothing left to do'          make -q -C "$mnt/clone"
ok 'a branch, a commit, a merge'          sh -c "cd '$mnt/clone' && rm -f base.a && git checkout -q -b other && echo x >>extras/Makefile.am && git commit -q -a -m x && git checkout -q - && git merge -q other"
ok 'git repacks'                          git -C "$mnt/clone" gc -q --aggressive
is 'nothing differs'                      "$(git -C "$mnt/clone" status --porcelain | grep -v '\.o$')" ''
ok 'rsync copies it'                      rsync -aHAX --delete "$sources/" "$mnt/copied/"
is 'rsync sees no difference'             "$(rsync -aHAXcn --delete --out-format=%n "$sources/" "$mnt/copied/")" ''
ok 'rsync within it'                      rsync -aHAX "$mnt/copied/" "$mnt/again/"
ok 'the copies are the same'              diff -r "$mnt/copied" "$mnt/again"

# ---- dbench: the calls of a file server's clients ---------------------------------------------------------------------------------------------
seconds=3; [ -n "$FULL" ] && seconds=60
ok 'dbench'                               timeout 300 dbench -D "$mnt" -t $seconds 4

# ---- mapped memory, asynchronous and direct --------------------------------------------------------------------------------------------------
verify=(--directory="$mnt" --size=16m --verify=crc32c --verify_fatal=1 --verify_state_save=0 --fallocate=none --output="$tmp/fio.out")
ok 'fio through mapped memory'            fio --name=mapped --ioengine=mmap --rw=randrw --bs=4k "${verify[@]}"
ok 'fio asynchronous and direct'          fio --name=direct --ioengine=libaio --iodepth=16 --direct=1 --rw=randrw --bs=16k "${verify[@]}"

# ---- a big folder ---------------------------------------------------------------------------------------------------------------------------------
count=3000; [ -n "$FULL" ] && count=50000
ok "a folder of $count files"             perl -e 'mkdir "$ARGV[0]/many" or die; for (1 .. $ARGV[1]) { open my $f, ">", "$ARGV[0]/many/$_" or die "$_: $!" }' "$mnt" $count
is 'they are all there'                   "$(find "$mnt/many" -type f | wc -l)" $count
ok 'and go'                               rm -r "$mnt/many"

# ---- iozone -------------------------------------------------------------------------------------------------------------------------------------
if command -v iozone >/dev/null; then
    size=2m most=1m; [ -n "$FULL" ] && size=64m most=512m
    finished() { (cd "$mnt" && "$@") >"$tmp/iozone.out" && grep -q 'iozone test complete' "$tmp/iozone.out"; }
    ok 'iozone, 24 threads'               finished iozone -r 1m -s $size -i 0 -i 1 -t 24
    ok 'iozone, all sizes and ways'       finished iozone -a -g $most
fi
not_ok 'nothing went wrong on the way'    grep -E '\] [EC] \[' "$tmp/mount-mnt.log"
done_testing
