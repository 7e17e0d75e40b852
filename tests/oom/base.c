/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ground floor without memory. */
#include "base/base.h"

#include "oom.h"

static int findings(void)
{
	struct lsvm_findings *findings = NULL;
	struct lsvm_ctx *ctx = NULL;
	char *text = NULL;
	int err = lsvm_ctx_new(&ctx);

	if (err < 0)
		return err;
	err = lsvm_findings_new(ctx, &findings);
	for (unsigned i = 0; err >= 0 && i < 20; i++)
		lsvm_findings_add(findings, 0, "/a", (struct mark){ i, 1 }, "%u", i);
	if (err >= 0 && findings->failed)
		err = LSVM_ERR_NOMEM;
	if (err >= 0)
		err = lsvm_findings_to_json(findings, &text);
	if (err >= 0)
		OOM_CHECK(lsvm_findings_count(findings) == 20 && strstr(text, "\"19\""));
	lsvm_free(text);
	lsvm_findings_free(findings);
	lsvm_ctx_unref(ctx);
	return err;
}

static int containers(void)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g",
					     "h", "i", "j", "k", "l", "m", "n" };
	struct arena arena = { 0 };
	struct map map = { 0 };
	struct buf buf = { 0 };
	int err = 0;

	for (size_t i = 0; err >= 0 && i < ARRAY_SIZE(names); i++)
		err = lsvm_map_put(&map, names[i], 1, (void *)names[i], NULL);
	for (size_t i = 0; i < 200; i++) {
		lsvm_arena_printf(&arena, "%zu %100s", i, "");
		lsvm_buf_printf(&buf, "%zu %100s", i, "");
	}
	if (err >= 0 && (arena.failed || buf.failed))
		err = LSVM_ERR_NOMEM;
	if (err >= 0)
		OOM_CHECK(lsvm_map_find(&map, "n") == names[13]);
	lsvm_map_free(&map);
	lsvm_arena_free(&arena);
	lsvm_buf_free(&buf);
	return err;
}

int main(void)
{
	return oom_run("findings", findings) | oom_run("containers", containers);
}
