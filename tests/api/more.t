#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Paths, identities, directories, attributes, data, objects, access control lists, locks and upcalls of libgfapi in their corners.
. "$(dirname "$0")/../lib.sh"
needs root gfapi cc
[ "$GFAPI" = ours ] || skip_all 'stock differs in corners (api/README.md)'
ok 'compile'           compile_api more
must start_brick b1 --set features/upcall cache-invalidation on --set features/upcall cache-invalidation-timeout 600
write_api_volfile "$tmp/api.vol" b1
for part in paths identity directories attributes data objects acls locks refused upcalls; do
    ok "$part"         with_api timeout 60 "$tmp/more" "$tmp/api.vol" $part
    find "$tmp/bricks/b1" -mindepth 1 -maxdepth 1 ! -name .glusterfs -exec rm -rf {} +
done
done_testing
