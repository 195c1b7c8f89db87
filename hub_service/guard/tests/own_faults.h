/* The system calls of own's log, in the hands of a test: the linker's --wrap sends them here. */
#ifndef GUARD_OWN_FAULTS_H
#define GUARD_OWN_FAULTS_H

enum fault {
	NO_FAULT,
	KILL_BEFORE,
	KILL_AFTER,
	KILL_HALFWAY,
	FAIL_ONCE,    /* whatever it is */
	HALF_WRITTEN,
	DISK_FULL,    /* from there on: what is there can be removed, nothing can be added */
	DISK_DEAD,    /* from there on everything fails */
};

extern enum fault fault;
extern int fault_at;	/* the how manyth call, from 1 */
extern int fault_calls; /* that there were */

void fault_set(enum fault which, int at);

#endif
