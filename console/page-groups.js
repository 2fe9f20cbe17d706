// Groups of contacts: made, named, emptied, written to.

import { api, merged, ownerPath } from './lib-api.js';
import { number, plural } from './lib-format.js';
import { button, confirm, h, page, table, timeAgo, toast } from './lib-ui.js';
import { askName, enc, forget, inProject, projectColumn, writers } from './lib-messaging.js';
import { broadcastDialog } from './page-broadcasts.js';

export const title = 'Groups';

const pathOf = (g) => `${ownerPath(g.project)}/groups/${enc(g.id)}`;

async function rename(g) {
  await askName(`Rename ${g.name}`, { value: g.name, submit: (name) => api.post(pathOf(g), { name }) });
}

async function remove(g) {
  const text = `${plural(g.num_members, 'contact')} in it will be in it no more, and stay. Rules that name this group make it again.`;
  if (!(await confirm(text, { danger: true, label: 'Delete', title: `Delete the group ${g.name}?` }))) return;
  await api.delete(pathOf(g));
  toast('Deleted', 'ok');
}

async function create() {
  const pid = await inProject('New group');
  return pid && askName('New group', { go: 'Make', submit: (name) => api.post(`${ownerPath(pid)}/groups`, { name }) });
}

export async function show(ctx) {
  const then = (what) => async () => {
    await what();
    forget('groups');
    list.reload();
  };
  const list = table({
    caption: 'Groups',
    empty: 'No groups yet. A group holds contacts, so that one broadcast reaches all of them.',
    load: merged(null, '/groups'),
    rowHref: (g) => `#/contacts?group_id=${enc(g.id)}`,
    columns: [
      { key: 'name', label: 'Name', sort: 'name' },
      { key: 'num_members', label: 'Contacts', num: true, cell: (g) => number(g.num_members) },
      ...projectColumn(),
      { key: 'time_created', label: 'Made', cell: (g) => timeAgo(g.time_created) },
      ...writers({
        key: 'do',
        label: 'Actions',
        cell: (g) =>
          h(
            'span',
            { class: 'row-actions' },
            button('Broadcast', {
              small: true,
              icon: 'broadcasts',
              run: () => broadcastDialog(ctx, { pid: g.project, group: g.id }),
            }),
            button(`Rename ${g.name}`, { small: true, icon: 'edit', iconOnly: true, run: then(() => rename(g)) }),
            button(`Delete ${g.name}`, { small: true, icon: 'trash', iconOnly: true, run: then(() => remove(g)) }),
          ),
      }),
    ],
  });
  return page(
    title,
    { actions: writers(button('New group', { kind: 'primary', icon: 'plus', run: then(create) })) },
    list,
  );
}
