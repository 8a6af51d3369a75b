# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0

# Prints the address of the Debian mirror that this machine itself uses.
debian_mirror() {
	# shellcheck disable=SC2016 # the format is apt's
	apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Created-By: Packages' |
		sed -n 's/^Debian|Debian|//p' | head -n 1
}
