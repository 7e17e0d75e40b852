/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines in a file: put away under its feet, full disks, pipes that nobody reads. */
#include "host/linux/linux.h"

#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct lsvm_ctx *ctx;
static struct log *log_file;
static char folder[] = "/tmp/lsvm-log-XXXXXX", path[64], other[64];

static int begin(void **state)
{
	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/log", folder);
	snprintf(other, sizeof(other), "%s/log.1", folder);
	log_file = NULL;
	return lsvm_ctx_new(&ctx);
}

static int end(void **state)
{
	lsvm_log_free(log_file);
	lsvm_ctx_unref(ctx);
	unlink(path);
	unlink(other);
	return rmdir(folder);
}

static int put(const char *to, const char *text)
{
	const struct io_log line = {
		.priority = 5, .wall_ms = 1700000000123, .name = "svm-eds", .text = text
	};

	return lsvm_log_write(ctx, &log_file, to, &line);
}

static const char *content(const char *of)
{
	static char text[4096];
	FILE *file = fopen(of, "r");
	size_t length;

	assert_non_null(file);
	length = fread(text, 1, sizeof(text) - 1, file);
	text[length] = '\0';
	fclose(file);
	return text;
}

static void lines_are_appended_with_their_time(void **state)
{
	assert_int_equal(put(path, "one"), 0);
	assert_int_equal(put(path, "two"), 0);
	assert_string_equal(content(path), "2023-11-14T22:13:20.123Z svm-eds: one\n"
					   "2023-11-14T22:13:20.123Z svm-eds: two\n");
}

static void a_file_that_was_put_away_is_begun_anew(void **state)
{
	assert_int_equal(put(path, "one"), 0);
	assert_int_equal(rename(path, other), 0);
	assert_int_equal(put(path, "two"), 0);
	assert_null(strstr(content(other), "two"));
	assert_non_null(strstr(content(path), "two"));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(put(path, "three"), 0);
	assert_non_null(strstr(content(path), "three"));
}

static void a_full_disk_is_an_error_that_says_so(void **state)
{
	assert_int_equal(put("/dev/full", "one"), LSVM_ERR_IO);
	assert_non_null(strstr(lsvm_ctx_error_text(ctx), "No space left"));
	assert_int_equal(put(path, "two"), 0);
	assert_non_null(strstr(content(path), "two"));
}

static void nothing_waits_for_a_pipe_without_a_reader(void **state)
{
	char text[2048], byte;
	int fd, count = 0;

	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(put(path, "one"), LSVM_ERR_IO);
	fd = open(path, O_RDONLY | O_NONBLOCK);
	assert_true(fd >= 0);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	while (put(path, text) == 0)
		assert_true(++count < 1000);
	assert_true(read(fd, &byte, 1) == 1);
	close(fd);
}

static void a_long_line_is_cut_and_ends(void **state)
{
	char text[5000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(put(path, text), 0);
	assert_int_equal(strlen(content(path)), 2047);
	assert_int_equal(content(path)[2046], '\n');
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		T(lines_are_appended_with_their_time),
		T(a_file_that_was_put_away_is_begun_anew),
		T(a_full_disk_is_an_error_that_says_so),
		T(nothing_waits_for_a_pipe_without_a_reader),
		T(a_long_line_is_cut_and_ends),
	};

	return RUN(tests);
}
