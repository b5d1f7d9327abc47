/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The translators that are linked in: one line to declare a type, one to list it. */
#include "xlator.h"

extern const struct xlator_type distribute_type;
extern const struct xlator_type meta_type;
extern const struct xlator_type arbiter_type;
extern const struct xlator_type barrier_type;
extern const struct xlator_type bitrot_stub_type;
extern const struct xlator_type changelog_type;
extern const struct xlator_type gfid_access_type;
extern const struct xlator_type index_type;
extern const struct xlator_type leases_type;
extern const struct xlator_type locks_type;
extern const struct xlator_type marker_type;
extern const struct xlator_type quota_type;
extern const struct xlator_type quiesce_type;
extern const struct xlator_type read_only_type;
extern const struct xlator_type selinux_type;
extern const struct xlator_type trash_type;
extern const struct xlator_type upcall_type;
extern const struct xlator_type utime_type;
extern const struct xlator_type worm_type;
extern const struct xlator_type posix_acl_type;
extern const struct xlator_type delay_gen_type;
extern const struct xlator_type error_gen_type;
extern const struct xlator_type io_stats_type;
extern const struct xlator_type io_threads_type;
extern const struct xlator_type io_cache_type;
extern const struct xlator_type md_cache_type;
extern const struct xlator_type nl_cache_type;
extern const struct xlator_type open_behind_type;
extern const struct xlator_type quick_read_type;
extern const struct xlator_type read_ahead_type;
extern const struct xlator_type readdir_ahead_type;
extern const struct xlator_type write_behind_type;
extern const struct xlator_type client_type;
extern const struct xlator_type server_type;
extern const struct xlator_type posix_type;
extern const struct xlator_type glusterd_type;

const struct xlator_type *const xlator_types[] = {
    &distribute_type,
    &meta_type,
    &arbiter_type,
    &barrier_type,
    &bitrot_stub_type,
    &changelog_type,
    &gfid_access_type,
    &index_type,
    &leases_type,
    &locks_type,
    &marker_type,
    &quota_type,
    &quiesce_type,
    &read_only_type,
    &selinux_type,
    &trash_type,
    &upcall_type,
    &utime_type,
    &worm_type,
    &posix_acl_type,
    &delay_gen_type,
    &error_gen_type,
    &io_stats_type,
    &io_threads_type,
    &io_cache_type,
    &md_cache_type,
    &nl_cache_type,
    &open_behind_type,
    &quick_read_type,
    &read_ahead_type,
    &readdir_ahead_type,
    &write_behind_type,
    &client_type,
    &server_type,
    &posix_type,
#ifndef WITHOUT_MANAGEMENT /* api/Makefile.am */
    &glusterd_type,
#endif
    NULL,
};
