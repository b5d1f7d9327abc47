/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* cli-table.c: which command a procedure of the CLI's program is, and which of them are served to other machines. */
#include "config.h"

#include "cli.h"
#include "glusterd.h"

const struct command_type *const cli_commands[NR_CLI] = {
    [CLI_PROBE] = &refuse_peer_command,
    [CLI_DEPROBE] = &refuse_peer_command,
    [CLI_LIST_FRIENDS] = &friends_command,
    [CLI_CREATE_VOLUME] = &create_command,
    [CLI_GET_VOLUME] = &info_command,
    [CLI_DELETE_VOLUME] = &delete_command,
    [CLI_START_VOLUME] = &start_command,
    [CLI_STOP_VOLUME] = &stop_command,
    [CLI_SET_VOLUME] = &set_command,
    [CLI_RESET_VOLUME] = &reset_command,
    [CLI_DEFRAG_VOLUME] = &defrag_command,
    [CLI_ADD_BRICK] = &add_brick_command,
    [CLI_REMOVE_BRICK] = &remove_brick_command,
    [CLI_REPLACE_BRICK] = &replace_brick_command,
    [CLI_RESET_BRICK] = &reset_brick_command,
    [CLI_HEAL_VOLUME] = &heal_command,
    [CLI_GETWD] = &getwd_command,
    [CLI_STATUS_VOLUME] = &status_command,
    [CLI_PROFILE_VOLUME] = &profile_command,
    [CLI_STATEDUMP_VOLUME] = &statedump_command,
    [CLI_LOG_ROTATE] = &rotate_command,
    [CLI_BARRIER_VOLUME] = &barrier_command,
    [CLI_CLRLOCKS_VOLUME] = &clear_locks_command,
    [CLI_LIST_VOLUME] = &list_command,
    [CLI_UUID_GET] = &uuid_get_command,
    [CLI_GET_VOL_OPT] = &get_command,
};

#define ACTOR(proc, text) [proc] = {.name = text, .run = cli_actor}
const struct rpc_actor cli_actors[NR_CLI] = {
    ACTOR(CLI_PROBE, "PROBE"),
    ACTOR(CLI_DEPROBE, "DEPROBE"),
    ACTOR(CLI_LIST_FRIENDS, "LIST_FRIENDS"),
    ACTOR(CLI_CREATE_VOLUME, "CREATE_VOLUME"),
    ACTOR(CLI_GET_VOLUME, "GET_VOLUME"),
    ACTOR(CLI_DELETE_VOLUME, "DELETE_VOLUME"),
    ACTOR(CLI_START_VOLUME, "START_VOLUME"),
    ACTOR(CLI_STOP_VOLUME, "STOP_VOLUME"),
    ACTOR(CLI_SET_VOLUME, "SET_VOLUME"),
    ACTOR(CLI_RESET_VOLUME, "RESET_VOLUME"),
    ACTOR(CLI_DEFRAG_VOLUME, "DEFRAG_VOLUME"),
    ACTOR(CLI_ADD_BRICK, "ADD_BRICK"),
    ACTOR(CLI_REMOVE_BRICK, "REMOVE_BRICK"),
    ACTOR(CLI_REPLACE_BRICK, "REPLACE_BRICK"),
    ACTOR(CLI_RESET_BRICK, "RESET_BRICK"),
    ACTOR(CLI_HEAL_VOLUME, "HEAL_VOLUME"),
    ACTOR(CLI_GETWD, "GETWD"),
    ACTOR(CLI_STATUS_VOLUME, "STATUS_VOLUME"),
    ACTOR(CLI_PROFILE_VOLUME, "PROFILE_VOLUME"),
    ACTOR(CLI_STATEDUMP_VOLUME, "STATEDUMP_VOLUME"),
    ACTOR(CLI_LOG_ROTATE, "LOG_ROTATE"),
    ACTOR(CLI_BARRIER_VOLUME, "BARRIER_VOLUME"),
    ACTOR(CLI_CLRLOCKS_VOLUME, "CLRLOCKS_VOLUME"),
    ACTOR(CLI_LIST_VOLUME, "LIST_VOLUME"),
    ACTOR(CLI_UUID_GET, "UUID_GET"),
    ACTOR(CLI_GET_VOL_OPT, "GET_VOL_OPT"),
};
const struct rpc_actor cli_readonly_actors[NR_CLI] = {
    ACTOR(CLI_LIST_FRIENDS, "LIST_FRIENDS"), ACTOR(CLI_GET_VOLUME, "GET_VOLUME"),       ACTOR(CLI_GETWD, "GETWD"),
    ACTOR(CLI_STATUS_VOLUME, "STATUS_VOLUME"), ACTOR(CLI_LIST_VOLUME, "LIST_VOLUME"), ACTOR(CLI_UUID_GET, "UUID_GET"),
};
