// One service: what it does and for which messages, run by hand, and what it did.

import { api, may, ownerPath } from './lib-api.js';
import {
  badge,
  button,
  card,
  confirm,
  dialog,
  errorBox,
  field,
  form,
  h,
  json,
  page,
  table,
  tabs,
  timeAgo,
  toast,
} from './lib-ui.js';
import {
  bubble,
  byId,
  enc,
  forget,
  listAll,
  nameOf,
  phoneOptions,
  place,
  varsEditor,
  writers,
} from './lib-messaging.js';
import { entryHead, faults, listEditor, questionFields, rulesEditor, rulesView, textControl } from './lib-rules.js';
import { logTable } from './page-service-logs.js';
import { TYPES, activeSwitch } from './page-services.js';

export const title = 'Service';

const MESSAGE_TYPES = ['sms', 'mms', 'ussd', 'ussd_session', 'call', 'chat', 'text'];

// --- for which messages ---

function boxes(legend, help, options, chosen) {
  const inputs = options.map(([value, label]) => {
    const input = h('input', { type: 'checkbox', value });
    input.checked = chosen.includes(value);
    return h('label', { class: 'box' }, input, ' ', label);
  });
  const el = h(
    'fieldset',
    { class: 'boxes' },
    h('legend', null, legend),
    inputs,
    h('p', { class: 'field-help' }, help),
  );
  el.chosen = () => {
    const now = [...el.querySelectorAll('input:checked')].map((input) => input.value);
    return now.length ? now : null;
  };
  return el;
}

function settingsForm(s, phones, save) {
  const known = new Set(phones.map((p) => p.id));
  const lost = (s.phone_ids || []).filter((id) => !known.has(id)).map((id) => [id, `${id} (gone)`]);
  const by = boxes(
    'Phones',
    'none ticked: of all phones',
    [...phones.map((p) => [p.id, nameOf(p)]), ...lost],
    s.phone_ids || [],
  );
  const types = boxes(
    'Kinds of messages',
    'none ticked: all; text stands for sms, mms and chat',
    MESSAGE_TYPES.map((word) => [word, word.replaceAll('_', ' ')]),
    s.message_types || [],
  );
  return form(
    [
      field({ label: 'Name', name: 'name', value: s.name, required: true, autocomplete: 'off' }),
      field({
        label: 'Runs',
        name: 'apply_mode',
        type: 'select',
        value: s.apply_mode,
        options: [
          ['unhandled', 'when no service before it has handled the message'],
          ['always', 'in any case'],
        ],
      }),
      field({
        label: 'Senders',
        name: 'contact_number_filter',
        type: 'select',
        value: s.contact_number_filter,
        options: [
          ['long_number', 'with a number of 7 digits or more'],
          ['all', 'everybody, short codes and names too'],
        ],
      }),
      by,
      types,
      field({
        label: 'Priority',
        name: 'priority',
        type: 'number',
        value: s.priority,
        help: 'The smallest goes first. The page Services sets it by dragging.',
      }),
    ],
    { label: 'Save', submit: (values) => save({ ...values, phone_ids: by.chosen(), message_types: types.chosen() }) },
  );
}

// --- what it does: a config edited as a whole, by fields or as JSON ---

const WEB_PORTS = [80, 443, 8000, 8080, 8443]; // the preset's; null would take the setting away with any other name, here it means all
const PORTS = [
  ['', 'those of the web: 80, 443, 8000, 8080, 8443'],
  ['all', 'all that the daemon allows'],
  ['own', 'these:'],
];

function portsFields(config) {
  const now = config.ports === null ? 'all' : config.ports === undefined ? '' : 'own';
  const which = field({ label: 'Ports', name: 'ports', type: 'select', options: PORTS, value: now });
  const own = field({
    label: 'Port numbers',
    name: 'own_ports',
    value: now === 'own' ? JSON.stringify(config.ports) : '',
    placeholder: '[8080, 9000]',
  });
  const look = () => {
    own.hidden = which.value !== 'own';
  };
  which.input.addEventListener('change', look);
  look();
  const take = () => {
    if (which.value === '') return config.ports === undefined ? undefined : WEB_PORTS;
    return which.value === 'all' ? null : numbersOf(own.value);
  };
  return { fields: [which, own], take };
}

function numbersOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text
      .split(/[\s,]+/)
      .filter(Boolean)
      .map(Number);
  }
}

const parsed = (text, name) => {
  if (!text.trim()) return undefined;
  try {
    return JSON.parse(text);
  } catch (e) {
    throw Object.assign(new Error(`no JSON: ${e.message}`), { param: `config.${name}` });
  }
};

function webhookForm(config, save) {
  const ports = portsFields(config);
  const asJson = (name) => (config[name] === undefined ? '' : JSON.stringify(config[name]));
  const secret = field({
    label: 'Secret',
    name: 'config.secret',
    value: config.secret || '',
    autocomplete: 'off',
    help: 'is sent as the parameter secret; *** keeps what is stored',
  });
  return form(
    [
      field({ label: 'URL', name: 'config.url', value: config.url, required: true, type: 'url' }),
      secret,
      field({
        label: 'When it fails',
        name: 'config.on_failure',
        type: 'select',
        value: config.on_failure || 'continue',
        options: [
          ['continue', 'the next service runs at once'],
          ['hold', 'the next ones wait until it was taken or given up'],
        ],
      }),
      field({
        label: 'Time limit, ms',
        name: 'config.timeout_ms',
        type: 'number',
        value: config.timeout_ms ?? '',
        placeholder: '10000',
      }),
      ports.fields,
      h(
        'details',
        null,
        h('summary', null, 'Retries and TLS'),
        field({
          label: 'Retries',
          name: 'config.retry',
          value: asJson('retry'),
          mono: true,
          placeholder: '{"delays_s": [1, 60, 600]}',
          help: 'as JSON; empty for Telerivet’s',
        }),
        field({
          label: 'TLS',
          name: 'config.tls',
          value: asJson('tls'),
          mono: true,
          placeholder: '{"verify": true}',
          help: 'as JSON, as for an endpoint',
        }),
      ),
    ],
    {
      label: 'Save',
      submit: (v) =>
        save({
          url: v['config.url'],
          secret: v['config.secret'] === '***' ? undefined : v['config.secret'] || null,
          on_failure: v['config.on_failure'],
          timeout_ms: v['config.timeout_ms'],
          ports: ports.take(),
          retry: parsed(v['config.retry'], 'retry') ?? null,
          tls: parsed(v['config.tls'], 'tls') ?? null,
        }),
    },
  );
}

function jsonEditor(config, save) {
  const area = field({
    label: 'Config',
    name: 'config',
    type: 'textarea',
    rows: 18,
    mono: true,
    value: JSON.stringify(config, null, 2),
    spellcheck: false,
  });
  return form([area], {
    label: 'Save',
    submit: async () => {
      let now;
      try {
        now = JSON.parse(area.value);
      } catch (e) {
        throw Object.assign(new Error(`no JSON: ${e.message}`), { param: 'config' });
      }
      await save(now);
    },
  });
}

// Saves what an editor made, and shows a fault at the control it is about.
function saver(root, holder, value, save) {
  const trouble = h('div', null);
  const run = async () => {
    trouble.replaceChildren();
    try {
      await save(value());
    } catch (e) {
      const param = (e.param || '').replace(/^config\.?/, '');
      if (!holder.show(root, param, e.message)) trouble.replaceChildren(errorBox(e));
    }
  };
  return h('div', null, trouble, h('div', { class: 'form-foot' }, button('Save', { kind: 'primary', run })));
}

const copyOf = (value) => JSON.parse(JSON.stringify(value));

function rulesPart(config, save) {
  const holder = faults();
  const mine = { ...copyOf(config), actions: copyOf(config.actions || []) };
  const editor = rulesEditor(mine.actions, { holder });
  return h(
    'div',
    { class: 'config-editor' },
    editor.el,
    saver(mine, holder, () => ({ actions: editor.value() }), save),
  );
}

