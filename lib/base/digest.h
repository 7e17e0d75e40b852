/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SHA-256 (FIPS 180-4) and HMAC-SHA-256 (RFC 2104). */
#ifndef LSVM_BASE_DIGEST_H
#define LSVM_BASE_DIGEST_H

#include "base/base.h"

#include <stdlib.h>

#define DIGEST_BYTES 32

struct digest;
/* NULL: out of memory. */
struct digest *lsvm_digest_new(void);
void lsvm_digest_free(struct digest *digest);
/* False: out of memory. */
bool lsvm_digest_add(struct digest *digest, const void *bytes, size_t length);
/* The digest of what was added; it is as new then. */
bool lsvm_digest_end(struct digest *digest, uint8_t ret[DIGEST_BYTES]);
bool lsvm_hmac(const void *key, size_t key_length, const void *bytes, size_t length,
	       uint8_t ret[DIGEST_BYTES]);
/* In a time that does not tell where they differ. */
bool lsvm_same_bytes(const void *a, const void *b, size_t length);

#endif
