/*
 * drive URL TLS-URL CA-FOLDER CA-BUNDLE {-- NAME COMMAND [ARG...]}...
 *
 * The client of the benchmark. Each command is a bridge; it is started with
 * the URL as its last argument. All of them are measured in turns, round by
 * round, so that whatever else the machine does falls on all alike; a row is
 * the median of its rounds. Prints one line a row:
 *
 *   NAME <tab> '+' (more is better) or '-' (less is) <tab> a value for each command
 *
 * A value is "-" when no answer came in time.
 */
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROGRAMS 8
#define ARGS 16
#define READ_SIZE ((size_t)1 << 20)
#define BIG ((size_t)64 << 20)
#define MIB (1024.0 * 1024)

/* Rounds of a row; a program that takes longer than this for its share of a row has fewer. */
#define ROUNDS 15
#define BIG_ROUNDS 7
#define STARTS 41
#define PATIENCE_S 5.0
/* One turn. */
#define TURN_S 0.1
/* No answer for so long is none at all. */
#define SILENCE_MS 10000
#define SETTLE_S 6
#define IDLE_S 3

/* Most rows that one measurement fills. */
#define ROWS 3

struct program {
	const char *name;
	char *argv[ARGS + 2]; /* the last one is the URL */
	int argc;
	pid_t pid; /* 0: not running */
	int in, out;
	char *buffer;
	size_t have, used;
	long id;
};

static struct program programs[PROGRAMS];
static int nprograms;
static const char *url, *tls_url, *ca_folder, *ca_bundle;
static char *bundle_url; /* tls_url, with the authorities in one file instead of a folder */
static char *big_argument;
static size_t big_len;

/* ---- numbers ---- */

