/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The suite of every kind of host, all of it, on the guest's kernel. */
#include "../unit/host_suite.h"

int main(void)
{
	return host_suite(false, SUITE_BASE | SUITE_TUNNELS | SUITE_IPVS);
}
