/*
 * drive URL COMMAND [ARG...]: the client of the benchmark. Starts the command
 * with the URL as its last argument, measures, prints "name value" lines.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CALLS 10000
#define READ_SIZE (1 << 20)

static int in_fd, out_fd;
static pid_t pid;
static char *buffer;
static size_t have, used;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void start(char **argv)
{
	int to[2], from[2];

	if (pipe(to) || pipe(from))
		exit(1);
	have = used = 0;
	pid = fork();
	if (pid == 0) {
		dup2(to[0], 0);
		dup2(from[1], 1);
		close(to[0]), close(to[1]), close(from[0]), close(from[1]);
		execvp(argv[0], argv);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	in_fd = to[1];
	out_fd = from[0];
}

static void stop(void)
{
	close(in_fd);
	close(out_fd);
	waitpid(pid, NULL, 0);
}

static void put(const char *line)
{
	size_t n = strlen(line);

	if (write(in_fd, line, n) != (ssize_t)n) {
		fprintf(stderr, "the command takes no input\n");
		exit(1);
	}
}

/* Reads whole lines until `lines` answers ("result" in the first 200 bytes) came; returns the bytes. */
static size_t wait_answers(long answers)
{
	size_t bytes = 0, in_line = 0;
	static char front[256];

	while (answers > 0) {
		char *lf;

		if (used == have) {
			struct pollfd p = { .fd = out_fd, .events = POLLIN };
			ssize_t n = poll(&p, 1, 120000) > 0 ? read(out_fd, buffer, READ_SIZE) : 0;

			if (n <= 0) {
				printf("failed 1\n");
				exit(1);
			}
			used = 0;
			have = (size_t)n;
		}
		lf = memchr(buffer + used, '\n', have - used);
		{
			size_t n = (lf ? (size_t)(lf - buffer) : have) - used;

			if (in_line < 200)
				memcpy(front + in_line, buffer + used,
					n < 200 - in_line ? n : 200 - in_line);
			in_line += n;
			bytes += n;
			used += n + (lf != NULL);
		}
		if (lf) {
			front[in_line < 200 ? in_line : 200] = 0;
			if (strstr(front, "\"result\""))
				answers--;
			in_line = 0;
		}
	}
	return bytes;
}

static void call(long id, const char *what)
{
	char line[256];

	snprintf(line, sizeof(line),
		"{\"jsonrpc\":\"2.0\",\"id\":%ld,\"method\":\"tools/"
		"call\",\"params\":{\"name\":\"%s\",\"arguments\":{}}}\n",
		id, what);
	put(line);
}

static void handshake(void)
{
	put("{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{"
	    "\"protocolVersion\":\"2025-06-18\",\"capabilities\":{},"
	    "\"clientInfo\":{\"name\":\"bench\",\"version\":\"1\"}}}\n");
	wait_answers(1);
	put("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n");
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static long status_of(const char *name)
{
	char path[64], line[256];
	long value = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, name, strlen(name)) == 0)
			value = strtol(line + strlen(name) + 1, NULL, 10);
	if (f)
		fclose(f);
	return value;
}

static double cpu_of(void)
{
	char path[64];
	unsigned long user = 0, system = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	if (f) {
		if (fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
			    &user, &system) != 2)
			user = system = 0;
		fclose(f);
	}
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK) * 1000;
}

static void bench_start(char **argv)
{
	double times[20];

	for (int i = 0; i < 20; i++) {
		double t = now();

		start(argv);
		handshake();
		times[i] = now() - t;
		stop();
	}
	qsort(times, 20, sizeof(times[0]), compare);
	printf("start_ms %.2f\n", times[10] * 1e3);
}

static long next_id = 1;

static void bench_trip(const char *what)
{
	static double times[CALLS];

	for (int i = 0; i < CALLS / 2; i++) {
		double t = now();

		call(next_id++, what);
		wait_answers(1);
		times[i] = now() - t;
	}
	qsort(times, CALLS / 2, sizeof(times[0]), compare);
	printf("%s_p50_us %.1f\n%s_p99_us %.1f\n", what, times[CALLS / 4] * 1e6, what,
		times[CALLS / 2 * 99 / 100] * 1e6);
}

static void bench_rate(int side_by_side)
{
	double t = now();
	long sent = 0;

	while (sent < side_by_side)
		call(next_id++, "json"), sent++;
	for (long got = 0; got < CALLS; got++) {
		wait_answers(1);
		if (sent < CALLS)
			call(next_id++, "json"), sent++;
	}
	printf("rate_%d_per_s %.0f\n", side_by_side, CALLS / (now() - t));
}

static void bench_big(char **argv, const char *what)
{
	double t;
	size_t bytes;

	start(argv);
	handshake();
	t = now();
	call(next_id++, what);
	bytes = wait_answers(1);
	t = now() - t;
	printf("%s_mib_per_s %.0f\n%s_peak_mib %.1f\n", what, (double)bytes / t / (1 << 20), what,
		(double)status_of("VmHWM:") / 1024);
	stop();
}

static void bench_flood(char **argv)
{
	double t;

	start(argv);
	handshake();
	t = now();
	call(next_id++, "flood");
	wait_answers(1);
	printf("events_per_s %.0f\n", 500000 / (now() - t));
	stop();
}

int main(int argc, char **argv)
{
	char *command[32];
	int n = 0;
	long before, after;
	double cpu;

	for (int i = 2; i < argc && n < 30; i++)
		command[n++] = argv[i];
	command[n++] = argv[1];
	command[n] = NULL;
	buffer = malloc(READ_SIZE);
	signal(SIGPIPE, SIG_IGN);
	bench_start(command);
	start(command);
	handshake();
	for (int i = 0; i < 100; i++)
		call(next_id++, "json"), wait_answers(1);
	printf("rss_100_mib %.1f\n", (double)status_of("VmRSS:") / 1024);
	bench_trip("json");
	bench_trip("sse");
	cpu = cpu_of();
	bench_rate(1);
	printf("cpu_10k_ms %.0f\n", cpu_of() - cpu);
	printf("rss_10k_mib %.1f\n", (double)status_of("VmRSS:") / 1024);
	bench_rate(8);
	bench_rate(64);
	before = status_of("voluntary_ctxt_switches:");
	poll(NULL, 0, 3000);
	after = status_of("voluntary_ctxt_switches:");
	printf("idle_wakeups_3s %ld\n", after - before);
	stop();
	bench_big(command, "big-json");
	bench_big(command, "big-sse");
	bench_flood(command);
	return 0;
}
