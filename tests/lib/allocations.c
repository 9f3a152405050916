/*
 * Counts what the program itself allocates, as opposed to the libraries that it uses: calls of malloc and the
 * like that return into the program. The count is the first number of the file that ALLOCATIONS_FILE names
 * (COUNT 8-byte numbers, at first 0); the others tell, in pairs, where such a call returns to, from the
 * program's beginning, and how many of them there were. Preloaded; built by the case that needs it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define COUNT 1025

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t count, size_t n);
extern void *__libc_realloc(void *p, size_t n);

static uintptr_t base, end;
static uint64_t none[COUNT], *shared = none;

/* The program is the first. */
static int find(struct dl_phdr_info *info, size_t size, void *ctx)
{
	(void)size, (void)ctx;
	base = info->dlpi_addr;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_LOAD)
			end = base + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;
	return 1;
}

__attribute__((constructor)) static void begin(void)
{
	const char *name = getenv("ALLOCATIONS_FILE");
	int fd = name ? open(name, O_RDWR | O_CLOEXEC) : -1;
	void *p = fd < 0 ? MAP_FAILED
			 : mmap(NULL, sizeof(none), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	dl_iterate_phdr(find, NULL);
	if (p != MAP_FAILED)
		shared = p;
}

static void note(const void *caller)
{
	uintptr_t at = (uintptr_t)caller - base;
	size_t i = 1;

	if ((uintptr_t)caller < base || (uintptr_t)caller >= end)
		return;
	shared[0]++;
	while (i + 2 < COUNT && shared[i] && shared[i] != at)
		i += 2;
	shared[i] = at;
	shared[i + 1]++;
}

void *malloc(size_t n)
{
	note(__builtin_return_address(0));
	return __libc_malloc(n);
}

void *calloc(size_t count, size_t n)
{
	note(__builtin_return_address(0));
	return __libc_calloc(count, n);
}

void *realloc(void *p, size_t n)
{
	note(__builtin_return_address(0));
	return __libc_realloc(p, n);
}

char *strdup(const char *s)
{
	size_t n = strlen(s) + 1;
	char *copy = __libc_malloc(n);

	note(__builtin_return_address(0));
	return copy ? memcpy(copy, s, n) : NULL;
}
