# SPDX-License-Identifier: LGPL-3.0-or-later
# live-options.awk: what live-options.t does with each row of the table of options. Reads what options.awk -v what=live says; writes, tab separated:
#
#   live PASS WHERE KEY VALUE TRANSLATOR OPTION EXPECTED   set together with the others of its pass while brick and mount run; WHERE (brick, mount)
#                                                          says in its statedump that EXPECTED is in force
#   cluster VOLUME KEY VALUE TRANSLATOR OPTION EXPECTED    of GlusterFS's own client, mounted from volume r, e or d: its log says that it took it
#   silent VOLUME KEY VALUE REASON  likewise, but it says nothing of it
#   ignored KEY VALUE REASON     ours takes it without complaint, and has nothing to tune with it
#   graph KEY VALUE TRANSLATOR WHAT   the mount exchanges its graph: TRANSLATOR comes or goes
#   next KEY VALUE REASON        the brick has it from its next start on; GlusterFS's likewise
#   refused WHERE KEY VALUE WORDS   what we lack: the running process says so by name, and goes on as before
#   alone KEY VALUE              has a check of its own in live-options.t, because others would not survive it
#   elsewhere KEY REASON         is nothing to a brick or a mount
BEGIN {
    FS = OFS = "\t"
    split("r cluster/replicate e cluster/disperse d cluster/distribute", c, " ")
    for (i = 1; i in c; i += 2) volume_of[c[i + 1]] = c[i]

    # What others set for a brick or a mount in the same breath would not survive, or would hide.
    n = split("server.allow-insecure server.root-squash server.statedump-path features.read-only auth.allow auth.reject client.ssl server.ssl", list, " ")
    for (i = 1; i <= n; i++) alone[list[i]]

    # Values that our translators tell from their defaults, where options.awk has others for the daemon's sake.
    value_of["network.tcp-window-size"] = 65536
    value_of["client.bind-insecure"] = value_of["client.own-thread"] = "off"
    value_of["storage.owner-uid"] = value_of["storage.owner-gid"] = value_of["server.anonuid"] = value_of["server.anongid"] = 7
    value_of["performance.cache-size"] = 4194305
    value_of["performance.xattr-cache-list"] = "user.x"
    value_of["cluster.read-subvolume-index"] = 1
    value_of["cluster.read-subvolume"] = "r-client-0"
    value_of["transport.address-family"] = "inet6"
    value_of["diagnostics.brick-logger"] = value_of["diagnostics.client-logger"] = "syslog"
    value_of["diagnostics.brick-log-format"] = value_of["diagnostics.client-log-format"] = "with-msg-id"
    value_of["diagnostics.brick-log-buf-size"] = value_of["diagnostics.client-log-buf-size"] = 7
    value_of["auth.ssl-allow"] = "x"
    value_of["debug.error-fops"] = value_of["delay-gen.enable"] = "STAT"
    value_of["debug.trace"] = value_of["debug.error-gen"] = value_of["debug.delay-gen"] = "client"

    # Syslog, statistics in files: refused wherever they are set.
    word["dump-fd-stats"] = "statistics per open descriptor"
    word["ios-dump-interval"] = "statistics written to a file"
    word["ios-sample-interval"] = "single operations sampled"
    word["!sys-log-level"] = "log lines to syslog"
    word["!logger"] = "gluster-log"
    word["!log-format"] = "no-msg-id"
    word["!log-buf-size"] = word["!log-flush-timeout"] = "repeated log lines"
    word["watchdog-secs"] = "a watchdog"
    word["cleanup-disconnected-reqs"] = "queued requests of a client that went away"
    word["trash"] = "the trash directory"
    word["changelog"] = "the change log"
    word["leases"] = "leases"
    word["xtime"] = word["gsync-force-xtime"] = word["!xtime"] = word["!gsync-force-xtime"] = "geo-replication"
    word["!shard"] = "features/shard"
    word["cloudsync"] = "features/cloudsync"
    word["uss"] = "features/snapview-client"
    word["!nufa"] = "cluster/nufa"
    word["!switch"] = "cluster/switch"
}

{ key = $1; value = key in value_of ? value_of[key] : $2; type = $3; xlator = $4; option = $5; graphs = $6 }

function elsewhere(reason) { print "elsewhere", key, reason }
function ignored(reason) { print "ignored", key, value, reason }
function is_on_brick() { return graphs ~ /brick/ }
function is_on_mount() { return graphs ~ /client/ && graphs !~ /gfproxy/ }
function sides(   s) { s = is_on_brick() ? "brick" : ""; return s (is_on_mount() ? (s ? " " : "") "mount" : "") }

# GlusterFS's daemon has these five in the write-behind of every client, and so has ours.
graphs == "nfs" && xlator == "performance/write-behind" && option !~ /^!/ { graphs = "client" }
graphs == "nfs" { elsewhere("of GlusterFS's NFS server, of which there is none"); next }
graphs == "daemon" { elsewhere("of the daemon itself, which has it at once"); next }
graphs == "bitd/scrub" { elsewhere("of the programs of bit-rot detection: refused by `volume bitrot`"); next }
graphs == "gfproxy client" { elsewhere("of a client through a proxy"); next }
option ~ /^!(self-heal-daemon|heal-timeout)$/ { elsewhere("of GlusterFS's self-heal daemon: tests/glusterd/operations.t"); next }
type == "via" { elsewhere("quota: refused by `volume quota`"); next }
key == "cluster.granular-entry-heal" { elsewhere("`volume heal` sets it: tests/glusterd/operations.t"); next }
key == "features.quota-deem-statfs" { elsewhere("refused while there is no quota"); next }
value == "" { elsewhere("nothing reads it: no value is right or wrong"); next }
key in alone { print "alone", key, value; next }