function pollPart(config, save) {
  const holder = faults();
  const mine = { ...copyOf(config), questions: copyOf(config.questions || []), actions: copyOf(config.actions || []) };
  const questions = listEditor({
    entries: mine.questions,
    what: 'question',
    className: 'rules-editor',
    draw: (q, i, tools) => [entryHead(i, 'Question', tools), questionFields(holder, q)],
    add: (push) =>
      h(
        'div',
        { class: 'adder' },
        button('Add a question', { small: true, icon: 'plus', run: async () => push({ text: '', variable: '' }) }),
      ),
  });
  const editor = rulesEditor(mine.actions, { holder });
  const value = () => ({
    keyword: mine.keyword || null,
    invalid_text: mine.invalid_text || null,
    questions: mine.questions,
    actions: editor.value(),
  });
  return h(
    'div',
    { class: 'config-editor' },
    textControl(holder, mine, 'keyword', 'Keyword that begins it'),
    h('h3', null, 'Questions'),
    questions,
    textControl(holder, mine, 'invalid_text', 'Said before a question is asked again', { long: true }),
    h('h3', null, 'After the last answer'),
    editor.el,
    saver(mine, holder, value, save),
  );
}

function pollView(config) {
  const begins = config.keyword
    ? ['Begins with a message whose first word is ', h('q', null, config.keyword), '.']
    : 'Begins when it is run for a contact.';
  return h(
    'div',
    null,
    h('p', null, begins),
    h(
      'ol',
      { class: 'rules-view' },
      (config.questions || []).map((q) =>
        h(
          'li',
          null,
          h('q', null, q.text),
          ' → ',
          h('code', null, q.variable),
          q.choices?.length ? [': ', q.choices.join(', ')] : null,
        ),
      ),
    ),
    h('p', null, 'Then:'),
    rulesView(config.actions),
  );
}

function configCard(s, save) {
  const config = s.config || {};
  const without = (name) => [name, name === 'ports' ? WEB_PORTS : null];
  const saveJson = (now) => save({ ...Object.fromEntries(Object.keys(config).map(without)), ...now });
  const asJson = { id: 'json', label: 'JSON', content: () => jsonEditor(config, saveJson) };
  if (s.service_type === 'incoming_message_webhook') {
    return card(
      'Webhook',
      may('write')
        ? tabs([{ id: 'form', label: 'Settings', content: () => webhookForm(config, save) }, asJson])
        : json(config),
    );
  }
  const poll = s.service_type === 'messaging_poll';
  const view = { id: 'view', label: 'Read', content: () => (poll ? pollView(config) : rulesView(config.actions)) };
  const edit = { id: 'edit', label: 'Edit', content: () => (poll ? pollPart(config, save) : rulesPart(config, save)) };
  return card(poll ? 'Questions' : 'Rules', tabs(may('write') ? [view, edit, asJson] : [view]));
}

// --- run by hand ---

function result(pid, answer) {
  const sent = answer.sent_messages || [];
  const words =
    sent.length > 1 ? `It sent ${sent.length} messages:` : sent.length ? 'It sent a message:' : 'It sent nothing.';
  return h(
    'div',
    { class: 'run-result' },
    h('p', { class: 'strong' }, words),
    sent.length
      ? h(
          'div',
          { class: 'conversation' },
          sent.map((m) => bubble(m, { href: `#/messages/${enc(pid)}/${enc(m.id)}` })),
        )
      : null,
    h('p', { class: 'muted' }, 'What else it did stands in its log below.'),
  );
}

function target(context, whom) {
  if (context === 'message') return { message_id: whom };
  return /^CT[0-9A-Za-z]{10,}$/.test(whom) ? { contact_id: whom } : { phone_number: whom };
}

function runCard(pid, s, phones, done) {
  const contexts = s.contexts || {};
  const ways = [
    ['contact', 'a contact, by number or id'],
    ['message', 'an incoming message, by id'],
  ].filter(([word]) => contexts[word]);
  const where = h('div', { class: 'run-place', 'aria-live': 'polite' });
  const vars = varsEditor({});
  const fields = [
    field({ label: 'For', name: 'context', type: 'select', options: ways }),
    field({ label: 'Number or id', name: 'whom', required: true, placeholder: '+46701234567', autocomplete: 'off' }),
    field({ label: 'By phone', name: 'route_id', type: 'select', options: phoneOptions(phones), value: '' }),
    h('fieldset', null, h('legend', null, 'Variables: foo becomes $foo'), vars),
  ];
  const submit = async ({ context, whom, route_id }) => {
    const given = vars.changes();
    const variables = Object.keys(given).length ? given : undefined;
    where.replaceChildren();
    const answer = await api.post(`${ownerPath(pid)}/services/${enc(s.id)}/invoke`, {
      context,
      ...target(context, whom.trim()),
      route_id: route_id || undefined,
      variables,
    });
    where.replaceChildren(result(pid, answer));
    done();
  };
  const shown = form(fields, { label: 'Run it', kind: 'primary', submit });
  shown.addEventListener('submit', () => where.replaceChildren());
  return card({ title: 'Run it by hand', sub: 'It really runs: messages are sent, variables set.' }, shown, where);
}