/* The values of one row, for each program. */
struct row {
	const char *name;
	char better;
	int n[PROGRAMS];
	double value[PROGRAMS][STARTS];
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void note(struct row *r, const struct program *p, double value)
{
	long i = p - programs;

	if (r->n[i] < STARTS && !isnan(value))
		r->value[i][r->n[i]++] = value;
}

static void print(struct row *r)
{
	printf("%s\t%c", r->name, r->better);
	for (int i = 0; i < nprograms; i++) {
		int n = r->n[i];

		qsort(r->value[i], (size_t)n, sizeof(double), compare);
		if (!n)
			printf("\t-");
		else
			printf("\t%.9g", n % 2 ? r->value[i][n / 2]
					       : (r->value[i][n / 2 - 1] + r->value[i][n / 2]) / 2);
	}
	putchar('\n');
	fflush(stdout);
}

/* ---- a program ---- */

/* Over TLS the system's authorities are trusted, and the benchmark's among them. Node knows no folders. */
static char **environment(const char *where)
{
	static char ours[4096], node[4096];
	static char *env[1024];
	size_t n = 0;

	if (where != tls_url && where != bundle_url)
		return environ;
	if (where == tls_url)
		snprintf(ours, sizeof(ours), "SSL_CERT_DIR=%s", ca_folder);
	else
		snprintf(ours, sizeof(ours), "SSL_CERT_FILE=%s", ca_bundle);
	snprintf(node, sizeof(node), "NODE_EXTRA_CA_CERTS=%s", ca_bundle);
	env[n++] = ours;
	env[n++] = node;
	for (char **e = environ; *e && n < 1023; e++)
		env[n++] = *e;
	env[n] = NULL;
	return env;
}

/* Not fork(): to copy the tables of this process' memory would be the longest part of a start. */
static void start(struct program *p, const char *where)
{
	posix_spawn_file_actions_t how;
	int to[2], from[2];

	if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		exit(1);
	p->have = p->used = 0;
	p->argv[p->argc] = (char *)(size_t)where;
	posix_spawn_file_actions_init(&how);
	posix_spawn_file_actions_adddup2(&how, to[0], 0);
	posix_spawn_file_actions_adddup2(&how, from[1], 1);
	if (posix_spawnp(&p->pid, p->argv[0], &how, NULL, p->argv, environment(where)) != 0)
		exit(1);
	posix_spawn_file_actions_destroy(&how);
	close(to[0]);
	close(from[1]);
	p->in = to[1];
	p->out = from[0];
}

static void stop(struct program *p)
{
	if (!p->pid)
		return;
	close(p->in);
	close(p->out);
	kill(p->pid, SIGKILL);
	waitpid(p->pid, NULL, 0);
	p->pid = 0;
}

static int put(struct program *p, const char *line, size_t n)
{
	while (n) {
		ssize_t w = write(p->in, line, n);

		if (w <= 0)
			return 0;
		line += w;
		n -= (size_t)w;
	}
	return 1;
}

static int read_more(struct program *p)
{
	struct pollfd f = { .fd = p->out, .events = POLLIN };
	ssize_t n = poll(&f, 1, SILENCE_MS) > 0 ? read(p->out, p->buffer, READ_SIZE) : 0;

	p->used = 0;
	p->have = n > 0 ? (size_t)n : 0;
	return n > 0;
}

/*
 * Reads whole lines until `answers` of them had "result" in their first bytes, or until `deadline`
 * (0: none). Returns how many answers came; lines counts all.
 */
static long take(struct program *p, long answers, double deadline, size_t *bytes, long *lines)
{
	static char front[201];
	size_t in_line = 0;
	long got = 0;

	while (got < answers) {
		char *lf;
		size_t n;

		if (p->used == p->have && ((deadline > 0 && now() > deadline) || !read_more(p)))
			break;
		lf = memchr(p->buffer + p->used, '\n', p->have - p->used);
		n = (lf ? (size_t)(lf - p->buffer) : p->have) - p->used;
		if (in_line < 200)
			memcpy(front + in_line, p->buffer + p->used,
				n < 200 - in_line ? n : 200 - in_line);
		in_line += n;
		*bytes += n;
		p->used += n + (lf != NULL);
		if (!lf)
			continue;
		front[in_line < 200 ? in_line : 200] = 0;
		++*lines;
		got += strstr(front, "\"result\"") != NULL;
		in_line = 0;
	}
	return got;
}

static int take_answers(struct program *p, long answers)
{
	size_t bytes = 0;
	long lines = 0;

	return take(p, answers, 0, &bytes, &lines) == answers;
}

/* All of a call up to its arguments. */
static int begin_call(struct program *p, const char *tool)
{
	char line[256];

	return put(p, line,
		(size_t)snprintf(line, sizeof(line),
			"{\"jsonrpc\":\"2.0\",\"id\":%ld,\"method\":\"tools/call\",\"params\":{"
			"\"name\":\"%s\",\"arguments\":",
			++p->id, tool));
}

static int call(struct program *p, const char *tool)
{
	char line[256];

	return put(p, line,
		(size_t)snprintf(line, sizeof(line),
			"{\"jsonrpc\":\"2.0\",\"id\":%ld,\"method\":\"tools/call\",\"params\":{"
			"\"name\":\"%s\",\"arguments\":{}}}\n",
			++p->id, tool));
}

static int handshake(struct program *p)
{
	static const char hello[] =
		"{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{"
		"\"protocolVersion\":\"2025-06-18\",\"capabilities\":{},"
		"\"clientInfo\":{\"name\":\"bench\",\"version\":\"1\"}}}\n";
	static const char there[] =
		"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n";

	return put(p, hello, sizeof(hello) - 1) && take_answers(p, 1) &&
	       put(p, there, sizeof(there) - 1);
}

/* True when it runs and has shaken hands. */
static int ready(struct program *p, const char *where)
{
	if (p->pid)
		return 1;
	start(p, where);
	if (handshake(p) && call(p, "json") && take_answers(p, 1))
		return 1;
	stop(p);
	return 0;
}

static void stop_all(void)
{
	for (int i = 0; i < nprograms; i++)
		stop(&programs[i]);
}

/* ---- what the system says of it ---- */

static double status_of(const struct program *p, const char *name)
{
	char path[64], line[256];
	double value = NAN;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)p->pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, name, strlen(name)) == 0)
			value = strtod(line + strlen(name) + 1, NULL);
	if (f)
		fclose(f);
	return value;
}

