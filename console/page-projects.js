// Projects: each is a customer, or a part of one, with its own endpoints, keys and messages.

import { api, chooseProject, ownerPath, projects } from './lib-api.js';
import { button, confirm, dialog, field, form, h, page, searchBox, table, timeAgo, toast } from './lib-ui.js';
import { enc } from './lib-messaging.js';

export const title = 'Projects';

const addresses = (text) => text.split(/[\s,;]+/).filter(Boolean);

function fieldsOf(p) {
  return [
    p
      ? null
      : field({
          label: 'Id',
          name: 'id',
          required: true,
          placeholder: 'shop',
          autocomplete: 'off',
          help: 'letters, digits, _ . -; it stands in addresses and stays',
        }),
    field({ label: 'Name', name: 'name', value: p?.name || '', autocomplete: 'off' }),
    field({
      label: 'Organization',
      name: 'organization_id',
      value: p?.organization_id || '',
      help: 'several projects of one customer have the same',
      autocomplete: 'off',
    }),
    field({
      label: 'Mails about failures go to',
      name: 'notify_emails',
      type: 'textarea',
      rows: 2,
      value: (p?.notify_emails || []).join('\n'),
      help: 'an address on each line',
    }),
    field({
      label: 'Time zone',
      name: 'timezone',
      value: p?.timezone || '',
      placeholder: 'Europe/Stockholm',
      autocomplete: 'off',
    }),
  ];
}

const fault = (param, message) => Object.assign(new Error(message), { param });

// The daemon takes any name of a zone and writes times in UTC where it knows none; better said here.
function zone(name) {
  try {
    return name ? new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions() && name : null;
  } catch {
    throw fault('timezone', 'there is no such time zone; write one like Europe/Stockholm');
  }
}

const bodyOf = ({ name, organization_id, notify_emails, timezone }) => ({
  name: name || null,
  organization_id: organization_id || null,
  notify_emails: addresses(notify_emails),
  timezone: zone(timezone),
});

const given = (body) =>
  Object.fromEntries(
    Object.entries(body).filter(([, value]) => value !== null && !(Array.isArray(value) && !value.length)),
  );

async function isThere(id) {
  return api.get(ownerPath(id)).then(
    () => true,
    (e) => {
      if (e.status === 404) return false;
      throw e;
    },
  );
}

const create = () =>
  dialog({
    title: 'New project',
    body: ({ close }) =>
      form(fieldsOf(null), {
        label: 'Make',
        submit: async (values) => {
          const body = given(bodyOf(values));
          if (await isThere(values.id)) throw fault('id', 'there is a project with this id already');
          close(
            await api.put(`/v1/projects/${enc(values.id)}`, body).catch((e) => {
              throw e.param === 'pid' ? fault('id', e.message) : e;
            }),
          );
        },
      }),
  });

const edit = (p) =>
  dialog({
    title: `The project ${p.id}`,
    body: ({ close }) =>
      form(fieldsOf(p), {
        label: 'Save',
        submit: async (values) => {
          close(await api.patch(ownerPath(p.id), bodyOf(values)));
        },
      }),
  });

async function remove(p) {
  const text = h(
    'p',
    null,
    'Its endpoints, keys, messages, contacts and services go with it, and what waits is not delivered. ',
    h('strong', null, 'There is no way back.'),
  );
  if (
    !(await confirm(text, {
      danger: true,
      label: 'Delete the project',
      title: `Delete ${p.name || p.id}?`,
      typed: p.id,
    }))
  )
    return false;
  await api.delete(ownerPath(p.id));
  return true;
}

export async function show() {
  let words = '';
  const done = async (text) => {
    await projects({ fresh: true });
    toast(text, 'ok');
    list.reload();
  };
  const find = async ({ marker }) => {
    if (!words) return api.get('/v1/projects', { marker });
    const low = words.toLowerCase();
    const hits = (await projects()).filter((p) =>
      [p.id, p.name, p.organization_id].some((text) => text && text.toLowerCase().includes(low)),
    );
    return { data: hits.slice(0, 200), truncated: false };
  };
  const list = table({
    caption: 'Projects',
    empty: 'No projects like this.',
    load: find,
    columns: [
      { key: 'id', label: 'Id', cell: (p) => h('code', null, p.id) },
      { key: 'name', label: 'Name', wide: true, cell: (p) => p.name || '–' },
      { key: 'organization_id', label: 'Organization', cell: (p) => p.organization_id || '–' },
      { key: 'notify_emails', label: 'Mails to', cell: (p) => (p.notify_emails || []).join(', ') || '–' },
      { key: 'timezone', label: 'Time zone', cell: (p) => p.timezone || '–' },
      { key: 'time_created', label: 'Made', cell: (p) => timeAgo(p.time_created) },
      {
        key: 'do',
        label: 'Actions',
        cell: (p) =>
          h(
            'span',
            { class: 'row-actions' },
            button('Look at it', {
              small: true,
              run: () => {
                chooseProject(p.id);
                window.location.hash = '#/overview';
              },
            }),
            button(`Change ${p.id}`, {
              small: true,
              icon: 'edit',
              iconOnly: true,
              run: async () => {
                if (await edit(p)) await done('Saved');
              },
            }),
            button(`Delete ${p.id}`, {
              small: true,
              icon: 'trash',
              iconOnly: true,
              run: async () => {
                if (await remove(p)) await done('Deleted');
              },
            }),
          ),
      },
    ],
  });
  const search = searchBox({
    label: 'Find a project',
    placeholder: 'Id, name, organization',
    onChange: (text) => {
      words = text;
      list.reload();
    },
  });
  const make = async () => {
    if (await create()) await done('Made');
  };
  return page(
    title,
    { actions: [button('New project', { kind: 'primary', icon: 'plus', run: make })] },
    h('div', { class: 'toolbar' }, search),
    list,
  );
}
