/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Netlink attributes by table: one list of fields for each kind of object serves both
 * directions.
 */
#ifndef LSVM_IPVS_FIELDS_H
#define LSVM_IPVS_FIELDS_H

#include "ipvs/netlink.h"

enum wire {
	WIRE_U8,
	WIRE_U16,
	WIRE_U32,
	WIRE_U64,
	WIRE_BE16,
	WIRE_BYTES, /* exactly `width` of them */
	WIRE_TEXT,  /* ends with NUL; `width` with it at most */
	WIRE_NEST,
};

/* Numbers are `width` bytes in memory, whatever they are on the wire. */
struct field {
	uint16_t attribute;
	uint8_t wire, width;
	uint16_t offset;
	const struct fields *nest;
};

/* The object in memory starts with a uint32_t: bit n is set when list[n] is there. */
struct fields {
	const struct field *list;
	size_t count;
	size_t extra; /* offset of a struct ipvs_extra for what the list lacks; 0: it is
			 passed over */
};

/* Attributes of the reader into the object; false when they are malformed. */
bool lsvm_fields_read(const struct fields *fields, struct reader attributes,
		      void *object);
/* The object's present fields as attributes; false when they do not fit. */
bool lsvm_fields_write(const struct fields *fields, const void *object,
		       struct nl_out *out);

#endif
