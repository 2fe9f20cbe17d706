// The template editor: settings on the left, on the right what they make of a real event while one types. What is shown here can be sent
// once for real, and saved.

import { api, may, ownerPath, projects } from './lib-api.js';
import { draftOf, emptyDraft } from './lib-draft.js';
import { exchange } from './lib-exchange.js';
import { panel, probe } from './lib-placeholders.js';
import { eventChoice, preview } from './lib-preview.js';
import { settingsForm } from './lib-settings.js';
import { explanation } from './lib-timeline.js';
import {
  badge,
  button,
  card,
  confirm,
  dialog,
  empty,
  field,
  form,
  h,
  notice,
  page,
  picker,
  searchBox,
  state,
  toast,
  toolbar,
} from './lib-ui.js';

export const title = 'Template editor';

const CHOICES = 100; // endpoints in the list; more are searched for
const NEW_URL = 'https://receiver.example/hook';
const PRESETS_PAGE = 500;

const segment = encodeURIComponent;

// --- what is edited ---

async function theProject(ctx) {
  const wanted = ctx.query.project || ctx.project;
  const all = wanted ? [] : await projects();
  return { project: wanted || all[0]?.id || null, all: ctx.project ? [] : all.length ? all : await projects() };
}

const endpointsBelow = (project, params) => api.get(`${ownerPath(project)}/endpoints`, params);

async function startOf(project, id) {
  return id ? draftOf(await api.get(`${ownerPath(project)}/endpoints/${segment(id)}`)) : emptyDraft(NEW_URL);
}

// --- choosing ---

// A list of 10,000 endpoints is searched by the daemon.
async function findEndpoint(project) {
  return dialog({
    title: 'Which endpoint?',
    body: ({ close }) => {
      const found = h('ul', { class: 'choices' });
      const look = async (q) => {
        const { data } = await api.get(`${ownerPath(project)}/endpoint_numbers`, { q, page_size: 30 });
        found.replaceChildren(
          ...data.map((row) =>
            h('li', null, button(row.name ? `${row.id} · ${row.name}` : row.id, { run: async () => close(row.id) })),
          ),
        );
      };
      look('');
      return h('div', { class: 'stack' }, searchBox({ label: 'Find an endpoint', onChange: look }), found);
    },
  });
}

async function endpointPicker(project, chosen, go) {
  const { data, truncated } = await endpointsBelow(project, { page_size: CHOICES });
  const options = [['', 'New: not saved yet'], ...data.map((e) => [e.id, e.name ? `${e.id} · ${e.name}` : e.id])];
  if (chosen && !data.some((e) => e.id === chosen)) options.push([chosen, chosen]);
  return [
    picker({ label: 'Endpoint', options, value: chosen, onChange: go }),
    truncated
      ? button('Find …', {
          icon: 'search',
          run: async () => {
            const id = await findEndpoint(project);
            if (id) go(id);
          },
        })
      : null,
  ];
}

function valueWords(value) {
  if (value === undefined || value === null) return 'nothing';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}

function presetNotice(name, changed, undo) {
  return notice(
    'info',
    h(
      'p',
      null,
      h('strong', null, name ? `Preset ${name}` : 'No preset'),
      changed.length ? ' changes what is in the fields:' : ' changes nothing of what is in the fields.',
    ),
    changed.length
      ? h(
          'details',
          { class: 'preset-diff' },
          h('summary', null, changed.map((one) => one.name).join(', ')),
          h(
            'dl',
            null,
            changed.map((one) => [
              h('dt', { class: 'mono' }, one.name),
              h('dd', null, h('del', null, valueWords(one.before)), ' ', h('ins', null, valueWords(one.after))),
            ]),
          ),
        )
      : null,
    h('p', { class: 'muted' }, 'URL, access and secret stay yours. Nothing is saved before you say so.'),
    button('Undo', { icon: 'replay', small: true, run: async () => undo() }),
  );
}

// --- for real ---

async function sendForReal(project, body) {
  const url = body.settings.url;
  if (
    !(await confirm(
      `One request is really sent${url ? ` to ${url}` : ''}. It is recorded nowhere, and no event changes its state.`,
      { title: 'Send it for real', label: 'Send' },
    ))
  )
    return;
  const answer = await api.post(`${ownerPath(project)}/draft/send`, body);
  await dialog({
    title: 'What came back',
    wide: true,
    body: h(
      'div',
      { class: 'stack' },
      h('p', { class: 'life-line' }, state(answer.outcome), h('span', { class: 'mono' }, String(answer.code ?? ''))),
      explanation(answer),
      exchange(answer),
    ),
    actions: [{ label: 'Close', kind: 'primary' }],
  });
}

async function saveNew(project, settings) {
  let made = null;
  await dialog({
    title: 'Save as a new endpoint',
    body: ({ close }) =>
      form(
        [
          field({
            label: 'Id',
            name: 'id',
            required: true,
            help: '1 to 64 of A-Z a-z 0-9 _ . -',
            autocomplete: 'off',
            spellcheck: false,
          }),
          field({ label: 'Name', name: 'name' }),
        ],
        {
          label: 'Save',
          submit: async ({ id, name }) => {
            made = await api.post(`${ownerPath(project)}/endpoints`, { id, ...settings, ...(name ? { name } : {}) });
            close();
          },
        },
      ),
  });
  return made;
}

