#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Several RPC calls that arrive in one piece (with TLS: in one record) are all answered at once. Bug class 36: stock 10.3
# answers only the first of a TLS record, until the next byte comes.
. "$(dirname "$0")/../lib.sh"
needs root tool:peer transport
must start_brick b1

ok 'one call'               peer b1 joined 1
ok 'two calls in one'       peer b1 joined 2
ok 'five'                   peer b1 joined 5
ok 'a hundred'              peer b1 joined 100
done_testing
