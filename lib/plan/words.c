/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words of plans and steps: the same in JSON, on the command line and in Python. */
#include "plan/plan.h"

static const struct word duties[] = {
	{ LSVM_DUTY_AUTO, "auto" },
	{ LSVM_DUTY_MASTER, "master" },
	{ LSVM_DUTY_BACKUP, "backup" },
	{ 0, NULL },
};

static const struct word step_kinds[] = {
	{ STEP_SYSCTL_SET, "sysctl-set" },
	{ STEP_LINK_ADD, "link-add" },
	{ STEP_LINK_CHANGE, "link-change" },
	{ STEP_LINK_DELETE, "link-delete" },
	{ STEP_ADDRESS_ADD, "address-add" },
	{ STEP_ADDRESS_DELETE, "address-delete" },
	{ STEP_ROUTE_SET, "route-set" },
	{ STEP_ROUTE_DELETE, "route-delete" },
	{ STEP_IPVS, "ipvs" },
	{ STEP_FILE_WRITE, "file-write" },
	{ STEP_FILE_DELETE, "file-delete" },
	{ STEP_UNIT_START, "unit-start" },
	{ STEP_UNIT_RELOAD, "unit-reload" },
	{ STEP_UNIT_STOP, "unit-stop" },
	{ 0, NULL },
};

/* Inside and at the border the numbers are the same. */
_Static_assert((int)STEP_SYSCTL_SET == LSVM_STEP_SYSCTL_SET, "step kinds");
_Static_assert((int)STEP_IPVS == LSVM_STEP_IPVS, "step kinds");
_Static_assert((int)STEP_UNIT_STOP == LSVM_STEP_UNIT_STOP, "step kinds");

static const struct word link_kinds[] = {
	{ LINK_PRESENT, "present" }, { LINK_IPIP, "ipip" },	{ LINK_GRE, "gre" },
	{ LINK_IP6TNL, "ip6tnl" },   { LINK_IP6GRE, "ip6gre" }, { LINK_GUE, "gue" },
	{ LINK_SIT, "sit" },	     { LINK_GUE6, "gue6" },	{ 0, NULL },
};

const char *lsvm_duty_name(int duty)
{
	return lsvm_word_name(duties, duty);
}

int lsvm_duty_parse(const char *name)
{
	return lsvm_word_value(duties, name);
}

const char *lsvm_step_kind_name(int kind)
{
	return lsvm_word_name(step_kinds, kind);
}

int lsvm_step_kind_parse(const char *name)
{
	return lsvm_word_value(step_kinds, name);
}

const char *lsvm_link_kind_name(int kind)
{
	return lsvm_word_name(link_kinds, kind);
}

int lsvm_link_kind_parse(const char *name)
{
	return lsvm_word_value(link_kinds, name);
}
