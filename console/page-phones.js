// Phones: the numbers that messages come to, and the gateways they leave by.

import { api, merged, ownerPath } from './lib-api.js';
import { badge, button, dialog, field, form, h, page, table, timeAgo } from './lib-ui.js';
import { enc, forget, inProject, projectColumn, writers } from './lib-messaging.js';

export const title = 'Phones';

export const KINDS = { test: 'Test: nothing leaves the machine', kannel: 'Kannel', http: 'Gateway over HTTP' };

export const phoneState = (p) => (p.send_paused ? badge('paused', 'warn', 'pause') : badge('sends', 'ok', 'ok'));

const HTTP_BODY =
  '{"to":"{message.to_number}","from":"{message.from_number}","text":"{message.content}","reference":"{message.id}"}';

const CONFIGS = {
  test: () => undefined,
  kannel: () => ({ url: 'http://127.0.0.1:13013/cgi-bin/sendsms', username: 'postrider', password: '' }),
  http: () => ({
    url: 'https://',
    content_type: 'json',
    headers: { 'X-Api-Key': '{SECRET}' },
    secret: '',
    body: HTTP_BODY,
    success: { statuses: '2xx' },
  }),
};

const parsed = (text) => {
  try {
    return JSON.parse(text);
  } catch (e) {
    throw Object.assign(new Error(`no JSON: ${e.message}`), { param: 'config' });
  }
};

// The fields of a phone; `read` makes a body of them.
export function phoneFields(p = {}) {
  const isNew = !p.id;
  const config = field({
    label: 'Gateway',
    name: 'config',
    type: 'textarea',
    rows: 10,
    mono: true,
    spellcheck: false,
    value: p.config ? JSON.stringify(p.config, null, 2) : '',
    help: 'settings as JSON, as docs/gateways.md has them; *** keeps a stored secret, null takes a setting away',
  });
  const type = field({
    label: 'Type',
    name: 'phone_type',
    type: 'select',
    value: p.phone_type || 'test',
    options: Object.entries(KINDS),
    disabled: !isNew,
  });
  const look = () => {
    config.hidden = type.value === 'test';
  };
  type.input.addEventListener('change', () => {
    const begin = CONFIGS[type.value]();
    config.value = begin ? JSON.stringify(begin, null, 2) : '';
    look();
  });
  look();
  const fields = [
    isNew
      ? field({ label: 'Id', name: 'id', help: 'yours, such as main; empty: one is made', autocomplete: 'off' })
      : null,
    field({ label: 'Name', name: 'name', value: p.name || '', autocomplete: 'off' }),
    type,
    field({
      label: 'Number',
      name: 'phone_number',
      value: p.phone_number || '',
      placeholder: '+46700000000',
      autocomplete: 'off',
      help: 'what incoming messages are for, and the sender of outgoing ones',
    }),
    field({
      label: 'Country',
      name: 'country',
      value: p.country || '',
      placeholder: 'SE',
      autocomplete: 'off',
      help: 'two letters: numbers without a country code are read so',
    }),
    config,
  ];
  const read = (values) => {
    const { id, config: text, ...rest } = values;
    const body = Object.fromEntries(
      Object.entries(rest).filter(([name, value]) => value !== '' && (isNew || name !== 'phone_type')),
    );
    if (type.value !== 'test') body.config = parsed(text);
    return [id, body];
  };
  return { fields, read };
}

async function create(ctx) {
  const pid = await inProject('New phone');
  if (!pid) return;
  const { fields, read } = phoneFields();
  const made = await dialog({
    title: 'New phone',
    wide: true,
    body: ({ close }) =>
      form(fields, {
        label: 'Make',
        submit: async (values) => {
          const [id, body] = read(values);
          close(
            id
              ? await api.put(`${ownerPath(pid)}/phones/${enc(id)}`, body)
              : await api.post(`${ownerPath(pid)}/phones`, body),
          );
        },
      }),
  });
  if (!made) return;
  forget('phones');
  ctx.go(`#/phones/${enc(pid)}/${enc(made.id)}`);
}

export async function show(ctx) {
  return page(
    title,
    { actions: writers(button('New phone', { kind: 'primary', icon: 'plus', run: () => create(ctx) })) },
    table({
      caption: 'Phones',
      empty:
        'No phones yet. A phone is a number that messages come to, with the gateway they leave by; one of the type test is for trying.',
      load: merged(null, '/phones'),
      rowHref: (p) => `#/phones/${enc(p.project)}/${enc(p.id)}`,
      columns: [
        { key: 'name', label: 'Name', sort: 'name', cell: (p) => p.name || p.id },
        {
          key: 'phone_number',
          label: 'Number',
          sort: 'phone_number',
          cell: (p) => h('span', { class: 'num' }, p.phone_number || '–'),
        },
        { key: 'phone_type', label: 'Type', cell: (p) => badge(p.phone_type, 'muted', 'phones') },
        { key: 'country', label: 'Country', cell: (p) => p.country || '–' },
        { key: 'state', label: 'State', cell: phoneState },
        ...projectColumn(),
        { key: 'last', label: 'Last active', cell: (p) => timeAgo(p.last_active_time) },
      ],
    }),
  );
}
