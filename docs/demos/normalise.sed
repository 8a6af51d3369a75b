# SPDX-License-Identifier: Apache-2.0
# What may be another on another machine, or next time, before an output is compared with
# the text (sed -E). The texts keep what was printed where they were written.

# how long a system call takes
s/about [0-9]+ ns longer/about N ns longer/
# how many calls a server of Debian's makes, and how many this program knows
s/names [0-9]+ system calls/names N system calls/
s/[0-9]+ of [0-9]+( system calls)? allowed, [0-9]+ by/N of N\1 allowed, N by/
s/: [0-9]+ of [0-9]+ allowed$/: N of N allowed/
# kernels tell this option of a tmpfs, or do not have it
s/,inode64//
# kernels before 6.7 do not tell how many processes a group had at most
s/(the limit is 20), the peak was 20$/\1/
# before Linux 6.13, Landlock keeps a process from looking into others, whatever
# capabilities it has; from then on CAP_SYS_ADMIN is enough to read another's memory
/^## Only landlock$/,/^## / { /^process +refused$/d; }
