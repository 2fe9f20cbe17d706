/*
 * What the process gives up and asks for before it does anything: no new
 * privileges, no core files, private files, as many descriptors as it may have.
 */
#ifndef DAEMON_SANDBOX_H
#define DAEMON_SANDBOX_H

void sandbox_enter(void);

#endif
