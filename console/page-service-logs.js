// What services did, newest first, and what went wrong.

import { merged, project } from './lib-api.js';
import { ms } from './lib-format.js';
import { badge, button, code, dialog, facts, h, link, page, picker, table, timeAgo, toolbar } from './lib-ui.js';
import { byId, enc, listAll, nameOf, projectColumn } from './lib-messaging.js';

export const title = 'Service logs';

const TYPES = ['webhook', 'log_message', 'email', 'error'];

export function logBadge(l) {
  return badge(
    `${l.type.replaceAll('_', ' ')}${l.error && l.type !== 'error' ? ': error' : ''}`,
    l.error ? 'bad' : 'info',
    l.error ? 'bad' : 'info',
  );
}

function entry(l, services) {
  const known = [
    ['What', logBadge(l)],
    ['Service', services.get(l.service_id)?.name || l.service_id],
    ['URL', l.url],
    ['Code', l.code],
    ['Took', ms(l.elapsed_ms)],
    ['Message', l.message_id && link(l.message_id, `#/messages/${enc(l.project_id)}/${enc(l.message_id)}`)],
    ['Contact', l.contact_id && link(l.contact_id, `#/contacts/${enc(l.project_id)}/${enc(l.contact_id)}`)],
  ];
  return dialog({
    title: 'Service log',
    wide: true,
    body: ({ close }) =>
      h(
        'div',
        {
          on: {
            click: (e) => {
              if (e.target.closest('a')) close();
            },
          },
        },
        code(l.content || '', { label: 'What happened' }),
        facts(
          known
            .filter(([, value]) => value !== null && value !== undefined)
            .map(([name, value]) => [name, value instanceof Node ? value : String(value)]),
        ),
        l.answer ? [h('h3', null, 'The answer'), code(l.answer, { label: 'The answer' })] : null,
      ),
  });
}

function serviceLink(l, services) {
  if (!l.service_id) return '–';
  return link(services.get(l.service_id)?.name || l.service_id, `#/services/${enc(l.project_id)}/${enc(l.service_id)}`);
}

function columnsOf(services, ids) {
  return [
    { key: 'type', label: 'What', cell: logBadge },
    { key: 'content', label: 'Sentence', wide: true, cell: (l) => h('span', { class: 'sentence' }, l.content) },
    { key: 'service', label: 'Service', cell: (l) => serviceLink(l, services) },
    {
      key: 'message',
      label: 'Message',
      cell: (l) => (l.message_id ? link('message', `#/messages/${enc(l.project_id)}/${enc(l.message_id)}`) : '–'),
    },
    { key: 'elapsed_ms', label: 'Took', num: true, cell: (l) => ms(l.elapsed_ms) },
    ...(ids ? [] : projectColumn()),
    { key: 'time', label: 'When', cell: (l) => timeAgo(l.time_created) },
    {
      key: 'more',
      label: 'Details',
      cell: (l) =>
        button('Show all of this entry', {
          icon: 'info',
          iconOnly: true,
          small: true,
          run: () => {
            entry(l, services);
          },
        }),
    },
  ];
}

const NOTHING = 'Nothing in the log. Services write here what they did with a message, and what went wrong.';

export function logTable(params, services, { ids = null, hide = [], empty = NOTHING } = {}) {
  return table({
    caption: 'Service log',
    empty,
    load: merged(ids, '/service_logs', { sort: 'time_created', sort_dir: 'desc', ...params }),
    columns: columnsOf(services, ids).filter((column) => !hide.includes(column.key)),
  });
}

export async function show(ctx) {
  const pid = project();
  const services = pid ? await listAll(pid, 'services') : [];
  const now = { service_id: '', type: '', error: '', message_id: '', ...ctx.query };
  const where = h('div', { class: 'table-place' });
  const draw = () => where.replaceChildren(logTable(now, byId(services)));
  const choose = (label, name, options) =>
    picker({
      label,
      value: now[name],
      options: [['', 'all'], ...options],
      onChange: (value) => {
        now[name] = value;
        ctx.setQuery(now);
        draw();
      },
    });
  draw();
  return page(
    title,
    {
      sub: 'Newest first. Entries are kept for 31 days.',
      actions: [button('Read again', { icon: 'replay', run: draw })],
    },
    toolbar(
      services.length
        ? choose(
            'Service',
            'service_id',
            services.map((s) => [s.id, nameOf(s)]),
          )
        : null,
      choose(
        'What',
        'type',
        TYPES.map((word) => [word, word.replaceAll('_', ' ')]),
      ),
      choose('Errors', 'error', [['true', 'only errors']]),
    ),
    where,
  );
}
