/* port SERVER INPUT OUTPUT SPEECH RECORDING
 *
 * The mouth and the ear at a program whose sound card is JACK: plays SPEECH (raw, 16 bits, the
 * server's rate) into the port whose name begins with INPUT, and records as much from the one
 * whose name begins with OUTPUT, in the same callback. It waits for a line on standard
 * input before it begins, and then prints "start NANOSECONDS" of the monotonic clock, at last "done
 * XRUNS". The declarations are those of JACK's stable interface, so that no header is needed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdint.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

typedef struct _client client;
typedef struct _port port;
extern client *jack_client_open(const char *, int, int *, ...);
extern port *jack_port_register(client *, const char *, const char *, unsigned long, unsigned long);
extern void *jack_port_get_buffer(port *, uint32_t);
extern int jack_set_process_callback(client *, int (*)(uint32_t, void *), void *);
extern int jack_set_xrun_callback(client *, int (*)(void *), void *);
extern int jack_activate(client *);
extern int jack_client_close(client *);
extern const char **jack_get_ports(client *, const char *, const char *, unsigned long);
extern int jack_connect(client *, const char *, const char *);
extern const char *jack_port_name(const port *);

static client *jack;
static port *mouth, *ear;
static float *said, *heard;
static long length, at;
static atomic_int going, done, xruns;
static atomic_ullong began;

static int process(uint32_t n, void *unused) {
	float *out = jack_port_get_buffer(mouth, n), *in = jack_port_get_buffer(ear, n);
	memset(out, 0, n * sizeof *out);
	if (!going || done)
		return 0;
	if (at == 0) { /* JACK's own time is that of another clock */
		struct timespec now;
		clock_gettime(CLOCK_MONOTONIC, &now);
		began = now.tv_sec * 1000000000ULL + now.tv_nsec;
	}
	for (uint32_t i = 0; i < n && at < length; i++, at++) {
		out[i] = said[at];
		heard[at] = in[i];
	}
	if (at >= length)
		done = 1;
	return 0;
}

static int xrun(void *unused) {
	xruns++;
	return 0;
}

static const char *find(const char *prefix, unsigned long direction) {
	char pattern[200];
	snprintf(pattern, sizeof pattern, "^%s", prefix);
	for (int i = 0; i < 200; i++) {
		const char **p = jack_get_ports(jack, pattern, 0, direction);
		if (p && p[0])
			return p[0];
		usleep(50000);
	}
	fprintf(stderr, "no port %s\n", prefix);
	exit(1);
}

int main(int argc, char **argv) {
	if (argc != 6)
		return 2;
	FILE *f = fopen(argv[4], "rb");
	if (!f) {
		perror(argv[4]);
		return 1;
	}
	fseek(f, 0, SEEK_END);
	length = ftell(f) / 2;
	rewind(f);
	int16_t *s = malloc(2 * length + 2);
	said = malloc(sizeof *said * (length + 1));
	heard = calloc(length + 1, sizeof *heard);
	if (fread(s, 2, length, f) != (size_t)length)
		return 1;
	fclose(f);
	for (long i = 0; i < length; i++)
		said[i] = s[i] / 32768.0f;

	int status;
	jack = jack_client_open("port", 1 | 4 /* no start, server's name */, &status, argv[1]);
	if (!jack) {
		fprintf(stderr, "no JACK server %s\n", argv[1]);
		return 1;
	}
	mouth = jack_port_register(jack, "mouth", "32 bit float mono audio", 2 /* output */, 0);
	ear = jack_port_register(jack, "ear", "32 bit float mono audio", 1 /* input */, 0);
	jack_set_process_callback(jack, process, 0);
	jack_set_xrun_callback(jack, xrun, 0);
	if (!mouth || !ear || jack_activate(jack))
		return 1;
	if (jack_connect(jack, jack_port_name(mouth), find(argv[2], 1)) || jack_connect(jack, find(argv[3], 2), jack_port_name(ear)))
		return 1;
	printf("ready\n");
	fflush(stdout);
	if (getchar() == EOF)
		return 1;
	going = 1;
	while (!began)
		usleep(2000);
	printf("start %llu\n", (unsigned long long)began);
	fflush(stdout);
	while (!done)
		usleep(20000);
	f = fopen(argv[5], "wb");
	if (!f)
		return 1;
	for (long i = 0; i < length; i++) {
		float x = heard[i] * 32768;
		s[i] = x > 32767 ? 32767 : x < -32768 ? -32768 : x;
	}
	fwrite(s, 2, length, f);
	fclose(f);
	printf("done %d\n", xruns);
	fflush(stdout);
	jack_client_close(jack);
	return 0;
}
