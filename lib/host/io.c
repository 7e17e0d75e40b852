/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words for what can happen to a channel. */
#include "host/io.h"

const char *lsvm_io_error_text(enum io_error error)
{
	switch (error) {
	case IO_ERROR_NONE:
		return "no error";
	case IO_ERROR_REFUSED:
		return "connection refused";
	case IO_ERROR_UNREACHABLE:
		return "no way there";
	case IO_ERROR_RESET:
		return "connection reset";
	case IO_ERROR_TIMEOUT:
		return "timed out";
	case IO_ERROR_TLS:
		return "TLS handshake failed";
	case IO_ERROR_CERTIFICATE:
		return "certificate not trusted";
	case IO_ERROR_RESOURCES:
		return "this machine is out of descriptors, ports or memory";
	case IO_ERROR_PERMISSION:
		return "not permitted";
	case IO_ERROR_ADDRESS:
		return "the local address is not there, or taken";
	case IO_ERROR_OVERFLOW:
		return "it takes nothing of what is sent";
	case IO_ERROR_OTHER:
		break;
	}
	return "failed";
}
