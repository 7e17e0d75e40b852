/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why a line of keepalived.conf is not in the cluster file. */
#include "import/import.h"

static const char mail[] = "the directors send no mail; a monitor reads their state";
static const char script[] = "scripts on events are not run; a monitor reads the state";
static const char track[] = "VRRP follows no interfaces, scripts or files here";
static const char routes[] =
	"addresses, routes and rules of the machine itself are not LVS; they stay with "
	"whatever sets up its network";
static const char vmac[] = "virtual MAC addresses are not used";
static const char timing[] = "how often an address is announced is not configurable";
static const char process[] = "it is about keepalived's own processes";
static const char check[] = "the checks of libsvm have no such option";
static const char start[] =
	"what a server counts as before its first check is not configurable";

static const struct {
	const char *word, *why;
} reasons[] = {
	{ "include", "what is in that file is not here: put everything into one file" },
	{ "includer", "what is in that file is not here: put everything into one file" },
	{ "notification_email", mail },
	{ "notification_email_from", mail },
	{ "smtp_server", mail },
	{ "smtp_connect_timeout", mail },
	{ "smtp_helo_name", mail },
	{ "smtp_alert", mail },
	{ "smtp_alert_checker", mail },
	{ "smtp_alert_vrrp", mail },
	{ "router_id", "it names the machine in mail; machines have names of their own" },
	{ "notify", script },
	{ "notify_up", script },
	{ "notify_down", script },
	{ "notify_master", script },
	{ "notify_backup", script },
	{ "notify_fault", script },
	{ "notify_stop", script },
	{ "notify_fifo", script },
	{ "vrrp_notify_fifo", script },
	{ "lvs_notify_fifo", script },
	{ "quorum_up", script },
	{ "quorum_down", script },
	{ "script_user", script },
	{ "enable_script_security", script },
	{ "vrrp_script", track },
	{ "vrrp_track_process", track },
	{ "vrrp_track_file", track },
	{ "track_file", track },
	{ "track_script", track },
	{ "track_interface", track },
	{ "track_process", track },
	{ "track_bfd", track },
	{ "bfd_instance", track },
	{ "BFD_CHECK", track },
	{ "FILE_CHECK", "the agent check does this: the server itself says how it is" },
	{ "static_ipaddress", routes },
	{ "static_routes", routes },
	{ "static_rules", routes },
	{ "virtual_routes", routes },
	{ "virtual_rules", routes },
	{ "use_vmac", vmac },
	{ "vmac_xmit_base", vmac },
	{ "garp_master_delay", timing },
	{ "garp_master_repeat", timing },
	{ "garp_master_refresh", timing },
	{ "vrrp_garp_master_delay", timing },
	{ "vrrp_garp_master_repeat", timing },
	{ "vrrp_garp_master_refresh", timing },
	{ "vrrp_garp_interval", timing },
	{ "vrrp_gna_interval", timing },
	{ "process_names", process },
	{ "checker_priority", process },
	{ "vrrp_priority", process },
	{ "vrrp_rt_priority", process },
	{ "checker_rt_priority", process },
	{ "net_namespace", process },
	{ "instance", process },
	{ "enable_traps", "there is no SNMP; a monitor reads the state" },
	{ "enable_snmp_checker", "there is no SNMP; a monitor reads the state" },
	{ "enable_snmp_vrrp", "there is no SNMP; a monitor reads the state" },
	{ "snmp_name", "there is no SNMP; a monitor reads the state" },
	{ "vrrp_mcast_group4", "the group is that of RFC 5798" },
	{ "vrrp_mcast_group6", "the group is that of RFC 5798" },
	{ "vrrp_strict", "strictness is not configurable" },
	{ "vrrp_skip_check_adv_addr", "adverts are always looked at whole" },
	{ "lvs_flush", "nothing is ever flushed" },
	{ "lvs_flush_on_stop", "nothing is ever flushed" },
	{ "lvs_flush_onstop", "nothing is ever flushed" },
	{ "authentication", "VRRP has had no passwords since RFC 3768" },
	{ "dont_track_primary", track },
	{ "alpha", start },
	{ "omega", script },
	{ "hysteresis", "a quorum has no hysteresis" },
	{ "ha_suspend", "checks run on every director, whether it holds the address or "
			"not" },
	{ "inhibit_on_failure",
	  "whether a failed server stays with weight 0 is not configurable" },
	{ "sorry_server_inhibit",
	  "the sorry server is used only when no server is left" },
	{ "sorry_server_lvs_method",
	  "the sorry server is reached in the way of the service" },
	{ "delay_before_retry", "a check is repeated after its interval, also after a "
				"failure" },
	{ "warmup", "a check has a random part of its interval instead: jitter_ms" },
	{ "connect_ip", "the real server's own address is checked and no other" },
	{ "bindto", check },
	{ "bind_to", check },
	{ "bind_port", check },
	{ "bind_if", check },
	{ "fwmark", check },
	{ "helo_name", check },
	{ "host",
	  "only the real server itself is checked; give another machine a back-end "
	  "service that the real servers need" },
	{ "digest", "the digest is MD5 of the page; write what the page must contain as "
		    "body:, or digest: sha256:…" },
	{ "regex", "the answer is searched for plain text: body:" },
	{ "regex_no_match", "the answer is searched for plain text: body:" },
	{ "regex_options", "the answer is searched for plain text: body:" },
	{ "http_protocol", check },
	{ "status_code", "some of these are no HTTP statuses" },
	{ "enable_sni", "without a virtualhost there is no name to send" },
	{ "misc_dynamic",
	  "a program's status is yes or no; the agent check sets weights" },
	{ "user", "a check runs as the user of the agent" },
	{ "payload", "a UDP check sends text: send:" },
	{ "require_reply", "a UDP check waits for text: expect:" },
	{ "min_reply_length", check },
	{ "max_reply_length", check },
	{ "SSL", "certificates of checks are not configurable" },
	{ "virtual_server_group", "no virtual server uses this group" },
	{ "static_track_group", track },
	{ "net_namespace_ipvs", process },
};

const char *lsvm_keepalived_why(const struct statement *statement)
{
	const char *word = lsvm_import_word(statement, 0);

	if (*word == '$')
		return "a parameter of several lines, or one that is not defined; write "
		       "out what it stands for";
	if (*word == '~')
		return "a sequence of lines; write them out";
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (strcasecmp(reasons[i].word, word) == 0)
			return reasons[i].why;
	return NULL;
}
