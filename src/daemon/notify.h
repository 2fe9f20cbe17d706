/*
 * Tells a service manager how it stands, by systemd's datagram protocol:
 * "READY=1", "STOPPING=1". Nothing happens without NOTIFY_SOCKET.
 */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

void notify_send(const char *state);

#endif
