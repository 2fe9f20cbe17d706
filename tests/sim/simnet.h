/* The network and the receivers behind it. */
#ifndef SIM_SIMNET_H
#define SIM_SIMNET_H

#include "sim.h"

struct simnet *simnet_new(struct sim *s);
void simnet_free(struct simnet **net);
/* Puts the exchange on the wire; its answer comes to node_answer. */
void simnet_send(struct simnet *net, struct exchange *x);
void simnet_cancel(struct simnet *net, struct exchange *x);
/* The sender is gone: what is on the wire may still arrive, answers reach nobody. */
void simnet_crash(struct simnet *net);
/* How many are on the wire, of this sender, to this endpoint. */
int simnet_in_flight(const struct simnet *net, const struct sim_endpoint *ep);

#endif
