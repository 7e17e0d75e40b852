/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the subcommands of svm-lab share. */
#ifndef SVM_LAB_LAB_H
#define SVM_LAB_LAB_H

#include "../tool.h"
#include "session.h"

/* Beside enum tool_exit. */
enum lab_exit {
	EXIT_TIMED_OUT = 124,
	EXIT_NO_PLACE = 125, /* the guest did not come up or died */
};

/* "svm-lab: …" on standard error. */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Blocks the signals that end us and gives a descriptor to read them from. */
int signals_open(void);
/* The next pending one; 0: none. */
int signals_next(int fd);

/* Runs a command in a session until it ends: its output goes to ours, SIGINT, SIGTERM and
 * SIGHUP go to it. Returns its exit status. */
int session_run(struct session *session, int signals, char *const *arguments,
		int64_t deadline_ms);

/* The same in a session of its own. */
int run_in(const struct session_options *options, uint32_t timeout_s,
	   char *const *arguments);
/* Shows what is wrong with a cluster file before anything is started for it. */
int check_file(struct tool *tool, const char *path);
/* Whether this kernel can be the lab's. */
bool has_ip_vs(void);

int cmd_guest(struct tool *tool);
int cmd_run(struct tool *tool);
int cmd_up(struct tool *tool);
int cmd_ask(struct tool *tool);
int cmd_apply(struct tool *tool);
int cmd_exec(struct tool *tool);
int cmd_fault(struct tool *tool);
int cmd_status(struct tool *tool);
int cmd_down(struct tool *tool);

#endif
