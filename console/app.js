// The console's frame: who is logged in, the navigation, and which page is shown. A page is a module of its own, loaded when it is
// first gone to; the address after # says which (#/events?outcome=failed).
//
// A page module exports `title` and `async function show(ctx)` -> Element, with ctx:
//   params    what the route's :names took, decoded: {project: 'shop', id: 'crm'}
//   query     what stood after '?', as an object
//   go(hash)  to another page;   setQuery(object) changes what stands after '?' without showing the page anew
//   onLeave(fn)  called once when the page is left (end timers and streams there)
//   project   the chosen project's id, or null for all;   refresh() shows the page anew

import {
  answers,
  bus,
  chooseProject,
  gone,
  login,
  logout,
  may,
  project,
  projects,
  resume,
  session,
} from './lib-api.js';
import { badge, button, dialog, errorBox, h, icon, page, spinner, toast } from './lib-ui.js';
import { endedPage, loginPage } from './page-login.js';

// --- the pages ---

// [name in the navigation, route, module, icon, the right it asks for (lib-api's may)]
const SECTIONS = [
  [
    null,
    [
      ['Overview', '/overview', 'page-overview.js', 'overview'],
      ['Endpoints', '/endpoints', 'page-endpoints.js', 'endpoints'],
      ['Events', '/events', 'page-events.js', 'events'],
      ['Dead letters', '/dead', 'page-dead.js', 'dead'],
      ['Template editor', '/templates', 'page-templates.js', 'templates'],
    ],
  ],
  [
    'Messaging',
    [
      ['Messages', '/messages', 'page-messages.js', 'messages'],
      ['Contacts', '/contacts', 'page-contacts.js', 'contacts'],
      ['Groups', '/groups', 'page-groups.js', 'groups'],
      ['Labels', '/labels', 'page-labels.js', 'labels'],
      ['Services', '/services', 'page-services.js', 'services'],
      ['Service logs', '/service-logs', 'page-service-logs.js', 'logs'],
      ['Phones', '/phones', 'page-phones.js', 'phones'],
      ['Broadcasts', '/broadcasts', 'page-broadcasts.js', 'broadcasts'],
    ],
  ],
  [
    'Administration',
    [
      ['Keys', '/keys', 'page-keys.js', 'keys', 'keys'],
      ['Projects', '/projects', 'page-projects.js', 'projects', 'admin'],
      ['Settings', '/settings', 'page-settings.js', 'settings', 'admin'],
    ],
  ],
];

// Pages of one thing: [route, module, the page of the navigation that they belong to]
const DETAILS = [
  ['/endpoints/:owner/:id', 'page-endpoint.js', '/endpoints'],
  ['/events/:project/:id', 'page-event.js', '/events'],
  ['/attempts/:project/:id', 'page-attempt.js', '/events'],
  ['/messages/:project/:id', 'page-message.js', '/messages'],
  ['/contacts/:project/:id', 'page-contact.js', '/contacts'],
  ['/services/:project/:id', 'page-service.js', '/services'],
  ['/phones/:project/:id', 'page-phone.js', '/phones'],
  ['/broadcasts/:project/:id', 'page-broadcast.js', '/broadcasts'],
];

// What this session may see: an item may ask for a right (lib-api's may), and a section without items is none.
const sections = () =>
  SECTIONS.map(([name, items]) => [name, items.filter(([, , , , right]) => !right || may(right))]).filter(
    ([, items]) => items.length,
  );

function routes() {
  const listed = sections().flatMap(([, items]) => items.map(([, route, module]) => [route, module, route]));
  return listed.concat(DETAILS);
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return null; // no address of ours
  }
}

function match(route, path) {
  const want = route.split('/');
  const have = path.split('/');
  if (want.length !== have.length) return null;
  const params = {};
  for (let i = 0; i < want.length; i++) {
    if (want[i].startsWith(':')) params[want[i].slice(1)] = decoded(have[i]);
    else if (want[i] !== have[i]) return null;
  }
  return Object.values(params).every(Boolean) ? params : null;
}

function find(path) {
  for (const [route, module, within] of routes()) {
    const params = match(route, path);
    if (params) return { params, module, within };
  }
  return null;
}

