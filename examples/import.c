/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Another program's configuration as a cluster file, and the report of what that meant:
 * keepalived.conf, ldirectord.cf or lines of ipvsadm. import.py does the same in Python.
 */
#include <libsvm/libsvm.h>
#include <stdio.h>

static int import_bytes(struct lsvm_ctx *ctx, const char *bytes, size_t length,
			struct lsvm_import **ret)
{
	switch (lsvm_import_guess(bytes, length)) {
	case LSVM_IMPORT_SOURCE_KEEPALIVED:
		return lsvm_import_keepalived(ctx, bytes, length, ret);
	case LSVM_IMPORT_SOURCE_LDIRECTORD:
		return lsvm_import_ldirectord(ctx, bytes, length, ret);
	}
	return lsvm_import_ipvsadm(ctx, bytes, length, ret);
}

static void print_import(const struct lsvm_import *import)
{
	printf("%s", lsvm_import_yaml(import));
	for (size_t i = 0; i < lsvm_import_note_count(import); i++) {
		const struct lsvm_import_note *note = lsvm_import_note_at(import, i);

		printf("line %u: %s: %s\n", (unsigned)lsvm_import_note_line(note),
		       lsvm_import_note_kind_name(lsvm_import_note_kind(note)),
		       lsvm_import_note_text(note));
	}
}

int main(int argc, char **argv)
{
	static char bytes[1024 * 1024];
	struct lsvm_import *import;
	struct lsvm_ctx *ctx;
	size_t length;
	FILE *file;
	int err;

	if (argc != 2) {
		fprintf(stderr, "usage: %s CONFIGURATION\n", argv[0]);
		return 2;
	}
	file = fopen(argv[1], "r");
	if (!file || lsvm_ctx_new(&ctx) < 0) {
		perror(argv[1]);
		return 1;
	}
	length = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	err = import_bytes(ctx, bytes, length, &import);
	if (err >= 0) {
		print_import(import);
		lsvm_import_free(import);
	} else {
		fprintf(stderr, "%s\n", lsvm_ctx_error_text(ctx));
	}
	lsvm_ctx_unref(ctx);
	return err < 0;
}
