/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Loaded into linux.uml (LD_PRELOAD) by svm-lab; stands between it and ptrace().
 *
 * User-Mode Linux 6.1 hands a traced process its floating-point registers as an XSAVE
 * area of the size it was built with. On processors with larger states (AMX) the host's
 * kernel refuses an area that is not of full size, and the guest panics with its first
 * process. Here a short area is filled up: the missing components are marked as being in
 * their initial state, which they are, because the guest never shows them to a program.
 *
 * It also ties every process of the guest to linux.uml, by PTRACE_O_EXITKILL and
 * PR_SET_PDEATHSIG: when that is killed they die too, instead of running on as processes
 * of the host.
 */
#include <cpuid.h>
#include <dlfcn.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define NT_X86_XSTATE_NOTE 0x202
#define XSTATE_BV_OFFSET 512
#define REQUEST_OLD_SETOPTIONS 21
#define AREA_BYTES 65536 /* far above what any processor has */

typedef long ptrace_fn(int request, ...);

typedef int clone_fn(int (*function)(void *), void *stack, int flags, void *arg, ...);

static ptrace_fn *real;
static clone_fn *real_clone;
/* Not on the stack: the guest's kernel stacks are small. It traces from one thread. */
static unsigned char area[AREA_BYTES] __attribute__((aligned(64)));
static size_t full_bytes;

__attribute__((constructor)) static void init(void)
{
	*(void **)&real = dlsym(RTLD_NEXT, "ptrace");
	*(void **)&real_clone = dlsym(RTLD_NEXT, "clone");
}

/* The components that lie wholly in the first `length` bytes. */
static uint64_t components_within(size_t length)
{
	uint64_t mask = 3; /* x87 and SSE are in the legacy part */
	unsigned int size, offset, flags, unused;

	for (int i = 2; i < 63; i++) {
		if (!__get_cpuid_count(0xd, i, &size, &offset, &flags, &unused))
			break;
		if (size && offset && offset + size <= length)
			mask |= 1ULL << i;
	}
	return mask;
}

static long set_xstate(int pid, const struct iovec *given)
{
	static uint64_t mask;
	struct iovec whole = { area, sizeof(area) };
	uint64_t present;

	if (!full_bytes) {
		if (real(PTRACE_GETREGSET, pid, (void *)NT_X86_XSTATE_NOTE, &whole) < 0)
			return -1;
		full_bytes = whole.iov_len;
		mask = components_within(given->iov_len);
	}
	if (given->iov_len >= full_bytes || given->iov_len < XSTATE_BV_OFFSET + 64)
		return real(PTRACE_SETREGSET, pid, (void *)NT_X86_XSTATE_NOTE, given);
	memcpy(area, given->iov_base, given->iov_len);
	memset(area + given->iov_len, 0, full_bytes - given->iov_len);
	memcpy(&present, area + XSTATE_BV_OFFSET, sizeof(present));
	present &= mask;
	memcpy(area + XSTATE_BV_OFFSET, &present, sizeof(present));
	whole.iov_len = full_bytes;
	return real(PTRACE_SETREGSET, pid, (void *)NT_X86_XSTATE_NOTE, &whole);
}

__attribute__((visibility("default"))) long ptrace(enum __ptrace_request request, ...)
{
	va_list args;
	void *addr, *data;
	int pid;

	va_start(args, request);
	pid = va_arg(args, int);
	addr = va_arg(args, void *);
	data = va_arg(args, void *);
	va_end(args);
	if (request == PTRACE_SETREGSET && addr == (void *)NT_X86_XSTATE_NOTE)
		return set_xstate(pid, data);
	if (request == PTRACE_SETOPTIONS || (int)request == REQUEST_OLD_SETOPTIONS)
		return real(PTRACE_SETOPTIONS, pid, addr,
			    (void *)((uintptr_t)data | PTRACE_O_EXITKILL));
	return real(request, pid, addr, data);
}

/* Lies at the top of the new process's stack. */
struct start {
	int (*function)(void *);
	void *arg;
	long parent;
};

static int start(void *at)
{
	struct start mine = *(struct start *)at;

	syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	/* The parent died before that: nobody would ever end this process, and it would
	 * ask to be traced by process 1. */
	if (syscall(SYS_getppid) != mine.parent)
		syscall(SYS_exit_group, 1);
	return mine.function(mine.arg);
}

/* linux.uml starts all its processes by this call, with four arguments. */
__attribute__((visibility("default"))) int clone(int (*function)(void *), void *stack,
						 int flags, void *arg, ...)
{
	struct start *top = (struct start *)(((uintptr_t)stack & ~63UL) - 64);

	*top = (struct start){ function, arg, syscall(SYS_getpid) };
	return real_clone(start, top, flags, top);
}
