# SPDX-License-Identifier: Apache-2.0
# What the test targets do. The Makefile builds the programs.

check-unit: $(UNITS) ## run the unit tests
	@tests/run-units $(UNITS)
