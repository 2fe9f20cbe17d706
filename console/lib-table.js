// Tables of what a list of the API holds, a page at a time. The signature stands in lib-ui.js.
//
// The roles are what the elements mean anyway; in a small window, where style.css lays rows out as cards, browsers would forget them.

import { add, classes, h } from './lib-dom.js';
import { icon } from './lib-icons.js';
import { button, empty, errorBox, spinner } from './lib-parts.js';

function headCell(column, now, sortBy) {
  const props = {
    role: 'columnheader',
    scope: 'col',
    class: classes(column.num && 'num', column.wide && 'wide', column.sort && 'sortable'),
    title: column.hint || null,
  };
  if (!column.sort) return h('th', props, column.label);
  const sorted = now.sort === column.sort;
  return h(
    'th',
    { ...props, 'aria-sort': sorted ? (now.dir === 'asc' ? 'ascending' : 'descending') : 'none' },
    h(
      'button',
      { type: 'button', class: 'sort', on: { click: () => sortBy(column) } },
      h('span', null, column.label),
      h('span', { class: 'sort-sign' }, icon(sorted && now.dir === 'asc' ? 'up' : 'down')),
    ),
  );
}

function bodyRow(columns, row, rowHref) {
  const href = rowHref && rowHref(row);
  const cells = columns.map((column, i) => {
    const inside = column.cell ? column.cell(row) : (row[column.key] ?? '–');
    const el = h(i === 0 ? 'th' : 'td', {
      role: i === 0 ? 'rowheader' : 'cell',
      scope: i === 0 ? 'row' : null,
      class: classes(column.num && 'num', column.wide && 'wide'),
      dataset: { label: column.label },
    });
    return add(el, i === 0 && href ? h('a', { href, class: 'row-link' }, inside) : inside);
  });
  const el = h('tr', { role: 'row', class: href ? 'linked' : null }, cells);
  if (href) {
    el.addEventListener('click', (event) => {
      if (event.target.closest('a, button, input, select, label, summary') || String(window.getSelection())) return;
      window.location.hash = href;
    });
  }
  return el;
}

export function table({
  columns,
  load,
  empty: nothing = 'Nothing here.',
  rowHref = null,
  caption,
  sort = null,
  dir = 'desc',
  onLoad = () => {},
}) {
  const now = { sort, dir };
  let rows = [];
  let marker = null;
  let pages = 0;
  let ending = null;
  const body = h('tbody', { role: 'rowgroup' });
  const head = h('tr', { role: 'row' });
  const foot = h('div', { class: 'table-foot', role: 'status' });
  const scroll = h(
    'div',
    { class: 'table-scroll', tabindex: '0', role: 'group', 'aria-label': caption },
    h(
      'table',
      { role: 'table' },
      h('caption', { class: 'visually-hidden' }, caption),
      h('thead', { role: 'rowgroup', class: columns.some((column) => column.sort) ? 'sorts' : null }, head),
      body,
    ),
  );
  const el = h('div', { class: 'table' }, scroll, foot);

  function sortBy(column) {
    const first = column.num ? 'desc' : 'asc';
    now.dir = now.sort === column.sort ? (now.dir === 'asc' ? 'desc' : 'asc') : first;
    now.sort = column.sort;
    drawHead();
    el.reload();
  }

  function drawHead() {
    const focused = [...head.children].findIndex((th) => th.contains(document.activeElement));
    head.replaceChildren(...columns.map((column) => headCell(column, now, sortBy)));
    if (focused >= 0) head.children[focused].querySelector('button').focus();
  }

  function drawFoot(answer) {
    foot.replaceChildren();
    if (!rows.length)
      foot.append(
        marker === null
          ? empty(typeof nothing === 'function' ? nothing() : nothing)
          : empty('Nothing yet among what was looked through.'),
      );
    if (answer.truncated) foot.append(button(rows.length ? 'Load more' : 'Look further', { run: () => more() }));
  }

  async function ask(from, quiet) {
    if (ending) ending.abort();
    const mine = new AbortController();
    ending = mine;
    if (!quiet) foot.replaceChildren(spinner());
    try {
      const answer = await load({ marker: from, sort: now.sort, dir: now.sort ? now.dir : null, signal: mine.signal });
      return mine.signal.aborted ? null : answer;
    } catch (e) {
      if (!mine.signal.aborted && !(quiet && e.code === 'away'))
        foot.replaceChildren(errorBox(e, { retry: () => (from === null ? el.reload() : more()) }));
      return null;
    } finally {
      if (ending === mine) ending = null;
    }
  }

  async function more() {
    const byHand = foot.contains(document.activeElement);
    const answer = await ask(marker, false);
    if (!answer) return;
    pages++;
    rows = rows.concat(answer.data);
    const fresh = answer.data.map((row) => bodyRow(columns, row, rowHref));
    body.append(...fresh);
    const next = fresh.map((tr) => tr.querySelector('a, button, input')).find(Boolean);
    if (byHand) (next || scroll).focus({ preventScroll: true });
    marker = answer.truncated ? answer.next_marker : null;
    drawFoot(answer);
    onLoad(rows, answer);
  }

  function drawFirst(answer) {
    const focused = [...body.children].findIndex((tr) => tr.contains(document.activeElement));
    pages = 1;
    rows = answer.data;
    body.replaceChildren(...rows.map((row) => bodyRow(columns, row, rowHref)));
    const again = focused >= 0 && body.children[Math.min(focused, rows.length - 1)];
    if (again) (again.querySelector('a, button, input') || scroll).focus();
    marker = answer.truncated ? answer.next_marker : null;
    drawFoot(answer);
    onLoad(rows, answer);
  }

  el.rows = () => rows;
  el.sortBy = (by, direction = 'desc') => {
    Object.assign(now, { sort: by, dir: direction });
    drawHead();
    return el.reload();
  };
  el.reload = async ({ quiet = false } = {}) => {
    if (quiet && (pages > 1 || ending)) return;
    if (!quiet) el.setAttribute('aria-busy', 'true');
    const answer = await ask(null, quiet);
    if (answer) drawFirst(answer);
    el.removeAttribute('aria-busy');
  };
  drawHead();
  el.reload();
  return el;
}
