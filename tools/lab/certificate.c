/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Certificates that sign themselves: the client does not verify, it only wants TLS. */
#include "pages.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>

#define VALID_S (3650L * 86400)

static X509 *make(EVP_PKEY *key, const char *name)
{
	X509 *certificate = X509_new();
	X509_NAME *subject = X509_NAME_new();
	bool good =
		certificate && subject &&
		X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
					   (const unsigned char *)"svm-lab", -1, -1, 0) &&
		/* A common name holds 64 characters, a domain's more. */
		X509_NAME_add_entry_by_txt(subject, "DC", MBSTRING_ASC,
					   (const unsigned char *)name, -1, -1, 0) &&
		X509_set_version(certificate, 2) &&
		ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) &&
		X509_gmtime_adj(X509_getm_notBefore(certificate), -86400) &&
		X509_gmtime_adj(X509_getm_notAfter(certificate), VALID_S) &&
		X509_set_pubkey(certificate, key) &&
		X509_set_subject_name(certificate, subject) &&
		X509_set_issuer_name(certificate, subject) &&
		X509_sign(certificate, key, EVP_sha256());

	X509_NAME_free(subject);
	if (good)
		return certificate;
	X509_free(certificate);
	return NULL;
}

int certificate_write(const char *name, const char *certificate_path,
		      const char *key_path)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = key ? make(key, name) : NULL;
	FILE *file = certificate ? fopen(certificate_path, "we") : NULL;
	bool good = file && PEM_write_X509(file, certificate);

	if (file)
		good = fclose(file) == 0 && good;
	file = good ? fopen(key_path, "we") : NULL;
	good = file && PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
	if (file)
		good = fclose(file) == 0 && good;
	X509_free(certificate);
	EVP_PKEY_free(key);
	return good ? 0 : -1;
}
