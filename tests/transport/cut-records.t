#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# A call that comes in two pieces is answered wherever the cut is: at each byte of the record and of what the network carries.
. "$(dirname "$0")/../lib.sh"
needs root tool:peer
must start_brick b1

ok 'cut at every byte'      peer b1 cut
ok 'and nothing has broken' peer b1 welcome
done_testing
