// Labels of messages, with how many messages each has.

import { api, merged, ownerPath } from './lib-api.js';
import { number } from './lib-format.js';
import { button, confirm, h, page, table, timeAgo, toast } from './lib-ui.js';
import { askName, enc, forget, inProject, projectColumn, writers } from './lib-messaging.js';

export const title = 'Labels';

const pathOf = (l) => `${ownerPath(l.project)}/labels/${enc(l.id)}`;

// Counted label by label, one after the other: nobody waits for them.
async function fillCounts(counts) {
  for (const [l, el] of counts) {
    if (!el.isConnected) return;
    const { count } = await api.get(`${pathOf(l)}/messages`, { count: 1 });
    el.textContent = number(count);
  }
}

async function remove(l) {
  const text = 'Its messages stay, without it. Rules that name this label make it again.';
  if (!(await confirm(text, { danger: true, label: 'Delete', title: `Delete the label ${l.name}?` }))) return;
  await api.delete(pathOf(l));
  toast('Deleted', 'ok');
}

const rename = (l) => askName(`Rename ${l.name}`, { value: l.name, submit: (name) => api.post(pathOf(l), { name }) });

async function create() {
  const pid = await inProject('New label');
  return pid && askName('New label', { go: 'Make', submit: (name) => api.post(`${ownerPath(pid)}/labels`, { name }) });
}

export async function show() {
  let counts = [];
  const then = (what) => async () => {
    await what();
    forget('labels');
    list.reload();
  };
  const counted = (l) => {
    const el = h('span', null, '…');
    counts.push([l, el]);
    return el;
  };
  const list = table({
    caption: 'Labels',
    empty: 'No labels yet. A label marks messages, by hand or by a rule of a service.',
    load: merged(null, '/labels'),
    rowHref: (l) => `#/messages?label_id=${enc(l.id)}`,
    columns: [
      { key: 'name', label: 'Name', sort: 'name' },
      { key: 'count', label: 'Messages', num: true, cell: counted },
      ...projectColumn(),
      { key: 'time_created', label: 'Made', cell: (l) => timeAgo(l.time_created) },
      ...writers({
        key: 'do',
        label: 'Actions',
        cell: (l) =>
          h(
            'span',
            { class: 'row-actions' },
            button(`Rename ${l.name}`, { small: true, icon: 'edit', iconOnly: true, run: then(() => rename(l)) }),
            button(`Delete ${l.name}`, { small: true, icon: 'trash', iconOnly: true, run: then(() => remove(l)) }),
          ),
      }),
    ],
    onLoad: () => {
      fillCounts(counts).catch(() => {});
      counts = [];
    },
  });
  return page(
    title,
    { actions: writers(button('New label', { kind: 'primary', icon: 'plus', run: then(create) })) },
    list,
  );
}
