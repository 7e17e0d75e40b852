/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the system's manager is told of a service that it keeps: sd_notify(3), by a
 * datagram to the socket that it names. Where there is none nothing happens. */
#ifndef TOOL_NOTIFY_H
#define TOOL_NOTIFY_H

#include <stdint.h>

/* "READY=1", "STATUS=…"; several are parted by line ends. */
void notify_tell(const char *state);
void notify_reloading(void);
/* How often the manager wants to hear that all is well, in milliseconds; 0: never. */
uint64_t notify_watchdog_ms(void);

#endif
