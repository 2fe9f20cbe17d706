// What pages say of an event: in one line, and where it stands at its endpoints.
//
// about(event) -> 'delivered · 46710000123'; numbers(event) -> 'from → to'; messageId(event) -> id | null
// eventHref(project, id), attemptHref, endpointHref(project, row) -> '#/…'
// standing(event) -> Element of badges; endpointName(project, leg) -> its name, as a link where it has a page
// isOwn(leg) -> an endpoint of somebody's, that there is: no deleted one, none of the daemon's own
// EVENT_TYPES

import { icon, h, state } from './lib-ui.js';

export const EVENT_TYPES = ['send_status', 'incoming_message', 'send_broadcast', 'contact_update', 'message_metadata'];

const part = encodeURIComponent;
export const eventHref = (project, id) => `#/events/${part(project)}/${part(id)}`;
export const attemptHref = (project, id) => `#/attempts/${part(project)}/${part(id)}`;

// Endpoints that begin with _ are the daemon's own and have no page; those of services lead to the service.
export function endpointHref(project, { endpoint_id: id, organization_id: organization }) {
  if (!id) return null; // it was deleted
  if (id.startsWith('_service.')) return `#/services/${part(project)}/${part(id.slice(9))}`;
  if (id.startsWith('_')) return null;
  return `#/endpoints/${organization ? `@${part(organization)}` : part(project)}/${part(id)}`;
}

export const isOwn = ({ endpoint_id: id }) => Boolean(id) && !id.startsWith('_');

export const messageId = (event) => event.message?.id ?? event.message_id ?? null;

export function numbers(event) {
  const { from_number: from, to_number: to } = event.message || {};
  if (from && to) return `${from}\u00a0→ ${to}`;
  return from || to || event.contact?.phone_number || '';
}

export function about(event) {
  const { status, content } = event.message || {};
  return status || event.update_type || content || event.contact?.name || '';
}

const BAD_FIRST = ['failed', 'expired', 'pending', 'delivered', 'superseded'];

function legsIn(word, ids) {
  const words = ids.length === 1 ? ids[0] : [`${ids.length}`, h('span', { class: 'visually-hidden' }, ' endpoints')];
  return h(
    'span',
    { class: 'leg', title: ids.length > 1 ? ids.join(', ') : null },
    state(word),
    h('span', { class: 'leg-name' }, words),
  );
}

// By state, so that a project of many endpoints takes no more room than one of two.
export function standing(event) {
  const legs = event.endpoints || [];
  if (!legs.length) return h('span', { class: 'muted' }, 'no endpoint');
  const found = BAD_FIRST.map((word) => [
    word,
    legs.filter((leg) => leg.state === word).map((leg) => leg.endpoint_id ?? 'a deleted endpoint'),
  ]);
  return h(
    'span',
    { class: 'legs' },
    found.filter(([, ids]) => ids.length).map(([word, ids]) => legsIn(word, ids)),
  );
}

export function endpointName(project, leg) {
  const href = endpointHref(project, leg);
  if (!leg.endpoint_id) return h('span', { class: 'endpoint-name muted' }, 'a deleted endpoint');
  const words = leg.organization_id ? `${leg.endpoint_id} (${leg.organization_id})` : leg.endpoint_id;
  return href
    ? h('a', { href, class: 'endpoint-name' }, words)
    : h('span', { class: 'endpoint-name' }, icon('endpoints'), words);
}
