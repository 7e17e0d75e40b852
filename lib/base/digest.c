/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Digests and codes, by libcrypto. Every call stands alone: nothing is kept. */
#include "base/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

struct digest {
	EVP_MD_CTX *context;
};

struct digest *lsvm_digest_new(void)
{
	struct digest *digest = calloc(1, sizeof(*digest));

	if (!digest)
		return NULL;
	digest->context = EVP_MD_CTX_new();
	if (digest->context &&
	    EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL) == 1)
		return digest;
	lsvm_digest_free(digest);
	return NULL;
}

void lsvm_digest_free(struct digest *digest)
{
	if (!digest)
		return;
	EVP_MD_CTX_free(digest->context);
	free(digest);
}

bool lsvm_digest_add(struct digest *digest, const void *bytes, size_t length)
{
	return EVP_DigestUpdate(digest->context, bytes, length) == 1;
}

bool lsvm_digest_end(struct digest *digest, uint8_t ret[DIGEST_BYTES])
{
	return EVP_DigestFinal_ex(digest->context, ret, NULL) == 1 &&
	       EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL) == 1;
}

bool lsvm_hmac(const void *key, size_t key_length, const void *bytes, size_t length,
	       uint8_t ret[DIGEST_BYTES])
{
	return HMAC(EVP_sha256(), key, (int)key_length, bytes, length, ret, NULL) != NULL;
}

bool lsvm_same_bytes(const void *a, const void *b, size_t length)
{
	return CRYPTO_memcmp(a, b, length) == 0;
}
