/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every kind of finding: identifier, the word that users see, severity, hint. A word is
 * never used again for another meaning, and each has a golden test
 * (tests/golden/findings/WORD.yaml). Included with FINDING defined; see findings.c.
 */
FINDING(TOO_MANY_FINDINGS, "too-many-findings", ERROR,
	"mend the first ones and check again")
