/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The context: a reference count and the sentence about the last failure. */
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>

int lsvm_ctx_new(struct lsvm_ctx **ret)
{
	struct lsvm_ctx *ctx = calloc(1, sizeof(*ctx));

	if (!ctx)
		return LSVM_ERR_NOMEM;
	atomic_init(&ctx->refs, 1);
	*ret = ctx;
	return 0;
}

struct lsvm_ctx *lsvm_ctx_ref(struct lsvm_ctx *ctx)
{
	atomic_fetch_add(&ctx->refs, 1);
	return ctx;
}

void lsvm_ctx_unref(struct lsvm_ctx *ctx)
{
	if (ctx && atomic_fetch_sub(&ctx->refs, 1) == 1)
		free(ctx);
}

const char *lsvm_ctx_error_text(const struct lsvm_ctx *ctx)
{
	return ctx->error;
}

int lsvm_fail(struct lsvm_ctx *ctx, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(ctx->error, sizeof(ctx->error), fmt, args);
	va_end(args);
	return err;
}

int lsvm_fail_nomem(struct lsvm_ctx *ctx)
{
	return lsvm_fail(ctx, LSVM_ERR_NOMEM, "out of memory; free some and try again");
}

void lsvm_free(char *text)
{
	free(text);
}

const char *lsvm_version(void)
{
	return LSVM_VERSION;
}

bool lsvm_feature(const char *name)
{
	static const char *const present[] = {
		"sim",
#ifdef LSVM_HAVE_LINUX
		"linux",
#endif
#ifdef LSVM_HAVE_TLS
		"tls",
#endif
#ifdef LSVM_HAVE_HTTP
		"http",
#endif
	};

	for (size_t i = 0; i < ARRAY_SIZE(present); i++)
		if (strcmp(name, present[i]) == 0)
			return true;
	return false;
}