static double rss_mib(const struct program *p)
{
	return status_of(p, "VmRSS:") / 1024;
}

static double cpu_s(const struct program *p)
{
	struct timespec t;
	clockid_t clock;

	if (clock_getcpuclockid(p->pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
		return NAN;
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- rows ---- */

/* One turn of a row for one program; false when the program failed. */
typedef int turn_fn(struct program *p, struct row *rows);

static void measure(turn_fn *turn, int rounds, struct row *rows, int nrows)
{
	double spent[PROGRAMS] = { 0 };

	for (int round = 0; round < rounds; round++) {
		for (int i = 0; i < nprograms; i++) {
			double t = now();

			if (spent[i] > PATIENCE_S)
				continue;
			if (!turn(&programs[i], rows)) {
				stop(&programs[i]);
				spent[i] = PATIENCE_S;
			}
			spent[i] += now() - t;
		}
	}
	for (int i = 0; i < nrows; i++)
		print(&rows[i]);
}

static int start_at(struct program *p, struct row *rows, const char *where)
{
	double t = now();
	int good;

	start(p, where);
	good = handshake(p);
	if (good)
		note(rows, p, (now() - t) * 1e3);
	stop(p);
	return good;
}

static int turn_start(struct program *p, struct row *rows)
{
	return start_at(p, rows, url);
}

static int turn_start_tls(struct program *p, struct row *rows)
{
	return start_at(p, rows, tls_url);
}

static int turn_start_bundle(struct program *p, struct row *rows)
{
	return start_at(p, rows, bundle_url);
}

static int trips(struct program *p, struct row *rows, const char *tool)
{
	static double times[100000];
	double end = now() + TURN_S;
	int n = 0;

	if (!ready(p, url))
		return 0;
	while (now() < end && n < (int)(sizeof(times) / sizeof(times[0]))) {
		double t = now();

		if (!call(p, tool) || !take_answers(p, 1))
			return 0;
		times[n++] = now() - t;
	}
	qsort(times, (size_t)n, sizeof(times[0]), compare);
	note(&rows[0], p, times[n / 2] * 1e6);
	note(&rows[1], p, times[n * 99 / 100] * 1e6);
	return 1;
}

static int turn_json(struct program *p, struct row *rows)
{
	return trips(p, rows, "json");
}

static int turn_sse(struct program *p, struct row *rows)
{
	return trips(p, rows, "sse");
}

/* Calls a second with so many in flight; rows[1], if there is one, gets the CPU time of 10,000. */
static int rate(struct program *p, struct row *rows, int side_by_side, int nrows, const char *where)
{
	double t, cpu, end;
	long sent = 0, got = 0;

	if (!ready(p, where))
		return 0;
	cpu = cpu_s(p);
	t = now();
	end = t + TURN_S;
	for (; sent < side_by_side; sent++)
		if (!call(p, "json"))
			return 0;
	while (got < sent) {
		if (!take_answers(p, 1))
			return 0;
		got++;
		if (now() < end) {
			if (!call(p, "json"))
				return 0;
			sent++;
		}
	}
	note(&rows[0], p, (double)got / (now() - t));
	if (nrows > 1)
		note(&rows[1], p, (cpu_s(p) - cpu) * 1e3 * 10000 / (double)got);
	return 1;
}

static int turn_rate_1(struct program *p, struct row *rows)
{
	return rate(p, rows, 1, 2, url);
}

static int turn_rate_8(struct program *p, struct row *rows)
{
	return rate(p, rows, 8, 1, url);
}

static int turn_rate_64(struct program *p, struct row *rows)
{
	return rate(p, rows, 64, 2, url);
}

static int turn_rate_tls(struct program *p, struct row *rows)
{
	int good = rate(p, rows, 64, 1, tls_url);

	if (good)
		note(&rows[1], p, rss_mib(p));
	return good;
}

static int turn_memory(struct program *p, struct row *rows)
{
	stop(p);
	start(p, url);
	if (!handshake(p))
		return 0;
	note(&rows[0], p, rss_mib(p));
	for (int i = 1; i <= 10000; i++) {
		if (!call(p, "json") || !take_answers(p, 1))
			return 0;
		if (i == 100)
			note(&rows[1], p, rss_mib(p));
	}
	note(&rows[2], p, rss_mib(p));
	return 1;
}

/* A 64 MiB message one way, a small one the other. */
static int big(struct program *p, struct row *rows, const char *tool, int up)
{
	size_t bytes = BIG;
	long lines = 0;
	double t;
	int good;

	stop(p);
	if (!ready(p, url))
		return 0;
	t = now();
	if (up)
		good = begin_call(p, tool) && put(p, big_argument, big_len) && take_answers(p, 1);
	else
		good = call(p, tool) && take(p, 1, t + 2 * PATIENCE_S, &bytes, &lines) == 1;
	t = now() - t;
	if (good) {
		note(&rows[0], p, BIG / MIB / t);
		note(&rows[1], p, status_of(p, "VmHWM:") / 1024);
	}
	stop(p);
	return good;
}

static int turn_down_json(struct program *p, struct row *rows)
{
	return big(p, rows, "big-json", 0);
}

static int turn_down_sse(struct program *p, struct row *rows)
{
	return big(p, rows, "big-sse", 0);
}

static int turn_up_json(struct program *p, struct row *rows)
{
	return big(p, rows, "json", 1);
}

static int turn_up_sse(struct program *p, struct row *rows)
{
	return big(p, rows, "sse", 1);
}

static int turn_flood(struct program *p, struct row *rows)
{
	size_t bytes = 0;
	long lines = 0;
	double t;

	stop(p);
	start(p, url);
	if (!handshake(p))
		return 0;
	t = now();
	if (!call(p, "flood"))
		return 0;
	take(p, 1, t + PATIENCE_S, &bytes, &lines);
	note(rows, p, (double)lines / (now() - t));
	stop(p);
	return lines > 0;
}

/* All at once: who does nothing is in nobody's way. */
static void measure_idle(void)
{
	struct row r = { .name = "idle wake-ups in 3 s", .better = '-' };
	double before[PROGRAMS];

	for (int i = 0; i < nprograms; i++)
		before[i] = ready(&programs[i], url)
				    ? status_of(&programs[i], "voluntary_ctxt_switches:")
				    : NAN;
	/* Five seconds after the last request mpmcp writes down how many there were. */
	poll(NULL, 0, SETTLE_S * 1000);
	for (int i = 0; i < nprograms; i++)
		if (programs[i].pid)
			before[i] = status_of(&programs[i], "voluntary_ctxt_switches:");
	poll(NULL, 0, IDLE_S * 1000);
	for (int i = 0; i < nprograms; i++)
		note(&r, &programs[i],
			status_of(&programs[i], "voluntary_ctxt_switches:") - before[i]);
	print(&r);
}

static void make_big(void)
{
	static const char head[] = "{\"x\":\"", tail[] = "\"}}}\n";

	big_len = sizeof(head) - 1 + BIG + sizeof(tail) - 1;
	big_argument = malloc(big_len);
	if (!big_argument)
		exit(1);
	memset(big_argument, 'x', big_len);
	memcpy(big_argument, head, sizeof(head) - 1);
	memcpy(big_argument + big_len - (sizeof(tail) - 1), tail, sizeof(tail) - 1);
}

static void read_arguments(int argc, char **argv)
{
	url = argv[1];
	tls_url = argv[2];
	ca_folder = argv[3];
	ca_bundle = argv[4];
	bundle_url = strdup(tls_url);
	if (!bundle_url)
		exit(1);
	for (int i = 5; i < argc; i++) {
		struct program *p = &programs[nprograms - 1];

		if (strcmp(argv[i], "--") == 0 && nprograms < PROGRAMS && i + 1 < argc) {
			programs[nprograms].name = argv[++i];
			programs[nprograms].buffer = malloc(READ_SIZE);
			if (!programs[nprograms++].buffer)
				exit(1);
		} else if (nprograms && p->argc < ARGS) {
			p->argv[p->argc++] = argv[i];
		}
	}
}

static struct row rows[ROWS];

/* The rows of one measurement; the first are filled in turns, the rest stay unused. */
static struct row *fresh(const char *names[], const char *better)
{
	memset(rows, 0, sizeof(rows));
	for (int i = 0; better[i]; i++) {
		rows[i].name = names[i];
		rows[i].better = better[i];
	}
	return rows;
}

static const struct {
	turn_fn *turn;
	int rounds;
	const char *better; /* a sign for each row */
	const char *names[ROWS];
	int alone; /* with processes of its own */
} all[] = {
	{ turn_start, STARTS, "-", { "start to initialize answer, ms" }, 1 },
	{ turn_start_tls, STARTS, "-", { "start over TLS, folder of CAs, ms" }, 1 },
	{ turn_start_bundle, STARTS, "-", { "start over TLS, bundle of CAs, ms" }, 1 },
	{ turn_json, ROUNDS, "--", { "round trip JSON p50, us", "round trip JSON p99, us" }, 1 },
	{ turn_sse, ROUNDS, "--", { "round trip SSE p50, us", "round trip SSE p99, us" }, 0 },
	{ turn_rate_1, ROUNDS, "+-", { "calls/s, 1 in flight", "CPU ms for 10,000 of them" }, 0 },
	{ turn_rate_8, ROUNDS, "+", { "calls/s, 8 in flight" }, 0 },
	{ turn_rate_64, ROUNDS, "+-", { "calls/s, 64 in flight", "CPU ms for 10,000 of them" }, 0 },
	{ turn_rate_tls, ROUNDS, "+-", { "calls/s over TLS, 64 in flight", "memory then, MiB" },
		1 },
	{ turn_memory, 1, "---",
		{ "memory after start, MiB", "memory after 100 calls, MiB",
			"memory after 10,000 calls, MiB" },
		1 },
	{ turn_down_json, BIG_ROUNDS, "+-",
		{ "64 MiB result as JSON, MiB/s", "peak memory then, MiB" }, 1 },
	{ turn_down_sse, BIG_ROUNDS, "+-",
		{ "64 MiB result as SSE, MiB/s", "peak memory then, MiB" }, 1 },
	{ turn_up_json, BIG_ROUNDS, "+-",
		{ "64 MiB argument, answer JSON, MiB/s", "peak memory then, MiB" }, 1 },
	{ turn_up_sse, BIG_ROUNDS, "+-",
		{ "64 MiB argument, answer SSE, MiB/s", "peak memory then, MiB" }, 1 },
	{ turn_flood, BIG_ROUNDS, "+", { "SSE events/s" }, 1 },
};

int main(int argc, char **argv)
{
	const char *only = getenv("BENCH_ONLY"); /* part of a row's name: measures that one alone */

	if (argc < 7)
		return 2;
	read_arguments(argc, argv);
	make_big();
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (only && !strstr(all[i].names[0], only))
			continue;
		if (all[i].alone)
			stop_all();
		measure(all[i].turn, all[i].rounds,
			fresh((const char **)(size_t)all[i].names, all[i].better),
			(int)strlen(all[i].better));
	}
	stop_all();
	if (!only || strstr("idle", only))
		measure_idle();
	stop_all();
	return 0;
}
