// A list of what happened, newest first, without an end: pages are fetched as far as one reads, a page of a search that came back short
// goes on by itself a few times, and new rows come in at the top, held back while one reads further down.
//
// feed({columns, load, rowKey, rowHref, caption, empty, onRows}) -> Element with reload(), fresh(rows), rows()
//   columns: as table() of lib-ui takes them. load({marker, signal}) -> list answer. fresh() puts unknown rows on top and draws known ones anew.

import { add, button, empty as nothing, errorBox, h, spinner } from './lib-ui.js';

const BUDGET_MS = 2500; // for which one go through history lasts while it finds little
const ENOUGH = 15; // rows that are worth showing
const HELD_MAX = 500;
const SHOWN_MAX = 2000;

function cell(column, row, index, href) {
  const role = index === 0 ? 'rowheader' : 'cell'; // said, because as cards (style.css) they are no table to a browser
  const el = h(index === 0 ? 'th' : 'td', {
    role,
    scope: index === 0 ? 'row' : null,
    class: column.wide ? 'wide' : null,
    dataset: { label: column.label },
  });
  const inside = column.cell(row);
  return add(el, index === 0 && href ? h('a', { href, class: 'row-link' }, inside) : inside);
}

function line(columns, row, href) {
  const el = h(
    'tr',
    { role: 'row', class: href ? 'linked' : null },
    columns.map((column, i) => cell(column, row, i, href)),
  );
  if (href) {
    el.addEventListener('click', (event) => {
      if (!event.target.closest('a, button, input, label') && !String(window.getSelection()))
        window.location.hash = href;
    });
  }
  return el;
}

export function feed({
  columns,
  load,
  rowKey,
  rowHref = () => null,
  caption,
  empty = 'Nothing here.',
  onRows = () => {},
}) {
  const body = h('tbody', { role: 'rowgroup' });
  const foot = h('div', { class: 'table-foot', role: 'status' });
  const held = h('div', { class: 'feed-held', hidden: true });
  const el = h(
    'div',
    { class: 'table feed' },
    held,
    h(
      'div',
      { class: 'table-scroll', tabindex: '0', role: 'group', 'aria-label': caption },
      h(
        'table',
        { role: 'table' },
        h('caption', { class: 'visually-hidden' }, caption),
        h(
          'thead',
          { role: 'rowgroup' },
          h(
            'tr',
            { role: 'row' },
            columns.map((c) => h('th', { role: 'columnheader', scope: 'col', class: c.wide ? 'wide' : null }, c.label)),
          ),
        ),
        body,
      ),
    ),
    foot,
  );
  let shown = new Map(); // key -> {row, el}
  let waiting = [];
  let marker = null;
  let ending = null;

  function drawFoot(truncated) {
    foot.replaceChildren();
    if (!shown.size) foot.append(nothing(truncated ? 'Nothing among what was looked through so far.' : empty));
    if (truncated)
      foot.append(button(shown.size >= ENOUGH ? 'Load more' : 'Search further back', { run: () => more() }));
    onRows([...shown.values()].map((s) => s.row));
  }

  function make(row) {
    const tr = line(columns, row, rowHref(row));
    shown.set(rowKey(row), { row, el: tr });
    return tr;
  }

  function draw(rows, first) {
    if (first) {
      shown = new Map();
      body.replaceChildren();
    }
    body.append(...rows.filter((row) => !shown.has(rowKey(row))).map(make));
  }

  // Goes on through history until there is something to show, or long enough for one go.
  async function goOn(mine) {
    const until = Date.now() + BUDGET_MS;
    let found = 0;
    for (;;) {
      const answer = await load({ marker, signal: mine.signal });
      if (mine.signal.aborted) return null;
      draw(answer.data, marker === null);
      marker = answer.next_marker;
      found += answer.data.length;
      if (!answer.truncated || found >= ENOUGH || Date.now() > until) return answer.truncated;
    }
  }

  async function more() {
    const byHand = foot.contains(document.activeElement);
    const before = shown.size;
    if (ending) ending.abort();
    const mine = new AbortController();
    ending = mine;
    foot.replaceChildren(spinner(marker === null ? 'Loading…' : 'Looking further back…'));
    try {
      const truncated = await goOn(mine);
      if (mine.signal.aborted) return;
      drawFoot(truncated);
      if (byHand)
        ([...shown.values()][before]?.el.querySelector('a') || foot.querySelector('button'))?.focus({
          preventScroll: true,
        });
    } catch (e) {
      if (!mine.signal.aborted) foot.replaceChildren(errorBox(e, { retry: more }));
    }
  }

  // Someone who reads further down, or is at a row with the keyboard, must not see it move away.
  const busy = () => el.getBoundingClientRect().top < 0 || body.contains(document.activeElement);

  function letIn() {
    held.hidden = true;
    const rows = waiting;
    waiting = [];
    body.prepend(...rows.map(make));
    if (shown.size > SHOWN_MAX) el.reload(); // one follows at the top: a fresh first page is the same sight
    if (shown.size) foot.querySelector('.empty')?.remove();
    onRows([...shown.values()].map((s) => s.row));
  }

  function hold() {
    held.hidden = false;
    const words = waiting.length >= HELD_MAX ? `More than ${HELD_MAX} new` : `${waiting.length} new`;
    held.replaceChildren(
      button(words, {
        icon: 'up',
        small: true,
        run: async () => {
          letIn();
          el.scrollIntoView({ block: 'nearest' });
          body.querySelector('a')?.focus({ preventScroll: true });
        },
      }),
    );
  }

  function redraw(row) {
    const before = shown.get(rowKey(row));
    if (JSON.stringify(before.row) === JSON.stringify(row) || before.el.contains(document.activeElement)) return;
    const tr = line(columns, row, rowHref(row));
    before.el.replaceWith(tr);
    Object.assign(before, { row, el: tr });
  }

  el.rows = () => [...shown.values()].map((s) => s.row);
  el.reload = () => {
    marker = null;
    waiting = [];
    held.hidden = true;
    return more();
  };
  el.fresh = (rows) => {
    rows.filter((row) => shown.has(rowKey(row))).forEach(redraw);
    const known = new Set(waiting.map(rowKey));
    waiting = [...rows.filter((row) => !shown.has(rowKey(row)) && !known.has(rowKey(row))), ...waiting].slice(
      0,
      HELD_MAX,
    );
    if (!waiting.length) return;
    if (busy()) hold();
    else letIn();
  };
  el.reload();
  return el;
}
