/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One process, both libraries: this one and Debian's machine-learning LIBSVM, whose names
 * are close to ours. Each must do its work with the other linked in.
 */
#include <libsvm/libsvm.h>
#include <libsvm/svm.h>
#include <stdio.h>

int main(void)
{
	struct svm_node points[2][2] = { { { 1, 0.0 }, { -1, 0.0 } },
					 { { 1, 1.0 }, { -1, 0.0 } } };
	struct svm_node *rows[] = { points[0], points[1] };
	double labels[] = { -1.0, 1.0 };
	struct svm_problem problem = { 2, labels, rows };
	struct svm_parameter parameter = { .svm_type = C_SVC,
					   .kernel_type = LINEAR,
					   .cache_size = 1,
					   .eps = 0.001,
					   .C = 10 };
	struct lsvm_findings *findings;
	struct svm_model *model;
	struct lsvm_ctx *ctx;
	int right;

	svm_set_print_string_function(NULL);
	model = svm_train(&problem, &parameter);
	if (!model || lsvm_ctx_new(&ctx) < 0 || lsvm_findings_new(ctx, &findings) < 0)
		return 1;
	right = svm_predict(model, points[0]) == -1.0 &&
		svm_predict(model, points[1]) == 1.0 &&
		lsvm_findings_count(findings) == 0;
	printf("libsvm %d and lsvm %s\n", libsvm_version, lsvm_version());
	lsvm_findings_free(findings);
	lsvm_ctx_unref(ctx);
	svm_free_and_destroy_model(&model);
	return right ? 0 : 1;
}
