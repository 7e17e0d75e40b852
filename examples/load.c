/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads a cluster file and prints what is in it, or all that is wrong with it.
 * load.py does the same in Python.
 */
#include <libsvm/libsvm.h>
#include <stdio.h>

static void print_findings(const struct lsvm_findings *findings, const char *path)
{
	for (size_t i = 0; i < lsvm_findings_count(findings); i++) {
		const struct lsvm_finding *finding = lsvm_findings_at(findings, i);

		printf("%s:%u:%u: %s: %s [%s]\n", path, lsvm_finding_line(finding),
		       lsvm_finding_column(finding),
		       lsvm_severity_name(lsvm_finding_severity(finding)),
		       lsvm_finding_text(finding), lsvm_finding_code(finding));
	}
}

static void print_vip(const struct lsvm_vip *vip)
{
	char address[LSVM_ADDRESS_TEXT_BYTES];

	printf("  VIP %s %s\n", lsvm_vip_name(vip),
	       lsvm_vip_address(vip, address, sizeof(address)));
	for (size_t i = 0; i < lsvm_vip_service_count(vip); i++) {
		const struct lsvm_service *service = lsvm_vip_service_at(vip, i);

		printf("    service %s: %s port %u, %s, %s\n", lsvm_service_name(service),
		       lsvm_protocol_name(lsvm_service_protocol(service)),
		       lsvm_service_port(service),
		       lsvm_forwarding_name(lsvm_service_forwarding(service)),
		       lsvm_service_scheduler(service));
	}
	for (size_t i = 0; i < lsvm_vip_domain_count(vip); i++) {
		const struct lsvm_domain *domain = lsvm_vip_domain_at(vip, i);

		printf("    domain %s in %s\n", lsvm_domain_name(domain),
		       lsvm_domain_home(domain));
	}
}

static void print_cluster(const struct lsvm_cluster *cluster)
{
	printf("cluster %s, %s\n", lsvm_cluster_name(cluster),
	       lsvm_topology_name(lsvm_cluster_topology(cluster)));
	for (size_t i = 0; i < lsvm_cluster_machine_count(cluster); i++) {
		const struct lsvm_machine *machine = lsvm_cluster_machine_at(cluster, i);

		printf("%s %s\n", lsvm_role_name(lsvm_machine_role(machine)),
		       lsvm_machine_name(machine));
	}
	for (size_t i = 0; i < lsvm_cluster_partition_count(cluster); i++) {
		const struct lsvm_partition *partition =
			lsvm_cluster_partition_at(cluster, i);

		printf("partition %s\n", lsvm_partition_name(partition));
		for (size_t j = 0; j < lsvm_partition_server_count(partition); j++)
			printf("  server %s weight %u\n",
			       lsvm_machine_name(lsvm_partition_server_at(partition, j)),
			       lsvm_partition_server_weight(partition, j));
		for (size_t j = 0; j < lsvm_partition_vip_count(partition); j++)
			print_vip(lsvm_partition_vip_at(partition, j));
	}
}

int main(int argc, char **argv)
{
	struct lsvm_cluster *cluster = NULL;
	struct lsvm_findings *findings = NULL;
	struct lsvm_ctx *ctx = NULL;
	int err;

	if (argc != 2) {
		fprintf(stderr, "usage: %s CLUSTER-FILE\n", argv[0]);
		return 2;
	}
	err = lsvm_ctx_new(&ctx);
	if (err < 0)
		return 1;
	err = lsvm_findings_new(ctx, &findings);
	if (err >= 0)
		err = lsvm_cluster_load_file(ctx, argv[1], findings, &cluster);
	/* Warnings are there also when the cluster is good. */
	if (findings)
		print_findings(findings, argv[1]);
	if (err >= 0)
		print_cluster(cluster);
	else
		fprintf(stderr, "%s\n", lsvm_ctx_error_text(ctx));
	lsvm_cluster_unref(cluster);
	lsvm_findings_free(findings);
	lsvm_ctx_unref(ctx);
	return err >= 0 ? 0 : err == LSVM_ERR_FINDINGS ? 3 : 1;
}
