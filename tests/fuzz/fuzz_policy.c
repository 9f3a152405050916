/*
 * What a policy says about any messages, against a slow and obvious reading of
 * the same rules in python (policy_oracle.py, which says what the bytes of an
 * input mean).
 *
 * With libFuzzer the oracle runs beside and judges every input. Compiled with
 * POLICY_STANDALONE it is the other way round: the oracle feeds this program
 * (tests/checks/policy.py, part of make check).
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mcp/policy/policy.h"

static char only_rules[][16] = { "Get-*", "@boards", "*", "?un-Query", "[A-G]*", "x\\*y",
	"@replays", "" };
static char project_rule[] = "11,12";
static char ignore_rules[][16] = { "delete*", "*-flag*", "GET-PROJECTS", "*?" };

/* ---- one input ---- */

static void say_request(struct policy *p, const struct message *m, struct buf *out)
{
	bool asks = m->kind == MESSAGE_REQUEST || m->kind == MESSAGE_NOTIFICATION;
	struct err e = { 0 };
	bool good = !p || policy_request(p, m, &e);

	if (!buf_adds(out, !asks  ? "skipped\n"
			   : good ? "allowed\n"
				  : "refused\n") ||
		good != (e.kind == ERR_NONE))
		abort();
}

static void say_list(struct policy *p, const struct message *m, struct buf *out)
{
	struct err e = { 0 };
	struct buf left;
	bool good = true;

	buf_init(&left, MESSAGE_MAX);
	if (m->kind != MESSAGE_RESPONSE || !p) {
		good = buf_adds(out, "skipped\n");
	} else {
		switch (policy_list(p, m, &left, &e)) {
		case POLICY_AS_IS:
			good = buf_adds(out, "as-is\n");
			break;
		case POLICY_FILTERED:
			good = buf_addf(out, "filtered %zu\n", left.len) &&
			       buf_add(out, left.p, left.len) && buf_addc(out, '\n');
			break;
		case POLICY_UNREADABLE:
			good = buf_adds(out, "unreadable\n");
			break;
		}
	}
	if (!good)
		abort();
	buf_free(&left);
}

static void say(struct policy *p, char how, char *text, size_t n, struct buf *out)
{
	struct message m;

	if (message_scan(text, n, &m, NULL) != MESSAGE_OK) {
		if (!buf_adds(out, "skipped\n"))
			abort();
	} else if (how == 'l') {
		say_list(p, &m, out);
	} else {
		say_request(p, &m, out);
	}
}

/* Byte 0: read-only, and whether only some projects; bytes 1 and 2: which rules; then messages, each behind a byte that says how it is
 * meant ('l': a list of tools), with a zero byte between them. */
static void play(const uint8_t *data, size_t size, struct buf *out)
{
	char *only[8], *ignore[4], *projects[] = { project_rule }, *copy;
	struct policy_opts o = { .only = only, .ignore = ignore, .projects = projects };
	struct err e = { 0 };
	struct policy *p;

	if (size < 3)
		return;
	o.read_only = data[0] & 1;
	o.nprojects = data[0] >> 1 & 1;
	for (int i = 0; i < 8; i++)
		if (data[1] >> i & 1)
			only[o.nonly++] = only_rules[i];
	for (int i = 0; i < 4; i++)
		if (data[2] >> i & 1)
			ignore[o.nignore++] = ignore_rules[i];
	p = policy_new(&o, &e);
	data += 3, size -= 3;
	while (size) {
		const uint8_t *zero = memchr(data, 0, size);
		size_t n = zero ? (size_t)(zero - data) : size;

		if (n > 1) {
			copy = malloc(n - 1); /* its end is watched */
			memcpy(copy, data + 1, n - 1);
			say(p, (char)data[0], copy, n - 1, out);
			free(copy);
		}
		data += zero ? n + 1 : n;
		size -= zero ? n + 1 : n;
	}
	policy_free(p);
}

/* ---- frames: four bytes of length, then so many bytes ---- */

/* libFuzzer's alarm interrupts what waits. */
static bool transfer(int fd, void *p, size_t n, bool out)
{
	for (char *at = p; n;) {
		ssize_t done = out ? write(fd, at, n) : read(fd, at, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		at += done;
		n -= (size_t)done;
	}
	return true;
}

static void put(int fd, const void *p, size_t n)
{
	uint8_t head[4] = { (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };

	if (!transfer(fd, head, 4, true) || !transfer(fd, (void *)(uintptr_t)p, n, true))
		exit(2);
}

/* NULL at the end. */
static uint8_t *get(int fd, size_t *n)
{
	uint8_t head[4], *p;

	if (!transfer(fd, head, 4, false))
		return NULL;
	*n = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
	p = malloc(*n + 1);
	if (!transfer(fd, p, *n, false))
		exit(2);
	p[*n] = 0;
	return p;
}

#ifdef POLICY_STANDALONE

int main(void)
{
	uint8_t *data;
	size_t n;

	while ((data = get(0, &n))) {
		struct buf out;

		buf_init(&out, MESSAGE_MAX);
		play(data, n, &out);
		put(1, out.p, out.len);
		buf_free(&out);
		free(data);
	}
	return 0;
}

#else

static int to_oracle, from_oracle;

static void start_oracle(void)
{
	int there[2], back[2];

	if (pipe(there) != 0 || pipe(back) != 0)
		exit(2);
	if (fork() == 0) {
		dup2(there[0], 0);
		dup2(back[1], 1);
		close(there[1]);
		close(back[0]);
		execlp("python3", "python3", "tests/fuzz/policy_oracle.py", (char *)NULL);
		_exit(127);
	}
	close(there[0]);
	close(back[1]);
	to_oracle = there[1];
	from_oracle = back[0];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf out;
	uint8_t *verdict;
	size_t n;

	if (!to_oracle)
		start_oracle();
	buf_init(&out, MESSAGE_MAX);
	play(data, size, &out);
	put(to_oracle, data, size);
	put(to_oracle, out.p, out.len);
	verdict = get(from_oracle, &n);
	if (!verdict || n) {
		fprintf(stderr, "the oracle: %s\n", verdict ? (char *)verdict : "is gone");
		abort();
	}
	free(verdict);
	buf_free(&out);
	return 0;
}

#endif
