/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frames in and out; see frame.h. Also linked into the guest's first process. */
#include "frame.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES 65536

int frame_fill(struct frame_reader *reader, int fd)
{
	ssize_t got;

	if (reader->start) {
		memmove(reader->data, reader->data + reader->start, reader->length);
		reader->start = 0;
	}
	if (reader->capacity - reader->length < READ_BYTES) {
		size_t capacity = reader->length + READ_BYTES * 2;
		unsigned char *data = realloc(reader->data, capacity);

		if (!data)
			return -2;
		reader->data = data;
		reader->capacity = capacity;
	}
	got = read(fd, reader->data + reader->length, READ_BYTES);
	if (got > 0) {
		reader->length += (size_t)got;
		return 1;
	}
	if (got == 0)
		return 0;
	return errno == EAGAIN || errno == EINTR ? -1 : -2;
}

int frame_next(struct frame_reader *reader, struct frame_header *ret_header,
	       unsigned char **ret_payload)
{
	struct frame_header header;

	if (reader->length < sizeof(header))
		return 0;
	memcpy(&header, reader->data + reader->start, sizeof(header));
	if (header.type < FRAME_READY || header.type > FRAME_TAKEN || header.zero ||
	    header.length > FRAME_PAYLOAD_MAX)
		return -1;
	if (reader->length < sizeof(header) + header.length)
		return 0;
	*ret_header = header;
	*ret_payload = reader->data + reader->start + sizeof(header);
	reader->start += sizeof(header) + header.length;
	reader->length -= sizeof(header) + header.length;
	return 1;
}

void frame_reader_free(struct frame_reader *reader)
{
	free(reader->data);
	memset(reader, 0, sizeof(*reader));
}

bool frame_send_bytes(int fd, const void *bytes, size_t length)
{
	const unsigned char *at = bytes;

	while (length) {
		ssize_t sent = write(fd, at, length);

		if (sent > 0) {
			at += sent;
			length -= (size_t)sent;
		} else if (errno == EAGAIN) {
			struct pollfd room = { .fd = fd, .events = POLLOUT };

			poll(&room, 1, -1);
		} else if (errno != EINTR) {
			return false;
		}
	}
	return true;
}

bool frame_send(int fd, enum frame_type type, uint16_t channel, const void *payload,
		size_t length)
{
	struct frame_header header = { .type = (uint8_t)type,
				       .channel = channel,
				       .length = (uint32_t)length };

	if (length > FRAME_PAYLOAD_MAX)
		return false;
	return frame_send_bytes(fd, &header, sizeof(header)) &&
	       (!length || frame_send_bytes(fd, payload, length));
}

/* ---- a command ---- */

bool command_decode(unsigned char *payload, size_t length, struct command *ret)
{
	struct frame_exec exec;
	char *at = (char *)payload + sizeof(exec), *end = (char *)payload + length;
	struct command command = { 0 };
	size_t total;

	if (length < sizeof(exec) + 1 || end[-1])
		return false;
	memcpy(&exec, payload, sizeof(exec));
	if (!exec.argument_count || exec.argument_count > length ||
	    exec.variable_count > length)
		return false;
	command.has_stdin = exec.has_stdin;
	command.arguments = calloc(exec.argument_count + 1u, sizeof(char *));
	command.environment = calloc(exec.variable_count + 1u, sizeof(char *));
	total = 1u + exec.argument_count + exec.variable_count;
	for (size_t i = 0; command.arguments && command.environment && i < total; i++) {
		if (at >= end)
			break;
		if (i == 0)
			command.folder = at;
		else if (i <= exec.argument_count)
			command.arguments[i - 1] = at;
		else
			command.environment[i - 1 - exec.argument_count] = at;
		at += strlen(at) + 1;
		if (i + 1 == total) {
			*ret = command;
			return true;
		}
	}
	command_free(&command);
	return false;
}

void command_free(struct command *command)
{
	free(command->arguments);
	free(command->environment);
}

void *command_encode(const char *folder, char *const *arguments, char *const *environment,
		     bool has_stdin, size_t *ret_length)
{
	struct frame_exec exec = { .has_stdin = has_stdin };
	size_t length = sizeof(exec) + strlen(folder) + 1, at = sizeof(exec);
	char *payload;

	for (; arguments[exec.argument_count]; exec.argument_count++)
		length += strlen(arguments[exec.argument_count]) + 1;
	for (; environment[exec.variable_count]; exec.variable_count++)
		length += strlen(environment[exec.variable_count]) + 1;
	payload = malloc(length);
	if (!payload)
		return NULL;
	memcpy(payload, &exec, sizeof(exec));
	for (size_t i = 0; i <= exec.argument_count + exec.variable_count; i++) {
		const char *text = !i ? folder
				   : i <= exec.argument_count
					   ? arguments[i - 1]
					   : environment[i - 1 - exec.argument_count];

		memcpy(payload + at, text, strlen(text) + 1);
		at += strlen(text) + 1;
	}
	*ret_length = length;
	return payload;
}
