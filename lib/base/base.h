/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ground floor: what every room of the library may use. No room is known here.
 *
 * Memory that lives and dies together sits in an arena; text that grows sits in a buf;
 * anything looked up by name sits in a map. All three remember a failed allocation, so
 * that callers check once at the end instead of after every call.
 */
#ifndef LSVM_BASE_BASE_H
#define LSVM_BASE_BASE_H

#include <libsvm/base.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define LSVM_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* ---- context and errors (ctx.c) ---- */

#define LSVM_ERROR_TEXT_BYTES 1024

struct lsvm_ctx {
	atomic_uint refs;
	char error[LSVM_ERROR_TEXT_BYTES];
};

/* Writes the sentence for people onto the context and returns err: `return lsvm_fail(…)`.
 */
int lsvm_fail(struct lsvm_ctx *ctx, int err, const char *fmt, ...) LSVM_PRINTF(3, 4);
/* The same for the commonest of all. */
int lsvm_fail_nomem(struct lsvm_ctx *ctx);

/* ---- words: enum value <-> text (words.c) ---- */

struct word {
	int value;
	const char *name;
};
/* A table ends with { 0, NULL }. */
const char *lsvm_word_name(const struct word *words, int value);
/* The value of the name, or 0 (every …_UNKNOWN) when there is none. */
int lsvm_word_value(const struct word *words, const char *name);

/* ---- arena: allocate often, free once (arena.c) ---- */

struct arena {
	struct arena_chunk *chunks;
	size_t bytes; /* taken from malloc in all */
	bool failed;  /* an allocation failed; every later one answers NULL too */
};

/* Zeroed memory, aligned for any type; NULL when memory ran out (then arena->failed is
 * set). */
void *lsvm_arena_alloc(struct arena *arena, size_t size);
void *lsvm_arena_array(struct arena *arena, size_t count, size_t size);
char *lsvm_arena_strdup(struct arena *arena, const char *text);
char *lsvm_arena_strndup(struct arena *arena, const char *text, size_t length);
char *lsvm_arena_printf(struct arena *arena, const char *fmt, ...) LSVM_PRINTF(2, 3);
/* Memory from malloc belongs to the arena from now on, also on failure. */
void lsvm_arena_adopt(struct arena *arena, void *memory, size_t size);
void lsvm_arena_free(struct arena *arena);

/* ---- buf: bytes that grow (buf.c) ---- */

struct buf {
	char *data; /* always NUL-terminated when not NULL */
	size_t length, capacity;
	bool failed;
};

void lsvm_buf_add(struct buf *buf, const void *bytes, size_t length);
/* Inline: the length of a literal is known when it is compiled. */
static inline void lsvm_buf_text(struct buf *buf, const char *text)
{
	lsvm_buf_add(buf, text, strlen(text));
}
void lsvm_buf_printf(struct buf *buf, const char *fmt, ...) LSVM_PRINTF(2, 3);
/* Hands the text over (never NULL unless memory ran out) and leaves the buf empty. */
char *lsvm_buf_take(struct buf *buf);
void lsvm_buf_free(struct buf *buf);

/* ---- map: name or bytes -> pointer (map.c) ---- */

struct map {
	struct map_slot *slots;
	struct map_entry *entries; /* count of them, in the order of putting */
	size_t count, capacity;
	uint64_t secret; /* 0 until somebody's keys collide too well (map.c) */
};

/* Keys are borrowed: they must live as long as the map. */
void *lsvm_map_get(const struct map *map, const void *key, size_t length);
/* Puts value unless the key is there: then *ret_old is its value and LSVM_ERR_EXISTS
 * comes back. */
int lsvm_map_put(struct map *map, const void *key, size_t length, void *value,
		 void **ret_old);
/* Room for that many keys in all, so that filling a large map does not grow it step by
 * step. */
int lsvm_map_reserve(struct map *map, size_t count);
/* The key will be asked for soon: a large map's memory is fetched meanwhile. */
void lsvm_map_expect(const struct map *map, const void *key, size_t length);
void lsvm_map_free(struct map *map);

static inline void *lsvm_map_find(const struct map *map, const char *name)
{
	return lsvm_map_get(map, name, strlen(name));
}

/* For names of hosts: tolower() would ask the locale of the program around us. */
static inline char lsvm_ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

/* ---- growing arrays on the heap ---- */

#define VEC(type)                                                                        \
	struct {                                                                         \
		type *items;                                                             \
		size_t count, capacity;                                                  \
	}
