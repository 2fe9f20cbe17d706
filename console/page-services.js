// Services in the order in which a message goes through them, changed by hand.

import { api, chooseProject, may, merged, ownerPath, project, projects } from './lib-api.js';
import { plural } from './lib-format.js';
import { badge, button, dialog, empty, field, form, h, link, page, picker, table, toast, toolbar } from './lib-ui.js';
import { byId, enc, forget, inProject, listAll, nameOf, projectColumn, writers } from './lib-messaging.js';
import { reorder } from './lib-reorder.js';

export const title = 'Services';

export const TYPES = { incoming_message_webhook: 'Webhook', custom_actions: 'Rules', messaging_poll: 'Poll' };
const GAP = 10; // between priorities, so that most moves change one service

const pathOf = (s) => `${ownerPath(s.project || s.project_id)}/services/${enc(s.id)}`;
const hrefOf = (s) => `#/services/${enc(s.project || s.project_id)}/${enc(s.id)}`;

// --- one row ---

export function activeSwitch(s, { onChange = () => {} } = {}) {
  const el = h(
    'button',
    { type: 'button', role: 'switch', class: 'toggle', disabled: !may('write'), 'aria-label': `${s.name} is active` },
    h('span', { class: 'toggle-knob' }),
  );
  const words = h('span', { class: 'toggle-word', 'aria-hidden': 'true' });
  const draw = () => {
    el.setAttribute('aria-checked', String(s.active));
    words.textContent = s.active ? 'on' : 'off';
  };
  el.addEventListener('click', async () => {
    s.active = !s.active;
    draw();
    try {
      await api.post(pathOf(s), { active: s.active });
      forget('services');
      onChange(s);
    } catch (e) {
      s.active = !s.active;
      draw();
      toast(e.message, 'bad');
    }
  });
  draw();
  return h('span', { class: 'toggle-place' }, el, words);
}

function does(s) {
  const config = s.config || {};
  if (s.service_type === 'incoming_message_webhook') return `asks ${config.url}`;
  if (s.service_type === 'messaging_poll')
    return `${plural((config.questions || []).length, 'question')}${config.keyword ? `, begins with “${config.keyword}”` : ''}`;
  return plural((config.actions || []).length, 'action');
}

function limits(s, phones) {
  const of = (list, names = new Map()) => list.map((id) => nameOf(names.get(id) || { id })).join(', ');
  return [
    s.phone_ids?.length ? `only ${of(s.phone_ids, phones)}` : null,
    s.message_types?.length ? `only ${of(s.message_types)}` : null,
    s.contact_number_filter === 'all' ? 'short codes too' : null,
    s.apply_mode === 'always' ? 'always runs' : null,
  ].filter(Boolean);
}

function row(s, phones) {
  return h(
    'div',
    { class: 'service-row' },
    h(
      'div',
      { class: 'service-words' },
      h('div', null, link(s.name, hrefOf(s)), ' ', badge(TYPES[s.service_type] || s.service_type, 'muted', 'services')),
      h('p', { class: 'muted snippet' }, [does(s), ...limits(s, phones)].join(' · ')),
    ),
    activeSwitch(s),
  );
}

// --- the order ---

// What has to be written so that the list stands in this order: the moved one between its neighbours when a number is free there,
// otherwise all of them, from the last to the first and above all that are there, so that every step on the way is an order too.
export function newPriorities(ids, moved, priorityOf) {
  const at = ids.indexOf(moved);
  const before = at > 0 ? priorityOf(ids[at - 1]) : null;
  const behind = at < ids.length - 1 ? priorityOf(ids[at + 1]) : null;
  if (behind === null) return [[moved, before + GAP]];
  if (before === null) return [[moved, behind - GAP]];
  if (behind - before > 1) return [[moved, Math.floor((before + behind) / 2)]];
  const base = Math.max(...ids.map(priorityOf));
  return ids.map((id, i) => [id, base + (i + 1) * GAP]).reverse();
}

function ordered(services, phones, canMove) {
  const known = byId(services);
  return reorder({
    label: 'Services in their order',
    canMove,
    rows: services.map((s) => ({ id: s.id, name: s.name, el: row(s, phones) })),
    save: async (ids, moved) => {
      for (const [id, priority] of newPriorities(ids, moved, (one) => known.get(one).priority)) {
        await api.post(pathOf(known.get(id)), { priority });
        known.get(id).priority = priority;
      }
      forget('services');
    },
  });
}

