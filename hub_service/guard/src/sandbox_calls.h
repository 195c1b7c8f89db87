/* The system calls that serving files needs. */
#ifndef GUARD_SANDBOX_CALLS_H
#define GUARD_SANDBOX_CALLS_H

/* For all threads, for good. 0, or an errno. */
int sandbox_filter_calls(void);

#endif
