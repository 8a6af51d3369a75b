/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HOME for a process that was given none, from the container's own /etc/passwd.
 * That file is the image's: it is read as the user, only if it is a regular file,
 * up to a limit, and whatever is wrong with it means that the home is "/".
 */
#include "runtime/launch/init/exec.h"
#include "runtime/launch/init/passwd.h"
#include "runtime/launch/init/report.h"
#include "runtime/launch/init/steps.h"
#include "runtime/launch/init/string.h"
#include "runtime/launch/init/sys.h"

enum {
	FILE_MAX = 16 << 20,
	CHUNK = 4096,
	HOME_ROOM = 4096, /* PATH_MAX */
	PREFIX = 5,       /* of "HOME=" */
};

static char home[PREFIX + HOME_ROOM];

static bool read_home(uint32_t uid)
{
	struct passwd_search search = passwd_search(uid, home + PREFIX, HOME_ROOM);
	char chunk[CHUNK];
	struct stat st;
	long fd = sys_openat2(AT_FDCWD, "/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY,
	                      RESOLVE_NO_MAGICLINKS);

	if (fd < 0 || sys_fstat((int)fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	for (size_t total = 0; total < FILE_MAX;) {
		long got = sys_read((int)fd, chunk, sizeof(chunk));

		if (got == -EINTR)
			continue;
		if (got <= 0)
			return got == 0 && passwd_end(&search);
		if (passwd_feed(&search, chunk, (size_t)got))
			return true;
		total += (size_t)got;
	}
	return false;
}

void step_environment(const struct plan_step *step)
{
	memcpy(home, "HOME=", PREFIX);
	if (!read_home(step->home.uid)) {
		home[PREFIX] = '/';
		home[PREFIX + 1] = '\0';
	}
	exec_set_spare(step->home.env_slot, home);
}