// --- a new one ---

const BEGINNINGS = {
  incoming_message_webhook: () => ({}),
  custom_actions: () => ({ actions: [] }),
  messaging_poll: () => ({ questions: [{ text: 'How are you?', variable: 'mood' }] }),
};

async function create(ctx) {
  const pid = await inProject('New service');
  if (!pid) return;
  const url = field({ label: 'URL', name: 'config.url', placeholder: 'https://', type: 'url' });
  const secret = field({
    label: 'Secret',
    name: 'config.secret',
    help: 'is sent as the parameter secret',
    autocomplete: 'off',
  });
  const type = field({
    label: 'What it does',
    name: 'service_type',
    type: 'select',
    options: [
      ['incoming_message_webhook', 'Webhook: asks your script'],
      ['custom_actions', 'Rules: follows a list of actions'],
      ['messaging_poll', 'Poll: asks questions one after the other'],
    ],
  });
  type.input.addEventListener('change', () => {
    url.hidden = secret.hidden = type.value !== 'incoming_message_webhook';
  });
  const made = await dialog({
    title: 'New service',
    body: ({ close }) =>
      form([field({ label: 'Name', name: 'name', required: true, autocomplete: 'off' }), type, url, secret], {
        label: 'Make',
        submit: async (values) => {
          const config = BEGINNINGS[values.service_type]();
          if (values.service_type === 'incoming_message_webhook') {
            config.url = values['config.url'];
            if (values['config.secret']) config.secret = values['config.secret'];
          }
          const body = { name: values.name, service_type: values.service_type, config };
          if (values.service_type !== 'incoming_message_webhook') body.active = false; // until it says something
          close(await api.post(`${ownerPath(pid)}/services`, body));
        },
      }),
  });
  if (!made) return;
  forget('services');
  ctx.go(hrefOf(made));
}

// --- the page ---

function everywhere() {
  return table({
    caption: 'Services of all projects',
    empty: 'No services yet.',
    load: merged(null, '/services'),
    rowHref: hrefOf,
    columns: [
      { key: 'name', label: 'Name' },
      { key: 'service_type', label: 'Type', cell: (s) => TYPES[s.service_type] || s.service_type },
      { key: 'does', label: 'Does', wide: true, cell: (s) => h('span', { class: 'snippet' }, does(s)) },
      { key: 'priority', label: 'Priority', num: true },
      ...projectColumn(),
      { key: 'active', label: 'Active', cell: (s) => activeSwitch(s) },
    ],
  });
}

const MANY = 200; // a select with more is no help any more

// The order is a project's own.
async function projectChooser() {
  const all = await projects();
  if (all.length > MANY)
    return button('Change the order …', {
      run: async () => {
        const pid = await inProject('Order of services');
        if (pid) chooseProject(pid);
      },
    });
  return picker({
    label: 'Change the order in',
    options: [['', 'choose a project …'], ...all.map((p) => [p.id, p.name || p.id])],
    value: '',
    onChange: (pid) => pid && chooseProject(pid),
  });
}

export async function show(ctx) {
  const pid = project();
  const actions = writers(button('New service', { kind: 'primary', icon: 'plus', run: () => create(ctx) }));
  if (!pid)
    return page(
      title,
      { sub: 'Each project has an order of its own.', actions },
      toolbar(await projectChooser()),
      everywhere(),
    );
  const [answer, phones] = await Promise.all([
    api.get(`${ownerPath(pid)}/services`, { page_size: 500 }),
    listAll(pid, 'phones'),
  ]);
  const services = answer.data;
  return page(
    title,
    {
      sub: 'A message goes through them from the top; the first that handles it ends that, but for those that always run.',
      actions,
    },
    answer.truncated
      ? h('p', { class: 'muted' }, `These are the first ${services.length}; so many are not ordered by hand.`)
      : null,
    services.length
      ? ordered(services, byId(phones), may('write') && services.length > 1 && !answer.truncated)
      : empty(
          'No services yet. A service says what happens with a message that comes in: it asks your script, follows rules, or holds a poll.',
        ),
  );
}