// --- the page ---

function nothingToEdit() {
  return page(
    'Template editor',
    {},
    empty('There is no project yet. Make one first.', button('Projects', { href: '#/projects' })),
  );
}

export async function show(ctx) {
  const { project, all } = await theProject(ctx);
  if (!project) return nothingToEdit();
  const id = ctx.query.endpoint || null;
  let draft = await startOf(project, id);
  const presets = (await api.get('/v1/presets', { page_size: PRESETS_PAGE })).data;
  const go = (more) =>
    ctx.go(
      `#/templates?${new URLSearchParams(Object.entries({ project, endpoint: id, ...more }).filter(([, value]) => value))}`,
    );

  const place = h('div', { class: 'preset-place' });
  const changedMark = h('span', { class: 'changed-mark', 'aria-live': 'polite' });
  const sets = settingsForm({ onChange: () => again() });
  const events = await eventChoice({ project, event: ctx.query.event, onChange: () => again() });
  const places = panel({ onInsert: (text) => sets.insert(text) });
  const asking = (more = {}) => ({
    ...(id ? { endpoint_id: id } : {}),
    settings: { ...draft.changes(), ...more },
    ...events.body(),
  });
  const view = preview({
    project,
    ask: asking,
    onFault: (error) => {
      const own = events.fault(error);
      return sets.fault(own ? null : error) || own;
    },
    onRendered: (answer) => placeholders(answer.events && answer.events[0]),
  });
  const choice = picker({
    label: 'Preset',
    options: [['', 'None'], ...presets.map((p) => p.name)],
    value: draft.settings.preset || '',
    onChange: usePreset,
  });

  function mark() {
    const names = Object.keys(draft.changes());
    changedMark.replaceChildren(id && names.length ? badge('not saved', 'warn', 'edit') : '');
  }

  function again() {
    mark();
    view.changed();
  }

  // What each metric is for this event is asked for by a body that holds them all.
  let shownFor = null;
  async function placeholders(event) {
    if (!event || !places.el.open || shownFor === event.id) return;
    shownFor = event.id;
    places.show(event, null);
    try {
      const { requests } = await api.post(`${ownerPath(project)}/draft/render`, {
        ...asking({ method: 'POST', content_type: 'json', body: probe(), fields: null, batch: { max_items: 1 } }),
        event_ids: [event.id],
        latest: undefined,
        events: undefined,
      });
      places.show(event, JSON.parse(requests[0].request.body));
    } catch {
      // a made-up event, or settings that cannot be used: the names are enough
    }
  }
  places.el.addEventListener('toggle', () => view.changed());

  function usePreset(name) {
    const before = draft;
    const preset = presets.find((one) => one.name === name) || null;
    draft = Object.assign(Object.create(Object.getPrototypeOf(before)), before);
    const changed = draft.usePreset(preset);
    place.replaceChildren(
      presetNotice(name, changed, () => {
        draft = before;
        choice.input.value = draft.settings.preset || '';
        place.replaceChildren();
        begin();
      }),
    );
    begin();
  }

  function begin() {
    sets.show(draft.settings);
    again();
  }

  async function save() {
    if (sets.broken()) throw new Error(`All settings: ${sets.broken().message}`);
    const changes = draft.changes();
    try {
      const saved = id
        ? await api.patch(`${ownerPath(project)}/endpoints/${segment(id)}`, changes)
        : await saveNew(project, changes);
      if (!saved) return;
      toast(`Endpoint ${saved.id} is saved`, 'ok');
      if (!id) return void go({ endpoint: saved.id });
      draft = draftOf(saved);
      place.replaceChildren();
      begin();
    } catch (e) {
      if (!sets.fault(e)) throw e;
      toast(`Not saved: ${e.param}: ${e.message}`, 'bad');
    }
  }

  ctx.onLeave(view.end);
  begin();
  return page(
    'Template editor',
    {
      sub: 'What an endpoint is sent, tried on real events',
      actions: [
        changedMark,
        may('write')
          ? button('Send it for real', { icon: 'send', run: async () => sendForReal(project, asking()) })
          : null,
        may('write') ? button('Save', { kind: 'primary', run: save }) : null,
      ],
    },
    toolbar(
      all.length > 1
        ? picker({
            label: 'Project',
            options: all.map((p) => [p.id, p.name && p.name !== p.id ? `${p.name} (${p.id})` : p.id]),
            value: project,
            onChange: (other) => go({ project: other, endpoint: null, event: null }),
          })
        : null,
      await endpointPicker(project, id || '', (endpoint) => go({ endpoint })),
      choice,
    ),
    place,
    h(
      'div',
      { class: 'editor-grid' },
      card('Settings', sets.el, places.el),
      card({ title: 'Preview', actions: [view.status] }, events.el, view.el),
    ),
  );
}
