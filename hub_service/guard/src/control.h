/* Orders of the agent, end dates, and mounts that go away: one thread. */
#ifndef GUARD_CONTROL_H
#define GUARD_CONTROL_H

#include <stdbool.h>

bool control_listen(const char *path); /* before the sandbox */
void control_run(void);		       /* until `quit` or a signal */
void control_wake(void);	       /* something happened to a session; any thread */
void control_stop(void);	       /* from a signal's handler */

#endif
