/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A stand-in for `nft` in guests: the User-Mode Linux of Debian 12 is built without
 * nftables' families ip and ip6. It understands what plans hold, rules of the form
 *
 *   ip daddr ADDRESS PROTOCOL dport { PORT, FIRST-LAST } meta mark set MARK
 *   ip daddr ADDRESS meta l4proto PROTOCOL meta mark set MARK
 *
 * and has the traffic control of every interface set the marks as packets come in, which
 * for IPVS is the same. Anything else it refuses. Called as nft is called by plans:
 *
 *   nft [-c] -f FILE, nft list table FAMILY NAME, nft delete table FAMILY NAME
 */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINE_BYTES 65536
#define TABLES_FOLDER "/run/.nft"

struct rules {
	FILE *to; /* commands of `tc -batch`; NULL: only check */
	bool six;
	int priority;
	char *words[4096];
	size_t count;
};

static int refuse(const char *what)
{
	fprintf(stderr, "nft (stand-in of svm-lab): %s\n", what);
	return 1;
}

static bool is_word(const struct rules *rules, size_t index, const char *word)
{
	return index < rules->count && !strcmp(rules->words[index], word);
}

/* One filter on every interface but lo. */
static void add_filter(struct rules *rules, const char *address, const char *protocol,
		       const char *ports, const char *mark)
{
	DIR *folder = rules->to ? opendir("/sys/class/net") : NULL;
	struct dirent *entry;

	rules->priority++;
	while (folder && (entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] == '.' || !strcmp(entry->d_name, "lo"))
			continue;
		fprintf(rules->to,
			"filter add dev %s ingress protocol %s pref %d flower dst_ip %s "
			"ip_proto %s%s%s action skbedit mark %s\n",
			entry->d_name, rules->six ? "ipv6" : "ip",
			rules->priority + (rules->six ? 1000 : 0), address, protocol,
			ports ? " dst_port " : "", ports ? ports : "", mark);
	}
	if (folder)
		closedir(folder);
}

/* words[at..] is "ip daddr …"; the words used, or 0 when it is no rule of ours. */
static size_t take_rule(struct rules *rules, size_t at)
{
	const char *address = rules->words[at + 2], *protocol = rules->words[at + 3];
	size_t first = at + 6, end;

	if (is_word(rules, at + 3, "meta") && is_word(rules, at + 4, "l4proto") &&
	    is_word(rules, at + 6, "meta") && is_word(rules, at + 8, "set") &&
	    at + 9 < rules->count) {
		add_filter(rules, address, rules->words[at + 5], NULL,
			   rules->words[at + 9]);
		return 10;
	}
	if (!is_word(rules, at + 4, "dport") || !is_word(rules, at + 5, "{"))
		return 0;
	for (end = first; end < rules->count && !is_word(rules, end, "}"); end++)
		;
	if (!is_word(rules, end + 1, "meta") || !is_word(rules, end + 2, "mark") ||
	    !is_word(rules, end + 3, "set") || end + 4 >= rules->count)
		return 0;
	for (size_t i = first; i < end; i++)
		add_filter(rules, address, protocol, rules->words[i],
			   rules->words[end + 4]);
	return end + 5 - at;
}

static int take_words(struct rules *rules)
{
	size_t used;

	for (size_t i = 0; i < rules->count; i++) {
		if (!is_word(rules, i, "daddr"))
			continue;
		used = i ? take_rule(rules, i - 1) : 0;
		if (!used)
			return refuse("a rule that plans do not have");
		i += used - 2;
	}
	return 0;
}

/* The text cut into words; separators vanish. */
static char *read_words(const char *path, struct rules *rules)
{
	FILE *file = fopen(path, "re");
	char *text = calloc(1, LINE_BYTES), *save = NULL, *line;
	size_t length = file && text ? fread(text, 1, LINE_BYTES - 1, file) : 0;
	const size_t most = sizeof(rules->words) / sizeof(rules->words[0]);

	if (file)
		fclose(file);
	if (!length || length == LINE_BYTES - 1) {
		free(text);
		return NULL;
	}
	for (char *at = text; (line = strtok_r(at, "\n", &save)) != NULL; at = NULL) {
		char *inner = NULL, *word;

		if (strchr(line, '#'))
			*strchr(line, '#') = '\0';
		for (char *part = line; (word = strtok_r(part, " \t,;", &inner)) != NULL;
		     part = NULL)
			if (rules->count < most)
				rules->words[rules->count++] = word;
	}
	return text;
}

/* Brings the filters of both families into force. */
static int run_tc(void)
{
	FILE *to = fopen(TABLES_FOLDER "/all", "we");
	DIR *folder = opendir("/sys/class/net");
	struct dirent *entry;
	int status = -1, c;
	pid_t pid;

	while (to && folder && (entry = readdir(folder)) != NULL)
		if (entry->d_name[0] != '.' && strcmp(entry->d_name, "lo"))
			fprintf(to, "qdisc del dev %s clsact\nqdisc add dev %s clsact\n",
				entry->d_name, entry->d_name);
	if (folder)
		closedir(folder);
	for (int six = 0; to && six < 2; six++) {
		FILE *from =
			fopen(six ? TABLES_FOLDER "/ip6" : TABLES_FOLDER "/ip", "re");

		while (from && (c = getc(from)) != EOF)
			putc(c, to);
		if (from)
			fclose(from);
	}
	if (!to || fclose(to) != 0)
		return refuse(TABLES_FOLDER " cannot be written");
	pid = fork();
	if (pid == 0) {
		/* The first time there is nothing to delete: tc goes on, and complains.
		 */
		if (!freopen("/dev/null", "w", stderr))
			_exit(127);
		execlp("tc", "tc", "-force", "-batch", TABLES_FOLDER "/all", NULL);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) != 127
		       ? 0
		       : refuse("tc cannot be run");
}

static int load(const char *path, bool only_check)
{
	struct rules *rules = calloc(1, sizeof(*rules));
	char *text = rules ? read_words(path, rules) : NULL;
	int status;

	if (!text)
		return refuse("the file cannot be read");
	for (size_t i = 0; i < rules->count; i++)
		rules->six |= is_word(rules, i, "ip6");
	if (!only_check) {
		mkdir(TABLES_FOLDER, 0700);
		rules->to = fopen(rules->six ? TABLES_FOLDER "/ip6" : TABLES_FOLDER "/ip",
				  "we");
		if (!rules->to)
			return refuse(TABLES_FOLDER " cannot be written");
	}
	status = take_words(rules);
	if (rules->to && (fclose(rules->to) != 0 || status || run_tc()))
		status = 1;
	free(text);
	free(rules);
	return status;
}

int main(int argc, char **argv)
{
	const char *path;

	if (argc == 4 && !strcmp(argv[1], "-c") && !strcmp(argv[2], "-f"))
		return load(argv[3], true);
	if (argc == 3 && !strcmp(argv[1], "-f"))
		return load(argv[2], false);
	if (argc == 5 && !strcmp(argv[2], "table")) {
		path = !strcmp(argv[3], "ip6") ? TABLES_FOLDER "/ip6"
					       : TABLES_FOLDER "/ip";
		if (access(path, F_OK) < 0)
			return refuse("there is no such table");
		if (!strcmp(argv[1], "list"))
			return 0;
		if (!strcmp(argv[1], "delete") && unlink(path) == 0)
			return run_tc();
	}
	return refuse("arguments that plans do not have");
}
