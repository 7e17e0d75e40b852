/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The line between svm-lab and the agent that runs commands for it.
 *
 * Frames of a header and a payload travel both ways over one stream: a socket, or the
 * guest's serial line. A channel is one command that runs; the outer side chooses its
 * number. Both ends are the same build on the same machine, so numbers are native.
 */
#ifndef SVM_LAB_FRAME_H
#define SVM_LAB_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_PAYLOAD_MAX (1 << 20)

enum frame_type {
	FRAME_READY = 1,  /* from the agent, once: it listens */
	FRAME_OUT = 2,	  /* to the agent: path of the host's folder to put at /out */
	FRAME_EXEC = 3,	  /* to the agent: struct frame_exec, then its texts */
	FRAME_STDIN = 4,  /* to the agent: bytes; none: end of input */
	FRAME_STDOUT = 5, /* from the agent */
	FRAME_STDERR = 6,
	FRAME_EXIT = 7,	    /* from the agent: int32_t exit status, 128 + signal */
	FRAME_SIGNAL = 8,   /* to the agent: int32_t, for the command's process group */
	FRAME_QUIT = 9,	    /* to the agent: write everything out and end */
	FRAME_BYE = 10,	    /* from the agent: everything is written */
	FRAME_PROBLEM = 11, /* from the agent: a sentence; the command did not start */
	FRAME_DOWN = 12,    /* to a lab's keeper: end the lab */
	FRAME_TAKEN = 13,   /* from the agent: uint32_t, bytes that it has read */
};

struct frame_header {
	uint8_t type;
	uint8_t zero;
	uint16_t channel;
	uint32_t length;
};

/*
 * How many bytes may be on their way to the agent. User-Mode Linux does not hear from a
 * serial line again that was once throttled, which happens when 4 KiB are waiting.
 */
#define FRAME_WINDOW_BYTES 2048

/* After it: the folder, the arguments, the environment; each text with its NUL. */
struct frame_exec {
	uint32_t argument_count, variable_count;
	uint32_t has_stdin;
};

/* Collects bytes of the stream until a frame is whole. */
struct frame_reader {
	unsigned char *data;
	size_t start, length, capacity;
};

/* Reads what is there. 1: some bytes came, 0: end of stream, -1: nothing now, -2: it
 * failed. */
int frame_fill(struct frame_reader *reader, int fd);
/* Takes the next whole frame; the payload is valid until the next frame_fill().
 * 1: taken, 0: not whole yet, -1: the stream is garbage. */
int frame_next(struct frame_reader *reader, struct frame_header *ret_header,
	       unsigned char **ret_payload);
void frame_reader_free(struct frame_reader *reader);
/* Sends one frame, waiting for room. False when the other side is gone. */
bool frame_send(int fd, enum frame_type type, uint16_t channel, const void *payload,
		size_t length);

bool frame_send_bytes(int fd, const void *bytes, size_t length);

/* The command of a FRAME_EXEC; the vectors borrow from the payload. */
struct command {
	const char *folder;
	char **arguments, **environment;
	bool has_stdin;
};
bool command_decode(unsigned char *payload, size_t length, struct command *ret);
void command_free(struct command *command);
/* The payload of a FRAME_EXEC, to be freed; NULL: out of memory. */
void *command_encode(const char *folder, char *const *arguments, char *const *environment,
		     bool has_stdin, size_t *ret_length);

#endif
