# SPDX-License-Identifier: LGPL-2.1-or-later
# Written by bindings/python/generate.py from include/libsvm/*.h; change those and run it again.

"""Every exported function: its result and its parameters, in C's words."""

FUNCTIONS = {
    "lsvm_ctx_error_text": ("const char *", ["const struct lsvm_ctx *"]),
    "lsvm_ctx_new": ("int", ["struct lsvm_ctx **"]),
    "lsvm_ctx_ref": ("struct lsvm_ctx *", ["struct lsvm_ctx *"]),
    "lsvm_ctx_unref": ("void", ["struct lsvm_ctx *"]),
    "lsvm_err_name": ("const char *", ["int"]),
    "lsvm_feature": ("bool", ["const char *"]),
    "lsvm_finding_code": ("const char *", ["const struct lsvm_finding *"]),
    "lsvm_finding_code_at": ("const char *", ["size_t"]),
    "lsvm_finding_code_count": ("size_t", []),
    "lsvm_finding_column": ("uint32_t", ["const struct lsvm_finding *"]),
    "lsvm_finding_hint": ("const char *", ["const struct lsvm_finding *"]),
    "lsvm_finding_line": ("uint32_t", ["const struct lsvm_finding *"]),
    "lsvm_finding_path": ("const char *", ["const struct lsvm_finding *"]),
    "lsvm_finding_severity": ("int", ["const struct lsvm_finding *"]),
    "lsvm_finding_text": ("const char *", ["const struct lsvm_finding *"]),
    "lsvm_findings_at": ("const struct lsvm_finding *", ["const struct lsvm_findings *", "size_t"]),
    "lsvm_findings_count": ("size_t", ["const struct lsvm_findings *"]),
    "lsvm_findings_error_count": ("size_t", ["const struct lsvm_findings *"]),
    "lsvm_findings_free": ("void", ["struct lsvm_findings *"]),
    "lsvm_findings_new": ("int", ["struct lsvm_ctx *", "struct lsvm_findings **"]),
    "lsvm_findings_to_json": ("int", ["const struct lsvm_findings *", "char **"]),
    "lsvm_free": ("void", ["char *"]),
    "lsvm_host_free": ("void", ["struct lsvm_host *"]),
    "lsvm_host_ipvs_reconcile": (
        "int", [
            "struct lsvm_host *",
            "const struct lsvm_ipvs_table *",
            "const struct lsvm_ipvs_table *",
            "size_t *",
        ]),
    "lsvm_host_ipvs_snapshot": ("int", ["struct lsvm_host *", "struct lsvm_ipvs_table **"]),
    "lsvm_host_is_simulated": ("bool", ["const struct lsvm_host *"]),
    "lsvm_host_name": ("const char *", ["const struct lsvm_host *"]),
    "lsvm_host_new_simulated": (
        "int", [
            "struct lsvm_ctx *",
            "const char *",
            "struct lsvm_host **",
        ]),
    "lsvm_host_open": ("int", ["struct lsvm_ctx *", "const char *", "struct lsvm_host **"]),
    "lsvm_host_simulate_interface": ("int", ["struct lsvm_host *", "const char *"]),
    "lsvm_host_write_count": ("uint64_t", ["const struct lsvm_host *"]),
    "lsvm_severity_name": ("const char *", ["int"]),
    "lsvm_severity_parse": ("int", ["const char *"]),
    "lsvm_version": ("const char *", []),
}