// --- the frame ---

const frame = { main: null, nav: null, leave: [], shown: 0 };

function announce(text) {
  document.getElementById('announce').textContent = text;
}

// A link to where one is already changes no address: the page is shown anew.
function onSamePage(event) {
  if (event.currentTarget.getAttribute('href') === location.hash) show();
}

function navigation() {
  return sections().map(([name, items]) => [
    name ? h('h2', { class: 'nav-section' }, name) : null,
    h(
      'ul',
      null,
      items.map(([label, route, , sign]) =>
        h(
          'li',
          null,
          h(
            'a',
            { href: `#${route}`, dataset: { route }, on: { click: onSamePage } },
            icon(sign),
            h('span', null, label),
          ),
        ),
      ),
    ),
  ]);
}

function themeSwitch() {
  const next = () => (window.theme.isDark() ? 'light' : 'dark');
  const el = button(`Use the ${next()} theme`, {
    icon: 'moon',
    iconOnly: true,
    run: async () => window.theme.set(next()),
  });
  const draw = () => {
    el.replaceChildren(icon(window.theme.isDark() ? 'sun' : 'moon'));
    el.title = `Use the ${next()} theme`;
    el.setAttribute('aria-label', el.title);
  };
  document.addEventListener('themechange', draw);
  draw();
  return el;
}

const MANY = 200; // a select with more is no help any more

const named = (p) => (p.name && p.name !== p.id ? `${p.name} (${p.id})` : p.id);

async function projectSwitch() {
  const place = h('div', { class: 'project-switch' });
  const all = await projects();
  if (all.length <= MANY) {
    const select = h(
      'select',
      { id: 'project-choice', on: { change: () => chooseProject(select.value) } },
      h('option', { value: '' }, 'All projects'),
      all.map((p) => h('option', { value: p.id }, named(p))),
    );
    select.value = all.some((p) => p.id === project()) ? project() : '';
    place.append(h('label', { for: 'project-choice', class: 'visually-hidden' }, 'Project'), select);
  } else {
    place.append(button(project() || 'All projects', { icon: 'projects', run: () => chooseAmongMany(all) }));
  }
  return place;
}

function chooseAmongMany(all) {
  return dialog({
    title: 'Project',
    body: ({ close }) => {
      const choose = (id) => {
        close();
        chooseProject(id);
      };
      const found = h('ul', { class: 'choices' });
      const list = (text) => {
        const low = text.toLowerCase();
        const hits = all.filter((p) => named(p).toLowerCase().includes(low)).slice(0, 50);
        found.replaceChildren(...hits.map((p) => h('li', null, button(named(p), { run: async () => choose(p.id) }))));
      };
      list('');
      return h(
        'div',
        null,
        h('input', {
          type: 'search',
          'aria-label': 'Find a project',
          placeholder: 'Find a project',
          on: { input: (e) => list(e.target.value) },
        }),
        button('All projects', { run: async () => choose(null) }),
        found,
      );
    },
  });
}

function who() {
  const s = session();
  if (s.role === 'admin') return badge('admin key', 'info');
  const rights = s.role === 'portal' ? (may('write') ? 'link' : 'link, reading only') : 'project key';
  return h('div', { class: 'who' }, h('strong', null, s.name || s.project), badge(rights, 'muted'));
}

function drawer(open) {
  const was = document.body.classList.contains('drawer-open');
  document.body.classList.toggle('drawer-open', open);
  const button = document.getElementById('drawer-button');
  if (button) button.setAttribute('aria-expanded', String(open));
  if (open) frame.nav.querySelector('a').focus();
  else if (was && button && frame.nav.contains(document.activeElement)) button.focus();
}

function sidebar() {
  const top = h(
    'div',
    { class: 'sidebar-top' },
    h('a', { class: 'brand', href: '#/overview' }, icon('send'), h('span', null, 'postrider')),
  );
  frame.nav = h('nav', { class: 'nav', 'aria-label': 'Pages' }, navigation());
  const el = h(
    'aside',
    { class: 'sidebar', id: 'sidebar' },
    top,
    h('div', { class: 'sidebar-project' }, who()),
    frame.nav,
    h(
      'div',
      { class: 'sidebar-foot' },
      h('span', { class: 'muted' }, session().version || ''),
      themeSwitch(),
      button('Log out', { icon: 'logout', iconOnly: true, run: async () => leave() }),
    ),
  );
  return el;
}