// --- states ---

// Contacts' names come one after the other, behind their ids.
async function fillNames(pid, cells) {
  for (const [id, el] of cells) {
    if (!el.isConnected) return;
    el.textContent = nameOf(await api.get(`${ownerPath(pid)}/contacts/${enc(id)}`));
  }
}

function statesCard(pid, s) {
  let cells = [];
  const later = (one) => {
    const el = h('span', null, one.contact_id);
    cells.push([one.contact_id, el]);
    return el;
  };
  const path = `${ownerPath(pid)}/services/${enc(s.id)}/states`;
  const list = table({
    caption: 'Where contacts stand',
    empty: 'No contact stands anywhere in this service.',
    load: ({ marker }) => api.get(path, { marker }),
    rowHref: (one) => `#/contacts/${enc(pid)}/${enc(one.contact_id)}`,
    columns: [
      { key: 'contact_id', label: 'Contact', cell: later },
      { key: 'id', label: 'State', cell: (one) => badge(one.id || '–', 'info', 'info') },
      { key: 'vars', label: 'Variables', cell: (one) => (Object.keys(one.vars || {}).length ? json(one.vars) : '–') },
      { key: 'time', label: 'Since', cell: (one) => timeAgo(one.time_updated) },
      ...writers({
        key: 'do',
        label: 'Forget',
        cell: (one) =>
          button(`Forget ${one.contact_id}`, {
            icon: 'trash',
            iconOnly: true,
            small: true,
            run: async () => {
              const text = 'The service treats this contact as a new one with the next message.';
              if (!(await confirm(text, { danger: true, label: 'Forget', title: 'Forget where it stands?' }))) return;
              await api.delete(`${path}/${enc(one.contact_id)}`);
              list.reload();
            },
          }),
      }),
    ],
    onLoad: () => {
      fillNames(pid, cells).catch(() => {});
      cells = [];
    },
  });
  return card('Where contacts stand', list);
}

// --- the page ---

export async function show(ctx) {
  const [pid, id] = place(ctx);
  const path = `${ownerPath(pid)}/services/${enc(id)}`;
  const [s, phones] = await Promise.all([api.get(path), listAll(pid, 'phones')]);
  const saved = () => {
    forget('services');
    toast('Saved', 'ok');
    ctx.refresh();
  };
  const save = async (body) => {
    await api.post(path, body);
    saved();
  };
  const saveConfig = async (config) => {
    await api.post(`${path}/config`, config);
    saved();
  };
  const remove = async () => {
    if (
      !(await confirm('Where its contacts stand is forgotten too.', {
        danger: true,
        label: 'Delete',
        title: `Delete the service ${s.name}?`,
      }))
    )
      return;
    await api.delete(path);
    forget('services');
    toast('Deleted', 'ok');
    ctx.go('#/services');
  };
  const asJson = button('As JSON', {
    run: () => {
      dialog({ title: 'The service as the API gives it', body: json(s), wide: true });
    },
  });
  const log = logTable({ service_id: id }, byId([s]), { ids: pid, hide: ['service'] });
  const sub = h(
    'span',
    { class: 'head-line' },
    badge(TYPES[s.service_type] || s.service_type, 'muted', 'services'),
    activeSwitch(s),
  );
  return page(
    s.name,
    {
      crumbs: [['Services', '#/services']],
      sub,
      actions: [asJson, ...writers(button('Delete', { kind: 'danger', icon: 'trash', run: remove }))],
    },
    h(
      'div',
      { class: 'halves' },
      h(
        'div',
        null,
        configCard(s, saveConfig),
        may('write') && s.contexts ? runCard(pid, s, phones, () => log.reload()) : null,
      ),
      h(
        'div',
        null,
        card(
          'For which messages',
          may('write')
            ? settingsForm(s, phones, save)
            : json({ phone_ids: s.phone_ids, message_types: s.message_types, apply_mode: s.apply_mode }),
        ),
      ),
    ),
    card('Log', log),
    statesCard(pid, s),
  );
}
