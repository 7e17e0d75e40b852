/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs a fuzz target without libFuzzer: every file of the folders given, then mutations
 * of each (bytes flipped, replaced, cut out, doubled; the end cut off), then random
 * bytes. The generator is fixed, so that a failure happens again. LSVM_FUZZ_RUNS sets how
 * many mutations each file gets. The input sits at the end of its own allocation, where a
 * sanitizer sees every byte read too far.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MUTATIONS 2000
#define INPUT_MAX_BYTES (1024 * 1024)
#define SECONDS 12

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t seed = 0x9e3779b97f4a7c15u;
static unsigned long fed, files;

static uint32_t draw(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return below ? (uint32_t)(seed >> 32) % below : 0;
}

static void feed(const uint8_t *bytes, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy) {
		perror("fuzz replay");
		exit(1);
	}
	memcpy(copy, bytes, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
	fed++;
}

static size_t mutate(uint8_t *bytes, size_t size)
{
	uint32_t at = draw((uint32_t)size), length = 1 + draw(16);

	if (!size)
		return 0;
	if (length > size - at)
		length = (uint32_t)(size - at);
	switch (draw(6)) {
	case 0:
		bytes[at] ^= (uint8_t)(1u << draw(8));
		return size;
	case 1:
		bytes[at] = (uint8_t)draw(256);
		return size;
	case 2:
		return at;
	case 3:
		memmove(bytes + at, bytes + at + length, size - at - length);
		return size - length;
	case 4: /* the caller left room for it */
		memmove(bytes + at + length, bytes + at, size - at);
		return size + length;
	default:
		memset(bytes + at, (int)draw(2) * 0xff, length);
		return size;
	}
}

static bool is_over(clock_t until)
{
	return clock() >= until;
}

static void replay(const uint8_t *bytes, size_t size, unsigned long runs, clock_t until)
{
	uint8_t *copy = malloc(size + 64 * 16);

	if (!copy) {
		perror("fuzz replay");
		exit(1);
	}
	feed(bytes, size);
	for (unsigned long run = 0; run < runs && !is_over(until); run++) {
		size_t length = size;

		memcpy(copy, bytes, size);
		for (uint32_t i = 0, count = 1 + draw(4); i < count; i++)
			length = mutate(copy, length);
		feed(copy, length);
	}
	free(copy);
}

static void replay_file(const char *folder, const char *name, unsigned long runs,
			clock_t until)
{
	static uint8_t bytes[INPUT_MAX_BYTES];
	char path[4096];
	FILE *file;
	size_t size;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "rb");
	if (!file) {
		perror(path);
		exit(1);
	}
	size = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	files++;
	replay(bytes, size, runs, until);
}

/* Every file gets the same share of the time that is left. */
static void replay_folder(const char *folder, unsigned long runs, clock_t until)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, NULL, alphasort);

	if (count < 0) {
		perror(folder);
		exit(1);
	}
	for (int i = 0; i < count; i++) {
		clock_t now = clock();

		if (entries[i]->d_name[0] != '.')
			replay_file(folder, entries[i]->d_name, runs,
				    now + (until - now) / (count - i));
		free(entries[i]);
	}
	free(entries);
}

static unsigned long number(const char *name, unsigned long otherwise)
{
	const char *wanted = getenv(name);

	return wanted ? strtoul(wanted, NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
	unsigned long runs = number("LSVM_FUZZ_RUNS", MUTATIONS);
	clock_t until = (clock_t)number("LSVM_FUZZ_SECONDS", SECONDS) * CLOCKS_PER_SEC;
	uint8_t noise[256];

	for (int i = 1; i < argc; i++)
		replay_folder(argv[i], runs, until);
	if (!files) {
		fprintf(stderr, "no inputs: give folders that have some\n");
		return 1;
	}
	for (unsigned i = 0; i < 200; i++) {
		size_t size = draw(sizeof(noise));

		for (size_t j = 0; j < size; j++)
			noise[j] = (uint8_t)draw(256);
		feed(noise, size);
	}
	printf("%lu files, %lu inputs\n", files, fed);
	return 0;
}