// Made anew when another project was chosen, or when there are others. The select that was just used keeps the focus.
async function drawProjectSwitch() {
  if (!may('admin')) return;
  try {
    const made = await projectSwitch();
    const place = document.querySelector('.sidebar-project');
    if (!place) return;
    const focused = place.contains(document.activeElement);
    place.replaceChildren(made);
    if (focused) made.querySelector('select, button').focus();
  } catch (e) {
    toast(e.message, 'bad');
  }
}

function topbar() {
  const open = button('Menu', { icon: 'menu', iconOnly: true, run: async () => drawer(true) });
  open.id = 'drawer-button';
  open.setAttribute('aria-expanded', 'false');
  open.setAttribute('aria-controls', 'sidebar');
  return h(
    'header',
    { class: 'topbar' },
    open,
    h('a', { class: 'brand', href: '#/overview' }, icon('send'), h('span', null, 'postrider')),
  );
}

function shell() {
  frame.main = h('main', { id: 'main', tabindex: '-1' });
  document.body.replaceChildren(
    h(
      'a',
      {
        class: 'skip',
        href: '#main',
        on: {
          click: (e) => {
            e.preventDefault();
            frame.main.focus();
          },
        },
      },
      'Skip to the content',
    ),
    sidebar(),
    h('div', { class: 'veil', on: { click: () => drawer(false) } }),
    h('div', { class: 'content' }, topbar(), banner(), frame.main),
    h('div', { id: 'announce', class: 'visually-hidden', 'aria-live': 'polite' }),
  );
  drawProjectSwitch();
}

// --- the banner ---

let isAway = false;

function banner() {
  return h(
    'div',
    { id: 'banner', class: 'banner', role: 'alert', hidden: !isAway },
    icon('warn'),
    'postrider does not answer. What you see may be old; this page tries again by itself.',
  );
}

function setAway(now) {
  isAway = now;
  const el = document.getElementById('banner');
  if (el) el.hidden = !now;
}

// --- showing a page ---

function address() {
  const [path, words = ''] = location.hash.replace(/^#/, '').split('?');
  return { path: path || '/overview', query: Object.fromEntries(new URLSearchParams(words)) };
}

const go = (hash) => {
  location.hash = hash.startsWith('#') ? hash : `#${hash}`;
};

function setQuery(query) {
  const used = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== '');
  const words = used.length ? `?${new URLSearchParams(used)}` : '';
  history.replaceState(null, '', `#${address().path}${words}`);
}

function leavePage() {
  for (const fn of frame.leave.splice(0)) fn();
}

function mark(within) {
  for (const a of frame.nav.querySelectorAll('a')) {
    if (a.dataset.route === within) a.setAttribute('aria-current', 'page');
    else a.removeAttribute('aria-current');
  }
}

// A page that was never gone to comes from the daemon too. A browser may remember that a module could not be had: then only a fresh start helps.
async function load(name) {
  try {
    return await import(`./${name}`);
  } catch (e) {
    if (!(e instanceof TypeError)) throw e;
    if (await answers()) location.reload();
    throw gone();
  }
}

async function build(found, query, number) {
  const module = await load(found.module);
  const leaving = [];
  const ctx = {
    params: found.params,
    query,
    go,
    setQuery,
    project: project(),
    refresh: () => show(),
    onLeave: (fn) => {
      if (number === frame.shown) leaving.push(fn);
      else fn(); // it was left while it was being made
    },
  };
  frame.leave = leaving;
  return { el: await module.show(ctx), title: module.title };
}

function put(el, title, focus) {
  frame.main.replaceChildren(el);
  const heading = frame.main.querySelector('h1');
  document.title = `${heading ? heading.textContent : title} · postrider`;
  announce(document.title);
  if (focus) {
    window.scrollTo(0, 0);
    if (heading) heading.focus({ preventScroll: true });
  }
}

