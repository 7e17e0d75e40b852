/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the two kinds of connections of the client have in common. */
#ifndef SVM_LAB_LOAD_WIRE_H
#define SVM_LAB_LOAD_WIRE_H

#include "load.h"

#define LOAD_ANSWER_BYTES 8192

/* A connection's socket towards the target, under way; *port is where to look for a free
 * one and then which it is. -1: errno. */
int load_open(const struct load *load, const struct target *target,
	      const struct ip *source, uint16_t *port);
/* Which source the n-th connection to the target has; they take turns. */
size_t load_source(const struct load *load, const struct target *target, size_t nth);
/* Sends the question. */
bool load_question(const struct target *target, int fd, const char *method,
		   bool keep_alive);
/* An error of the socket as a reason. */
enum load_why load_reason(int error);
/* Who answered, when the answer is the target's: an index of world->machines; -1. */
int load_server(const struct load *load, const struct target *target, const char *text,
		size_t length);
/* Packets that were sent again on a TCP connection. */
uint8_t load_retransmissions(int fd);

/* ---- connections that stay (load-held.c) ---- */

struct holding;

struct holding *holding_new(struct load *load, int epoll, uint32_t first_tag);
void holding_free(struct holding *holding);
/* Opens what is not open yet at the start; whether all stand or are lost. */
bool holding_stands(const struct holding *holding);
/* A socket has something, perhaps its end; the tag was first_tag plus the index. */
void holding_event(struct holding *holding, uint32_t index, bool ends);
/* Sends what is due; when the next one is, in now_us() time. */
int64_t holding_turn(struct holding *holding, int64_t now);

#endif
