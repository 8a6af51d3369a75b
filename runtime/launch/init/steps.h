/* SPDX-License-Identifier: Apache-2.0 */
/* One function for each kind of step (runtime/launch/plan.h says what each does).
 * They return when the step is done; a failure ends init (report.h). */
#pragma once

#include "runtime/launch/plan.h"

/* stage.c */
void step_oom_score_adj(const struct plan_step *step);
void step_rlimit(const struct plan_step *step);
void step_io_priority(const struct plan_step *step);
void step_cpu_affinity(const struct plan_step *step);
void step_join(const struct plan_step *step);
void step_user_namespace(const struct plan_step *step);
void step_time_offsets(const struct plan_step *step);
void step_clone(const struct plan_step *step);
void step_keyring(const struct plan_step *step);
void step_join_keyring(const struct plan_step *step);

/* roots.c */
void step_propagation(const struct plan_step *step);
void step_rootfs(const struct plan_step *step);
void step_enter_root(const struct plan_step *step);
void step_find_root(const struct plan_step *step);
void step_pivot(const struct plan_step *step);
void step_hide(const struct plan_step *step);
void step_move_root(const struct plan_step *step);
void step_root_readonly(const struct plan_step *step);

/* mounts.c */
void step_clone_shared(const struct plan_step *step);
void step_mount(const struct plan_step *step);
void step_bind(const struct plan_step *step);
void step_remount(const struct plan_step *step);

/* devices.c */
void step_device(const struct plan_step *step);
void step_symlink(const struct plan_step *step);
void step_folder(const struct plan_step *step);

/* terminal.c */
void step_terminal(const struct plan_step *step);

/* hooks.c */
void step_wait_hooks(const struct plan_step *step);
void step_hook_host(const struct plan_step *step);
void step_hook_container(const struct plan_step *step);

/* masks.c */
void step_mask(const struct plan_step *step);
void step_readonly(const struct plan_step *step);

/* proc_handle.c */
void step_label(const struct plan_step *step);
void step_sysctl(const struct plan_step *step);

/* names.c */
void step_hostname(const struct plan_step *step);
void step_domainname(const struct plan_step *step);
void step_network(const struct plan_step *step);
void step_cgroup(const struct plan_step *step);
void step_loopback(const struct plan_step *step);

/* landlock.c */
void step_landlock(const struct plan_step *step);

/* ids.c */
void step_personality(const struct plan_step *step);
void step_memory_policy(const struct plan_step *step);
void step_umask(const struct plan_step *step);
void step_cwd(const struct plan_step *step);
void step_ids(const struct plan_step *step);

/* caps.c */
void step_bounding(const struct plan_step *step);
void step_caps(const struct plan_step *step);
void step_no_new_privs(const struct plan_step *step);

/* environment.c */
void step_environment(const struct plan_step *step);

/* park.c */
void step_park(const struct plan_step *step);
void step_close_fds(const struct plan_step *step);
void step_seccomp(const struct plan_step *step);

/* exec.c */
void step_executable(const struct plan_step *step);
void step_execve(const struct plan_step *step);
