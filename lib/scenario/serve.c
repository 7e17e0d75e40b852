/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the servers and back-ends of a lab say to those who ask, checks among them. */
#include "scenario/lab.h"

static const struct word behaviours[] = {
	{ BEHAVIOUR_ANSWER, "answer" },
	{ BEHAVIOUR_SILENT, "silent" },
	{ BEHAVIOUR_WEDGED, "wedged" },
	{ BEHAVIOUR_REFUSE, "refuse" },
	{ 0, NULL },
};

static bool parse_behaviour(const char *word, enum behaviour *ret)
{
	for (size_t i = 0; behaviours[i].name; i++)
		if (strcmp(behaviours[i].name, word) == 0) {
			*ret = (enum behaviour)behaviours[i].value;
			return true;
		}
	return false;
}

/* A page that names who answers. */
static void page(const char *body, const char *name, struct buf *buf)
{
	lsvm_buf_printf(buf,
			"HTTP/1.1 200 OK\r\nServer: %s\r\nContent-Length: %zu\r\n"
			"Connection: close\r\n\r\n%s",
			name, strlen(body), body);
}

static int serve_on(struct lsvm_lab *lab, const struct lab_machine *machine,
		    enum behaviour behaviour, int protocol, uint16_t port,
		    const char *text)
{
	struct behaviour_spec spec = { .behaviour = behaviour,
				       .protocol = protocol,
				       .port = port,
				       .close = protocol != LSVM_PROTOCOL_UDP,
				       .keep = LAB_HOLD };
	struct buf answer = { 0 };
	int err;

	if (protocol == LSVM_PROTOCOL_UDP)
		lsvm_buf_text(&answer, text ? text : machine->machine->name);
	else
		page(text ? text : machine->machine->name, machine->machine->name,
		     &answer);
	spec.answer = answer.data;
	err = answer.failed ? lsvm_fail_nomem(lab->ctx)
			    : lsvm_world_serve(machine->host, &spec);
	lsvm_buf_free(&answer);
	return err;
}

int lsvm_lab_serve(struct lsvm_lab *lab, const char *name, const char *word,
		   uint16_t port, const char *text)
{
	static const int protocols[] = { LSVM_PROTOCOL_TCP, LSVM_PROTOCOL_UDP,
					 LSVM_PROTOCOL_SCTP };
	struct lab_machine *machine;
	enum behaviour behaviour;
	int err = lsvm_lab_find(lab, name, &machine);

	if (err < 0)
		return err;
	if (!parse_behaviour(word, &behaviour))
		return lsvm_fail(lab->ctx, LSVM_ERR_PARSE,
				 "servers cannot \"%s\"; they answer, refuse, or are "
				 "silent or wedged",
				 word);
	for (size_t i = 0; i < ARRAY_SIZE(protocols) && err >= 0; i++)
		err = serve_on(lab, machine, behaviour, protocols[i], port, text);
	if (err >= 0 && !port)
		machine->behaviour = behaviour;
	lsvm_lab_touched(lab);
	return err;
}
