/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The systemd driver: the container's cgroup is that of a transient scope, which systemd
 * makes, limits and removes. What it does not know of is written into the same group's
 * files, and freezing, killing, counting are the kernel's there as anywhere: only making,
 * changing and removing differ from the cgroupfs driver (cgroups/cgroup.h).
 *
 * A scope lives as long as processes are in it. So a command that is killed leaves none:
 * its init ends with it, and systemd collects the unit.
 *
 * Source: org.freedesktop.systemd1(5), systemd.scope(5), systemd.resource-control(5);
 * systemd's "Control Group APIs and Delegation".
 */
#pragma once

#include <sys/types.h>

#include "cgroups/cgroup.h"
#include "cgroups/dbus.h"

/* Where the scope is. */
struct systemd_place {
	const char *unit;  /* "prefix-name.scope" */
	const char *slice; /* "a-b.slice" */
	const char *path;  /* below the cgroup2 mount: "/a.slice/a-b.slice/prefix-name.scope" */
};

/* Adds to what cgroup_probe found: the group of the systemd that serves us. `user`: the
 * one of that user of the host; else the host's own. */
MUST_CHECK int cgroup_probe_systemd(struct arena *a, struct cgroup_facts *facts, bool user,
                                    uint32_t uid, struct err *e);

/* linux.cgroupsPath as slice:prefix:name, or the id where it is absent. What is no name of
 * a unit is ERR_SPEC; ERR_REFUSED where there is no systemd, or no pure cgroup v2. Pure. */
MUST_CHECK int systemd_place(struct arena *a, const struct cgroup_facts *facts,
                             const char *cgroups_path, const char *id, struct systemd_place *ret,
                             struct err *e);

/* --- properties: a(sv) as D-Bus has it, without the array's length ----------------------- */

/* What a scope is made with: `writes` as far as systemd knows them, our own rules for it,
 * and the annotations org.systemd.property.NAME, of which only those that say when and how
 * it ends, its order and its memory are taken (ERR_REFUSED), each of the type that it has
 * (ERR_SPEC). Pure. */
MUST_CHECK int systemd_properties(const struct systemd_place *place, const char *id,
                                  const struct cgroup_plan *plan, struct oci_pairs annotations,
                                  struct buf *ret, struct err *e);

/* The plan with the values that systemd can keep: a quota in whole percents of a CPU. */
void systemd_round(struct arena *a, struct cgroup_plan *plan);

/* Those of `writes` alone. */
void systemd_put_limits(const struct cgroup_write *writes, size_t count, struct buf *ret);

/* One annotation, if it is such a property; others are left alone. */
MUST_CHECK int systemd_put_annotation(const struct oci_pair *annotation, struct buf *ret,
                                      struct err *e);

/* A time limit is in the annotations: a unit that it ends has failed, and tells why until
 * somebody calls systemd_forget. Any other is forgotten by itself. */
bool systemd_keeps_failure(struct oci_pairs annotations);

/* --- the manager ----------------------------------------------------------------------- */

/* A connection to it, and the one unit that it is about. */
struct systemd {
	struct dbus bus;
	const char *unit;
	bool user; /* the manager is that of a user */
	bool refused;
	uint32_t call;     /* serial of what was asked */
	char object[768];  /* of the unit */
	const char *group; /* below the cgroup2 mount, the caller's; NULL: only systemd tells
	                    * that a process is in */
	char job[128];     /* that starts it, once it is known */
	char reason[64];   /* the unit's Result, if it changed */
};

#define SYSTEMD __attribute__((cleanup(systemd_close)))
#define SYSTEMD_NONE             \
	{                        \
		.bus = DBUS_NONE \
	}

/* Connects to the manager of cgroup_probe_systemd; what follows has deadline_ms. `unit`
 * stays the caller's. */
MUST_CHECK int systemd_open(struct systemd *s, const struct cgroup_facts *facts, const char *unit,
                            int deadline_ms, struct err *e);
void systemd_close(struct systemd *s);

/* Asks for a scope with this process in it; `properties` are those of systemd_properties. */
MUST_CHECK int systemd_start(struct systemd *s, const void *properties, size_t len, pid_t pid,
                             struct err *e);

/* Waits until it is there. A unit of that name that has failed or is just going away is
 * cleared; one with processes is ERR_STATE. */
MUST_CHECK int systemd_await(struct systemd *s, const void *properties, size_t len, pid_t pid,
                             struct err *e);

/* Changes properties of the unit until it ends, and waits until systemd has written what it
 * makes of them into the group's files. */
MUST_CHECK int systemd_change(struct systemd *s, const struct buf *properties, struct err *e);

/* Waits for the scope's group to empty and for systemd to remove it; stops the unit if it
 * does not, or `at_once`. What a manager that is gone leaves is removed here. */
MUST_CHECK int systemd_destroy(const struct cgroup_facts *facts, const char *path, const char *unit,
                               bool at_once, int timeout_ms, struct err *e);

/* 1: systemd has made the unit for us, or is about to: systemd_destroy is due. 0: it has
 * refused, or nothing was asked. Waits for the answer for a moment. */
int systemd_started(struct systemd *s);

/* Clears a unit that has failed and so keeps its name; without one nothing is to be done. */
MUST_CHECK int systemd_forget(const struct cgroup_facts *facts, const char *unit, struct err *e);
