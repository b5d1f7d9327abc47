#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# The manual pages name every option that the programs and the mount helper take, and nothing that they do not take.
. "$(dirname "$0")/../lib.sh"
needs ours
pages=$top/doc/man
options_of_page() { grep -oE 'Fl -[a-z0-9-]+' "$1" | sed 's/^Fl //; s/^-/--/' | sort -u; }
options_of() { "$1" --help | grep -oE '^ +(-[A-Za-z?], )?--[a-z0-9-]+' | grep -oE -- '--[a-z0-9-]+' | sort -u; }
is 'glusterfs(8) has the options of glusterfs' "$(options_of_page "$pages/glusterfs.8")" "$(options_of "$build/glusterfsd/glusterfs")"
is 'those of glusterfsd(8) are among them' "$(comm -23 <(options_of_page "$pages/glusterfsd.8") <(options_of "$build/glusterfsd/glusterfs"))" ''

# Words of `case` lines between the head of take() and its end; those that are refused have a sentence of their own.
known=$(sed -n '/^take()/,/^}/p' "$top/extras/mount.glusterfs.in" | sed ':a; /\\$/ { N; s/\\\n *//; ba }' | grep -vE '"\$key|fail 1' |
    grep -oE '^    [a-z][a-z0-9_|*-]+\)' | tr -d ' )' | tr '|' '\n' | grep -vx 'x-\*' | sort -u)
in_page() { for word in $known; do grep -qE "(Cm|,) $word( |$|,)" "$pages/mount.glusterfs.8" || { echo "$word"; }; done; }
is 'mount.glusterfs(8) has every option of the helper' "$(in_page | tr '\n' ' ')" ''
if command -v mandoc >/dev/null; then
    is 'mandoc finds no error' "$(mandoc -Tlint -Werror "$pages"/*.8 2>&1)" ''
fi
done_testing
