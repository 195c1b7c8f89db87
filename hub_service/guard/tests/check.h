/* A unit test's few words: CHECK says where, and `because` in the spoken words of the case. */
#ifndef GUARD_CHECK_H
#define GUARD_CHECK_H

#include <stdio.h>
#include <stdlib.h>

static int failed_checks;

#define CHECK(what, ...)                                                              \
	do {                                                                          \
		if (!(what)) {                                                        \
			fprintf(stderr, "%s:%d: not so: %s: ", __FILE__, __LINE__, #what); \
			fprintf(stderr, __VA_ARGS__);                                 \
			fputc('\n', stderr);                                          \
			failed_checks++;                                              \
		}                                                                     \
	} while (0)

/* What a test can't go on without. */
#define MUST(what)                                                          \
	do {                                                                \
		if (!(what)) {                                              \
			fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #what); \
			perror(NULL);                                       \
			exit(1);                                            \
		}                                                           \
	} while (0)

#define SKIPPED 77 /* meson's word for a test that could not be run here */

static inline int verdict(void)
{
	if (failed_checks)
		fprintf(stderr, "%d checks failed.\n", failed_checks);
	return failed_checks ? 1 : 0;
}

#endif