/* Room for one more; the new item is zeroed. Evaluates to a pointer to it, or NULL. */
#define vec_push(vec)                                                                    \
	((typeof((vec)->items))lsvm_vec_push((void **)&(vec)->items, &(vec)->count,      \
					     &(vec)->capacity, sizeof(*(vec)->items)))
#define vec_free(vec)                                                                    \
	lsvm_vec_free((void **)&(vec)->items, &(vec)->count, &(vec)->capacity)
void *lsvm_vec_push(void **items, size_t *count, size_t *capacity, size_t size);
void lsvm_vec_free(void **items, size_t *count, size_t *capacity);

/* ---- addresses (addr.c) ---- */

struct addr {
	uint8_t family; /* 0 none, 4 or 6 */
	uint8_t bytes[16];
};
struct prefix {
	struct addr addr;
	uint8_t length;
};

/* Text to address; false when it is none. "fe80::1%eth0" and "010.1.1.1" are none. */
bool lsvm_addr_parse(const char *text, struct addr *ret);
/* "192.0.2.0/24"; a bare address is a host prefix. Host bits may be set; see
 * lsvm_prefix_is_net. */
bool lsvm_prefix_parse(const char *text, struct prefix *ret);
/* buf must hold LSVM_ADDRESS_TEXT_BYTES; returns buf. */
const char *lsvm_addr_text(const struct addr *addr, char *buf);
const char *lsvm_prefix_text(const struct prefix *prefix, char *buf);
/* "192.0.2.1:80", "[2001:db8::1]:80". */
const char *lsvm_endpoint_text(const struct addr *addr, uint16_t port, char *buf);
/* An endpoint, or a bare address with port 0; false when it is neither. */
bool lsvm_endpoint_parse(const char *text, struct addr *ret, uint16_t *ret_port);
int lsvm_addr_compare(const struct addr *a, const struct addr *b);
int lsvm_prefix_compare(const struct prefix *a, const struct prefix *b);
bool lsvm_prefix_contains(const struct prefix *prefix, const struct addr *addr);
bool lsvm_prefix_overlaps(const struct prefix *a, const struct prefix *b);
bool lsvm_prefix_is_net(const struct prefix *prefix);
/* RFC 1918, RFC 6598 and RFC 4193: an address that the outside cannot reach. */
bool lsvm_addr_is_private(const struct addr *addr);
/* Multicast, unspecified, loopback, link-local or broadcast: never a machine's own
 * address here. */
bool lsvm_addr_is_special(const struct addr *addr);
static inline uint8_t lsvm_addr_bits(const struct addr *addr)
{
	return addr->family == 4 ? 32 : 128;
}

/* ---- reading foreign bytes (reader.c) ---- */

/* One bounded cursor. A read past the end gives zeros and sets failed; check once at the
 * end. */
struct reader {
	const uint8_t *at;
	size_t left;
	bool failed;
};
const uint8_t *lsvm_read_bytes(struct reader *reader, size_t length);
uint8_t lsvm_read_u8(struct reader *reader);
uint16_t lsvm_read_be16(struct reader *reader);
uint32_t lsvm_read_be32(struct reader *reader);
/* Native byte order, as netlink has it. */
uint16_t lsvm_read_u16(struct reader *reader);
uint32_t lsvm_read_u32(struct reader *reader);
uint64_t lsvm_read_u64(struct reader *reader);

/* ---- findings (findings.c) ---- */

#define LSVM_FINDINGS_MAX 1000

/* A place in a document. Line and column count from 1; 0 is unknown. */
struct mark {
	uint32_t line, column;
};

enum finding_code {
#define FINDING(id, word, severity, hint) FINDING_##id,
#include "base/codes.h"
#undef FINDING
	FINDING_CODE_COUNT
};

struct lsvm_finding {
	enum finding_code code;
	struct mark at;
	const char *path, *text;
};

struct lsvm_findings {
	struct arena arena;
	VEC(struct lsvm_finding) list;
	size_t error_count;
	bool failed; /* memory ran out: the list is not complete */
};

/* Adds one; past LSVM_FINDINGS_MAX the last one says that there are more. */
void lsvm_findings_add(struct lsvm_findings *findings, enum finding_code code,
		       const char *path, struct mark at, const char *fmt, ...)
	LSVM_PRINTF(5, 6);
/* Makes the list empty again. */
void lsvm_findings_clear(struct lsvm_findings *findings);
/* Orders them by line, column, path and code. */
void lsvm_findings_sort(struct lsvm_findings *findings);

#endif