function failed(err) {
  const missing = err.status === 404;
  return page(
    missing ? 'Not found' : 'This page could not be shown',
    {},
    errorBox(err, { retry: missing ? null : () => show() }),
  );
}

async function show({ focus = true } = {}) {
  const number = ++frame.shown;
  const { path, query } = address();
  const found = find(path);
  drawer(false);
  leavePage();
  mark(found && found.within);
  if (!found)
    return put(
      page('Not found', {}, h('p', null, 'There is no such page, or this key may not see it.')),
      'Not found',
      focus,
    );
  const slow = setTimeout(() => {
    if (number === frame.shown) frame.main.replaceChildren(spinner()); // a page left before it was there must not cover the next one
  }, 150);
  try {
    const { el, title } = await build(found, query, number);
    if (number === frame.shown) put(el, title, focus);
  } catch (e) {
    if (number !== frame.shown || e.status === 401) return undefined;
    put(failed(e), 'Error', focus);
  } finally {
    clearTimeout(slow);
  }
  return undefined;
}

// --- in and out ---

function toLogin(why = null) {
  leavePage();
  frame.shown++;
  frame.main = null;
  document.title = 'Log in · postrider';
  document.body.replaceChildren(loginPage(enter, why));
}

function enter() {
  if (!location.hash.startsWith('#/')) history.replaceState(null, '', '#/overview');
  const byHand = document.activeElement !== document.body; // asked before the field that has the focus goes
  shell();
  show({ focus: byHand });
}

function leave() {
  logout();
  history.replaceState(null, '', '#/overview');
  toLogin();
}

function toEnded(err) {
  document.title = 'Link · postrider';
  document.body.replaceChildren(endedPage(err, toLogin));
}

// A signed link: its token is taken out of the address before anything else, so that it is not copied with it.
async function byLink(token) {
  history.replaceState(null, '', '#/overview');
  logout();
  try {
    await login(token);
    enter();
  } catch (e) {
    toEnded(e);
  }
}

async function start() {
  const token = location.hash.match(/^#link=(.*)$/);
  if (token) return byLink(decoded(token[1]) ?? token[1]);
  try {
    if (await resume()) return enter();
    return toLogin();
  } catch (e) {
    if (e.code !== 'away') return toLogin(e.status === 401 ? e : null);
    document.body.replaceChildren(banner());
    setAway(true);
    return bus.addEventListener('back', start, { once: true });
  }
}

// --- what comes from outside ---

function typing() {
  const el = document.activeElement;
  return el && (el.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName));
}

const SHORTCUTS = {
  o: '/overview',
  e: '/endpoints',
  v: '/events',
  d: '/dead',
  t: '/templates',
  m: '/messages',
  c: '/contacts',
};
let going = 0; // when g was pressed

function onKey(event) {
  if (event.key === 'Escape' && document.body.classList.contains('drawer-open')) return drawer(false);
  if (
    typing() ||
    event.ctrlKey ||
    event.metaKey ||
    event.altKey ||
    !frame.main ||
    document.querySelector('dialog[open]')
  )
    return undefined;
  if (event.key === '/') {
    const search = frame.main.querySelector('input[type=search]');
    if (search) {
      event.preventDefault();
      search.focus();
    }
  } else if (event.key === 'g') {
    going = event.timeStamp;
  } else if (SHORTCUTS[event.key] && event.timeStamp - going < 1000) {
    going = 0;
    go(SHORTCUTS[event.key]);
  }
  return undefined;
}

window.addEventListener('hashchange', () => {
  if (location.hash.startsWith('#link=')) start();
  else if (frame.main) show();
});
window.addEventListener('keydown', onKey);
bus.addEventListener('unauthorized', ({ detail: err }) => {
  if (!frame.main) return;
  toLogin(err);
  if (err.role === 'portal') toEnded(err); // who came by a link has no key
});
bus.addEventListener('project', () => {
  drawProjectSwitch();
  show({ focus: false });
});
bus.addEventListener('projects', drawProjectSwitch);
bus.addEventListener('gone', (event) =>
  toast(`The project ${event.detail} was deleted. All projects are shown.`, 'warn'),
);
bus.addEventListener('away', () => setAway(true));
bus.addEventListener('back', () => setAway(false));
start();
