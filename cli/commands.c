/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* commands.c: every command, once. The patterns are GlusterFS 10's, because people and scripts compare them; the last rows of the
 * volume area are ours. A row without function is there for the help: another one of the same beginning runs it. */
#include "config.h"

#include "commands.h"

#include "grammar.h"

#define QUOTA_LIST \
    "volume quota <VOLNAME> {enable|disable|list [<path> ...]| list-objects [<path> ...] | remove <path>| remove-objects <path> | " \
    "default-soft-limit <percent>}"
#define QUOTA_USAGE "volume quota <VOLNAME> {limit-usage <path> <size> [<percent>]}"
#define QUOTA_OBJECTS "volume quota <VOLNAME> {limit-objects <path> <number> [<percent>]}"
#define QUOTA_TIMES "volume quota <VOLNAME> {alert-time|soft-timeout|hard-timeout} {<time>}"

const struct command commands[] = {
    {AREA_PEER, "peer probe { <HOSTNAME> | <IP-address> }", cmd_peer_probe, "probe peer specified by <HOSTNAME>", NULL},
    {AREA_PEER, "peer detach { <HOSTNAME> | <IP-address> } [force]", cmd_peer_detach, "detach peer specified by <HOSTNAME>", NULL},
    {AREA_PEER, "peer status", cmd_peer_status, "list status of peers", NULL},
    {AREA_PEER, "peer help", cmd_peer_help, "display help for peer commands", NULL},
    {AREA_PEER, "pool list", cmd_pool_list, "list all the nodes in the pool (including localhost)", NULL},

    {AREA_VOLUME, "volume info [all|<VOLNAME>]", cmd_info, "list information of all volumes", NULL},
    {AREA_VOLUME,
     "volume create <NEW-VOLNAME> [[replica <COUNT> [arbiter <COUNT>]]|[replica 2 thin-arbiter 1]] [disperse [<COUNT>]] [disperse-data "
     "<COUNT>] [redundancy <COUNT>] [transport <tcp|rdma|tcp,rdma>] <NEW-BRICK> <TA-BRICK>... [force]",
     cmd_create, "create a new volume of specified type with mentioned bricks", NULL},
    {AREA_VOLUME, "volume delete <VOLNAME>", cmd_delete, "delete volume specified by <VOLNAME>", NULL},
    {AREA_VOLUME, "volume start <VOLNAME> [force]", cmd_start, "start volume specified by <VOLNAME>", NULL},
    {AREA_VOLUME, "volume stop <VOLNAME> [force]", cmd_stop, "stop volume specified by <VOLNAME>", NULL},
    {AREA_VOLUME, "volume add-brick <VOLNAME> [<replica> <COUNT> [arbiter <COUNT>]] <NEW-BRICK> ... [force]", cmd_add_brick,
     "add brick to volume <VOLNAME>", NULL},
    {AREA_VOLUME, "volume remove-brick <VOLNAME> [replica <COUNT>] <BRICK> ... <start|stop|status|commit|force>", cmd_remove_brick,
     "remove brick from volume <VOLNAME>", NULL},
    {AREA_VOLUME, "volume rebalance <VOLNAME> {{fix-layout start} | {start [force]|stop|status}}", cmd_rebalance, "rebalance operations",
     NULL},
    {AREA_VOLUME, "volume replace-brick <VOLNAME> <SOURCE-BRICK> <NEW-BRICK> {commit force}", cmd_replace_brick,
     "replace-brick operations", NULL},
    {AREA_VOLUME, "volume reset-brick <VOLNAME> <SOURCE-BRICK> {{start} | {<NEW-BRICK> commit}}", cmd_reset_brick,
     "reset-brick operations", NULL},
    {AREA_VOLUME, "volume set <VOLNAME> <KEY> <VALUE>", NULL, "set options for volume <VOLNAME>", NULL},
    {AREA_VOLUME, "volume set <VOLNAME> group <GROUP>", cmd_set,
     "This option can be used for setting multiple pre-defined volume options where group_name is a file under /var/lib/glusterd/groups "
     "containing one key value pair per line",
     NULL},
    {AREA_VOLUME, "volume help", cmd_volume_help, "display help for volume commands", NULL},
    {AREA_VOLUME, "volume log <VOLNAME> rotate [BRICK]", cmd_log_rotate, "rotate the log file for corresponding volume/brick", NULL},
    {AREA_VOLUME, "volume sync <HOSTNAME> [all|<VOLNAME>]", cmd_sync, "sync the volume information from a peer", NULL},
    {AREA_VOLUME, "volume reset <VOLNAME> [option] [force]", cmd_reset, "reset all the reconfigured options", NULL},
    {AREA_VOLUME,
     "volume geo-replication [<PRIMARY-VOLNAME>] [<SECONDARY-IP>]::[<SECONDARY-VOLNAME>] {\\\n create [[ssh-port n] [[no-verify] \\\n | "
     "[push-pem]]] [force] \\\n | start [force] \\\n | stop [force] \\\n | pause [force] \\\n | resume [force] \\\n | config "
     "[[[\\!]<option>] [<value>]] \\\n | status [detail] \\\n | delete [reset-sync-time]} ",
     cmd_geo_replication, "Geo-sync operations", NULL},
    {AREA_VOLUME, "volume profile <VOLNAME> {start|info [peek|incremental [peek]|cumulative|clear]|stop} [nfs]", cmd_profile,
     "volume profile operations", NULL},
    {AREA_VOLUME,
     "volume top <VOLNAME> {open|read|write|opendir|readdir|clear} [nfs|brick <brick>] [list-cnt <value>] | {read-perf|write-perf} [bs "
     "<size> count <count>] [brick <brick>] [list-cnt <value>]",
     cmd_top, "volume top operations", NULL},
    {AREA_VOLUME,
     "volume status [all | <VOLNAME> [nfs|shd|<BRICK>|quotad]] [detail|clients|mem|inode|fd|callpool|tasks|client-list]", cmd_status,
     "display status of all or specified volume(s)/brick", NULL},
    {AREA_VOLUME,
     "volume heal <VOLNAME> [enable | disable | full |statistics [heal-count [replica <HOSTNAME:BRICKNAME>]] |info [summary | split-brain] "
     "|split-brain {bigger-file <FILE> | latest-mtime <FILE> |source-brick <HOSTNAME:BRICKNAME> [<FILE>]} |granular-entry-heal {enable | "
     "disable}]",
     cmd_heal, "self-heal commands on volume specified by <VOLNAME>", NULL},
    {AREA_VOLUME,
     "volume statedump <VOLNAME> [[nfs|quotad] [all|mem|iobuf|callpool|priv|fd|inode|history]... | [client <hostname:process-id>]]",
     cmd_statedump, "perform statedump on bricks", NULL},
    {AREA_VOLUME, "volume list", cmd_list, "list all volumes in cluster", NULL},
    {AREA_VOLUME,
     "volume clear-locks <VOLNAME> <path> kind {blocked|granted|all}{inode [range]|entry [basename]|posix [range]}", cmd_clear_locks,
     "Clear locks held on path", NULL},
    {AREA_VOLUME, "volume barrier <VOLNAME> {enable|disable}", cmd_barrier, "Barrier/unbarrier file operations on a volume", NULL},
    {AREA_VOLUME, "volume get <VOLNAME|all> <key|all>", cmd_get,
     "Get the value of the all options or given option for volume <VOLNAME> or all option. gluster volume get all all is to get all "
     "global options",
     NULL},
    {AREA_VOLUME, "volume ssl <VOLNAME> {check|status}", cmd_ssl,
     "check the certificate files of volume <VOLNAME> on all its nodes, or show the encryption of its live connections", NULL},
    {AREA_VOLUME, "volume clients <VOLNAME>", cmd_clients, "show the live connections of each brick: queues, stalls, bytes, times", NULL},

    {AREA_BITROT, "volume bitrot <VOLNAME> {enable|disable}", cmd_bitrot, "Enable/disable bitrot for volume <VOLNAME>",
     "volume bitrot <VOLNAME> {enable|disable}\n"
     "volume bitrot <VOLNAME> signing-time <time-in-secs>\n"
     "volume bitrot <VOLNAME> signer-threads <count>\n"
     "volume bitrot <volname> scrub-throttle {lazy|normal|aggressive}\n"
     "volume bitrot <volname> scrub-frequency {hourly|daily|weekly|biweekly|monthly}\n"
     "volume bitrot <volname> scrub {pause|resume|status|ondemand}"},
    {AREA_BITROT, "volume bitrot <VOLNAME> signing-time <time-in-secs>", NULL,
     "Waiting time for an object after last fd is closed to start signing process", NULL},
    {AREA_BITROT, "volume bitrot <VOLNAME> signer-threads <count>", NULL,
     "Number of signing process threads. Usually set to number of available cores", NULL},
    {AREA_BITROT, "volume bitrot <VOLNAME> scrub-throttle {lazy|normal|aggressive}", NULL,
     "Set the speed of the scrubber for volume <VOLNAME>", NULL},
    {AREA_BITROT, "volume bitrot <VOLNAME> scrub-frequency {hourly|daily|weekly|biweekly|monthly}", NULL,
     "Set the frequency of the scrubber for volume <VOLNAME>", NULL},
    {AREA_BITROT, "volume bitrot <VOLNAME> scrub {pause|resume|status|ondemand}", NULL,
     "Pause/resume the scrubber for <VOLNAME>. Status displays the status of the scrubber. ondemand starts the scrubber immediately.",
     NULL},
    {AREA_BITROT, "volume bitrot help", cmd_bitrot_help, "display help for volume bitrot commands", NULL},

    {AREA_QUOTA, QUOTA_LIST, cmd_quota, "Enable/disable and configure quota for <VOLNAME>",
     QUOTA_LIST "\n" QUOTA_USAGE "\n" QUOTA_OBJECTS "\n" QUOTA_TIMES},
    {AREA_QUOTA, QUOTA_USAGE, NULL, "Set maximum size for <path> for <VOLNAME>", NULL},
    {AREA_QUOTA, QUOTA_OBJECTS, NULL, "Set the maximum number of entries allowed in <path> for <VOLNAME>", NULL},
    {AREA_QUOTA, QUOTA_TIMES, NULL, "Set quota timeout for <VOLNAME>", NULL},
    {AREA_QUOTA, "volume inode-quota <VOLNAME> enable", cmd_inode_quota, "Enable/disable inode-quota for <VOLNAME>", NULL},
    {AREA_QUOTA, "volume quota help", cmd_quota_help, "display help for volume quota commands", NULL},

    {AREA_SNAPSHOT, "snapshot help", cmd_snapshot_help, "display help for snapshot commands", NULL},
    {AREA_SNAPSHOT, "snapshot create <snapname> <volname> [no-timestamp] [description <description>]", cmd_snap_create,
     "Snapshot Create.", NULL},
    {AREA_SNAPSHOT, "snapshot clone <clonename> <snapname>", cmd_snap_clone, "Snapshot Clone.", NULL},
    {AREA_SNAPSHOT, "snapshot restore <snapname>", cmd_snap_restore, "Snapshot Restore.", NULL},
    {AREA_SNAPSHOT, "snapshot status [(snapname | volume <volname>)]", cmd_snap_status, "Snapshot Status.", NULL},
    {AREA_SNAPSHOT, "snapshot info [(snapname | volume <volname>)]", cmd_snap_info, "Snapshot Info.", NULL},
    {AREA_SNAPSHOT, "snapshot list [volname]", cmd_snap_list, "Snapshot List.", NULL},
    {AREA_SNAPSHOT,
     "snapshot config [volname] ([snap-max-hard-limit <count>] [snap-max-soft-limit <percent>]) | ([auto-delete <enable|disable>])| "
     "([activate-on-create <enable|disable>])",
     cmd_snap_config, "Snapshot Config.", NULL},
    {AREA_SNAPSHOT, "snapshot delete (all | snapname | volume <volname>)", cmd_snap_delete, "Snapshot Delete.", NULL},
    {AREA_SNAPSHOT, "snapshot activate <snapname> [force]", cmd_snap_activate, "Activate snapshot volume.", NULL},
    {AREA_SNAPSHOT, "snapshot deactivate <snapname>", cmd_snap_deactivate, "Deactivate snapshot volume.", NULL},

    {AREA_GLOBAL, "global help", cmd_global_help, "list global commands", NULL},
    {AREA_GLOBAL, "nfs-ganesha {enable| disable} ", cmd_ganesha, "Enable/disable NFS-Ganesha support", NULL},
    {AREA_GLOBAL, "get-state [<daemon>] [[odir </path/to/output/dir/>] [file <filename>]] [detail|volumeoptions]", cmd_get_state,
     "Get local state representation of mentioned daemon", NULL},

    {AREA_SYSTEM, "system:: getspec <VOLNAME>", cmd_getspec, "fetch the volume file for the volume <VOLNAME>", NULL},
    {AREA_SYSTEM, "system:: portmap brick2port <BRICK>", cmd_portmap, "query which port <BRICK> listens on", NULL},
    {AREA_SYSTEM, "system:: fsm log [<peer-name>]", cmd_fsm_log, "display fsm transitions", NULL},
    {AREA_SYSTEM, "system:: getwd", cmd_getwd, "query glusterd work directory", NULL},
    {AREA_SYSTEM, "system:: mount <label> <args...>", cmd_mount, "request a mount", NULL},
    {AREA_SYSTEM, "system:: umount <path> [lazy]", cmd_umount, "request an umount", NULL},
    {AREA_SYSTEM, "system:: uuid get", cmd_uuid_get, "get uuid of glusterd", NULL},
    {AREA_SYSTEM, "system:: uuid reset", cmd_uuid_reset, "reset the uuid of glusterd", NULL},
    {AREA_SYSTEM, "system:: help", cmd_system_help, "display help for system commands", NULL},
    {AREA_SYSTEM, "system:: execute <command> <args>", cmd_execute,
     "Execute the command on all the nodes in the cluster and display their output.",
     NULL},
    {AREA_SYSTEM, "system:: copy file [<filename>]", cmd_copy_file,
     "Copy file from current node's $working_dir to $working_dir of all cluster nodes", NULL},

    {NR_AREAS, "help", cmd_help, NULL, NULL},
    {NR_AREAS, "quit", cmd_quit, NULL, NULL},
    {NR_AREAS, "exit", cmd_quit, NULL, NULL},
    {0},
};
