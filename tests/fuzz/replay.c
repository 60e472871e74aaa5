/*
 * Runs a fuzz target over files: its arguments, or, without any, the corpus kept for it (tests/fuzz/corpus/NAME for the
 * program fuzz_NAME). Stands in for libFuzzer's main in ordinary builds, so that what a fuzzer once found stays found.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	if (!f) {
		perror(path);
		return -1;
	}
	uint8_t *data = malloc(1 << 20);
	size_t n = data ? fread(data, 1, 1 << 20, f) : 0;
	fclose(f);
	/* An exact-size copy, so that ASan sees one octet too far. */
	uint8_t *exact = malloc(n ? n : 1);
	if (!data || !exact)
		abort();
	memcpy(exact, data, n);
	free(data);
	LLVMFuzzerTestOneInput(exact, n);
	free(exact);
	return 0;
}

static int replay_dir(const char *dir)
{
	DIR *d = opendir(dir);
	if (!d) {
		perror(dir);
		return -1;
	}
	int n = 0;
	char path[4096 + 258];
	for (struct dirent *e; (e = readdir(d));) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
		if (replay_file(path) < 0) {
			n = -1;
			break;
		}
		n++;
	}
	closedir(d);
	return n;
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		for (int i = 1; i < argc; i++)
			if (replay_file(argv[i]) < 0)
				return 1;
		return 0;
	}
	const char *name = strstr(argv[0], "fuzz_");
	const char *top = getenv("srcdir");
	char dir[4096];
	for (const char *next = name; next; next = strstr(next + 1, "fuzz_"))
		name = next;
	snprintf(dir, sizeof dir, "%s/tests/fuzz/corpus/%s", top ? top : ".", name ? name + 5 : "");
	int n = replay_dir(dir);
	if (n <= 0) {
		fprintf(stderr, "%s: no corpus\n", dir);
		return 1;
	}
	printf("%d inputs replayed\n", n);
	return 0;
}
