// What may stand in a template, for choosing by a click: the metrics of docs/wiraya.md (a test holds the two together), the members of
// the chosen event, and the pipes.
//
// METRICS [{name, about}], PIPES [{text, about}]
// probe() -> a JSON body that holds every metric, whose rendering says their values
// members(event) -> [{name, value}] paths that a template can name
// panel({onInsert}) -> {el, show(event, values)}

import { h } from './lib-ui.js';

export const METRICS = [
  ['TYPE', 'INCOMING_SMS, OUTGOING_SMS, INCOMING_CALL, OUTGOING_CALL'],
  ['ID', 'id of the SMS or call'],
  ['CID', 'id of the customer'],
  ['PRID', 'id of the project'],
  ['RID', 'id of the recipient'],
  ['RECIPIENT', 'number it went to'],
  ['SENDER', 'number it came from'],
  ['STATUS', 'by the status map'],
  ['CONTENT', 'the text'],
  ['SMS_PARTS', 'number of parts'],
  ['SENT_UNIXTIME', 'when it was sent'],
  ['SENT_DATETIME', 'the same, 2019-01-10 13:00:00'],
  ['SENT_DATEISO', 'the same, 2019-01-10T13:00:00Z'],
  ['DONE_UNIXTIME', 'when it was done'],
  ['DONE_DATETIME', 'the same, 2019-01-10 13:00:00'],
  ['DONE_DATEISO', 'the same, 2019-01-10T13:00:00Z'],
  ['RECIPIENT_STATUS', 'EXISTS, DOESNOTEXIST, UNKNOWN, LANDLINENUMBER'],
  ['1', 'the first of the recipient’s data fields, up to {99}'],
  ['CAMPAIGN_NAME', 'name of the campaign'],
  ['CALL_LENGTH', 'seconds; missing when nobody answered'],
  ['KEY_CHOICES', 'keys pressed in a call'],
  ['BULK', 'the whole text as it came in'],
  ['IDENTIFIER', 'as the platform says'],
  ['PREFIX', 'as the platform says'],
  ['EVENT_ID', 'id of the event'],
  ['DELIVERY_ID', 'id of the request'],
  ['ATTEMPT', 'how often it was tried'],
  ['SECRET', 'the endpoint’s secret; masked wherever requests are shown'],
].map(([name, about]) => ({ name, about }));

export const PIPES = [
  ['|or:time', 'another member when this one is missing'],
  ['|default:TEXT', 'a text when it is missing'],
  ['|when:STATUS=DELIVERED', 'only when another value is one of these words'],
  ['|time:%Y-%m-%d %H:%M', 'a time, in the endpoint’s time zone'],
  ['|utc:iso_ms', 'a time, in UTC'],
  ['|map:NAME', 'through a table of maps'],
  ['|status', 'through the status map'],
  ['|msisdn', 'a telephone number in digits'],
  ['|e164', 'a telephone number with a plus sign'],
  ['|upper', 'in capitals'],
  ['|lower', 'in small letters'],
  ['|count', 'how many elements an array has'],
  ['|secret_sha1', 'SHA-1 of secret and value'],
].map(([text, about]) => ({ text, about }));

export function probe() {
  return `{${METRICS.map(({ name }) => `"${name}":{${name}}`).join(',')}}`;
}

const MEMBERS_MAX = 100;
const NAME = /^[A-Za-z_]\w*$/;

function walk(value, path, found) {
  for (const [name, inner] of Object.entries(value)) {
    if (found.length >= MEMBERS_MAX || !NAME.test(name)) continue;
    const whole = path ? `${path}.${name}` : name;
    if (inner && typeof inner === 'object' && !Array.isArray(inner)) walk(inner, whole, found);
    else if (path) found.push({ name: whole, value: inner });
  }
}

// Paths have a dot; members of the event itself are reached by pipes only.
export function members(event) {
  const found = [];
  walk(event || {}, '', found);
  return found;
}

function shown(value) {
  if (value === undefined) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

export function panel({ onInsert }) {
  const lists = h('div', { class: 'placeholder-lists' });

  function row(text, about, value) {
    return h(
      'li',
      {},
      h(
        'button',
        { type: 'button', class: 'placeholder-insert', title: about, on: { click: () => onInsert(text) } },
        text,
      ),
      h('span', { class: value === null ? 'value missing' : 'value' }, value === null ? 'missing here' : shown(value)),
      h('span', { class: 'about' }, about),
    );
  }

  function section(title, rows) {
    return rows.length ? h('section', {}, h('h3', {}, title), h('ul', {}, ...rows)) : null;
  }

  function show(event, values) {
    lists.replaceChildren(
      ...[
        section(
          'Metrics',
          METRICS.map((m) => row(`{${m.name}}`, m.about, values ? values[m.name] : undefined)),
        ),
        section(
          'Members of this event',
          members(event).map((m) => row(`{${m.name}}`, '', m.value)),
        ),
        section(
          'Pipes, behind a name',
          PIPES.map((p) => row(p.text, p.about)),
        ),
      ].filter(Boolean),
    );
  }

  show(null, null);
  return {
    el: h('details', { class: 'placeholders' }, h('summary', {}, 'Placeholders: click to insert'), lists),
    show,
  };
}
