/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every unit test includes: cmocka with the headers it wants before it. */
#ifndef LSVM_TESTS_UNIT_TEST_H
#define LSVM_TESTS_UNIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka last: it redefines what the others declare. */
#include <cmocka.h>

#define RUN(tests) cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL)

#endif