# ---- refused ---------------------------------------------------------------------------------------------------------------------------
option in word && !(xlator == "features/changelog" && option != "changelog") {
    on = sides()
    if (key == "diagnostics.client-log-buf-size" || key ~ /^diagnostics.client/) on = "mount"
    if (key in refused) next # geo-replication's options stand in the table twice
    refused[key]
    print "refused", on, key, value, word[option]
    next
}
xlator == "debug/trace" && option == "!debug" { print "refused", "mount", key, value, "debug/trace"; next }
xlator == "debug/trace" { elsewhere("of a translator that we do not have: debug.trace is refused"); next }
xlator == "features/cdc" && option == "!feat" { print "refused", "mount", key, value, "features/cdc"; next }
xlator == "features/cdc" { elsewhere("of a translator that we do not have: network.compression is refused"); next }
xlator ~ /^(features\/cloudsync|features\/shard|features\/snapview-client|cluster\/nufa|cluster\/switch)$/ {
    elsewhere("of a translator that we do not have, and that is refused"); next }

# ---- other translators -----------------------------------------------------------------------------------------------------------------
xlator == "features/sdfs" || xlator == "features/namespace" { print "refused", "brick", key, value, xlator; next }
xlator == "features/access-control" {
    print "next", key, value, "another graph for a brick that runs"; next }
option == "!address-family" { print "next", key, value, "a socket listens where it does"; next }
key == "performance.parallel-readdir" { ignored("for several subvolumes; with one, readdir-ahead changes its place"); next }
option ~ /^!(perf|utime|debug)$/ { print "graph", key, value, xlator; next }

# ---- nothing to tune -------------------------------------------------------------------------------------------------------------------
xlator ~ /^performance\/(read-ahead|readdir-ahead|io-cache|nl-cache)$/ { ignored("a cache that we do not have"); next }
xlator ~ /^features\/(trash|changelog|leases|quota)$/ { ignored("of a feature that is off"); next }
option ~ /^(ios-dump-format|ios-sample-buf-size|ios-dnscache-ttl-sec)$/ { ignored("of statistics in files, which are refused"); next }
option == "event-threads" { ignored("a connection has a thread of its own, or shares the one loop"); next }
option ~ /^(quick-read-cache-invalidation|ctime-invalidation)$/ { ignored("quick-read: notices are always heeded, content is asked for again"); next }
key ~ /^storage.linux-/ { elsewhere("not settable while the volume runs"); next }
key == "client.send-gids" { ignored("the daemon writes what server.manage-gids asks for, as GlusterFS's does") ; next }
key ~ /^cluster.(lookup-unhashed|rebalance-stats|rsync-hash-regex|extra-hash-regex|rebal-throttle)$/ {
    print "silent", volume_of[xlator], key, value, "it reads it without a word"; next }
key ~ /^cluster.(entry-change-log|data-change-log|metadata-change-log|self-heal-readdir-size|quorum-reads|use-compound-fops)$/ {
    print "silent", volume_of[xlator], key, value, "obsolete: without effect in GlusterFS, too"; next }
key == "cluster.dht-xattr-name" { print "silent", volume_of[xlator], key, value, "a name on disk: from the next mount on"; next }
xlator in volume_of { print "cluster", volume_of[xlator], key, value, xlator, option, value; next }
xlator ~ /^debug\/(error|delay)-gen$/ { print "tuned", key, value, xlator, option, option ~ /^(failure|delay-percentage)$/ ? value "%" : value; next }

# ---- in force --------------------------------------------------------------------------------------------------------------------------
{
    name = option; expected = value
    if (option ~ /^!(brick|client)-log-level$/) name = "log-level"
    if (option ~ /^!(brick|client)-threads$/) name = "threads"
    if (option == "!ssl-allow") name = "auth.login./srv/one.ssl-allow"
    if (xlator == "rpc-transport/socket") { sub(/^!/, "transport.socket.", name); graphs = "brick+client" }
    if (option ~ /^(create-mask|create-directory-mask|force-create-mode|force-directory-mode)$/) expected = sprintf("%04d", value)
    if (option == "reserve") expected = value "%"
    n = split(sides(), side, " ")
    for (i = 1; i <= n; i++) {
        at = xlator == "rpc-transport/socket" ? "protocol/" (side[i] == "brick" ? "server" : "client") : xlator
        pass = key == "features.ctime" ? 3 : 1 # that one is also a translator of clients; two keys of one option wait for each other
        if ((side[i], at, name) in owner && owner[side[i], at, name] != key) pass = 2
        owner[side[i], at, name] = key
        print "live", pass, side[i], key, value, at, name, expected
    }
    if (key == "server.manage-gids") print "live", 1, "mount", key, value, "protocol/client", "send-gids", "off"
}
