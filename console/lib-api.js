// The HTTP API as pages use it. The key lives in sessionStorage, so that each tab has its own and none outlives it; where a frame is
// refused storage, in memory.
//
// api.get(path, params)              -> parsed JSON; null, undefined and '' in params are left out
// api.post/put/patch(path, body, params), api.delete(path, params)
//   Every call throws ApiError {status, code, message, param, position}. 401 leads to the login page; no answer at all is status 0,
//   code 'away', and 'away' is told on `bus` until the daemon answers again, then 'back'.
// signal: api.get(path, params, {signal}) of an AbortController ends a call early (it throws an AbortError)
// bus                                EventTarget: 'away', 'back', 'unauthorized' (detail: ApiError), 'project' (another one was chosen), 'projects'
//                                    (there are others: projects({fresh: true}) was asked), 'gone' (the chosen project was deleted: detail is its id)
// session()                          what GET /v1/whoami said at the login; null before
// login(key) -> session              keeps the key when it is right, throws otherwise
// answers() -> does the daemon?      gone() says to everybody that it does not -> ApiError
// resume() -> session | null         with the key that this tab has kept
// logout()
// key()                              for what cannot be asked through api (lib-stream.js)
// may(what)                          'write' | 'admin' | 'keys': may this session change things / see the admin's pages / manage keys and links?
// projects({fresh}) -> [{id,name,organization_id}], all that the key sees; kept until {fresh:true}
// project() -> id | null             the chosen project; null is all of them (only with the admin key)
// chooseProject(id | null)
// ownerPath(row) -> '/v1/projects/shop' | '/v1/organizations/acme'; of a row with {project} or {organization}, or a route's 'shop' | '@acme'
// merged(ids, path, params) -> load for table(): pages of `path` below each project, newest first, rows with .project set. ids: null for
//   all projects (or the chosen one), an id, or a list of ids. More than 25 projects are merged 25 at a time.

const PAGE = 50; // rows
const TOGETHER = 25; // projects merged at a time
const RETRY_MS = 2000;
const IDLE_MS = 30000; // without a call, after which the key is tried: it may have been revoked, or the link has ended
const SILENCE_MS = 8000; // without an answer, after which it is asked whether it is there
const PATIENCE_MS = 20000; // for an answer to GET; what changes something may wait for somebody else's server

export class ApiError extends Error {
  constructor(status, { code, message, param = null, position = null }) {
    super(message);
    this.name = 'ApiError';
    Object.assign(this, { status, code, param, position });
  }
}

export const bus = new EventTarget();
const tell = (name, detail) => bus.dispatchEvent(new CustomEvent(name, { detail }));

// --- what a tab keeps ---

const memory = new Map();

function keep(name, value) {
  memory.set(name, value);
  try {
    if (value === null) sessionStorage.removeItem(`postrider.${name}`);
    else sessionStorage.setItem(`postrider.${name}`, value);
  } catch {
    // refused in a frame: memory holds it
  }
}

function kept(name) {
  if (memory.has(name)) return memory.get(name);
  try {
    return sessionStorage.getItem(`postrider.${name}`);
  } catch {
    return null;
  }
}

let who = null;
let list = null; // the promise of all projects

// --- calls ---

export function query(params) {
  const used = Object.entries(params || {}).filter(
    ([, value]) => value !== null && value !== undefined && value !== '',
  );
  return used.length ? `?${new URLSearchParams(used)}` : '';
}

let away = false;
let heard = Date.now(); // when it last answered
let spoke = Date.now(); // when the key was last used

export async function answers() {
  try {
    return (await fetch('/healthz', { cache: 'no-store', signal: AbortSignal.timeout(PATIENCE_MS) })).ok;
  } catch {
    return false;
  }
}

async function waitForIt() {
  if (await answers()) {
    away = false;
    tell('back');
  } else {
    setTimeout(waitForIt, RETRY_MS);
  }
}

export function gone() {
  if (!away) {
    away = true;
    tell('away');
    setTimeout(waitForIt, RETRY_MS);
  }
  return new ApiError(0, { code: 'away', message: 'postrider does not answer' });
}

// A page that asks nothing by itself has to hear of it, too.
async function listen() {
  if (!who || away || document.hidden) return;
  if (Date.now() - spoke >= IDLE_MS) return void (await api.get('/v1/whoami').catch(() => {})); // 401 has told `bus` by then
  if (Date.now() - heard < SILENCE_MS) return;
  if (await answers()) heard = Date.now();
  else gone();
}

setInterval(listen, RETRY_MS);

async function answerOf(response) {
  const text = await response.text();
  try {
    return text ? JSON.parse(text) : {};
  } catch {
    if (response.status >= 502) throw gone(); // a proxy before it says so
    throw new ApiError(response.status, {
      code: 'no_json',
      message: `an answer that is no JSON (status ${response.status})`,
    });
  }
}

// A daemon that hangs is as far away as one that is stopped.
async function reach(path, options, signal) {
  const ending = new AbortController();
  const end = () => ending.abort();
  const timer = options.method === 'GET' ? setTimeout(end, PATIENCE_MS) : null;
  if (signal) signal.addEventListener('abort', end);
  try {
    const response = await fetch(path, { ...options, signal: ending.signal });
    heard = Date.now();
    return response;
  } catch (e) {
    throw signal && signal.aborted ? e : gone();
  } finally {
    clearTimeout(timer);
    if (signal) signal.removeEventListener('abort', end);
  }
}

async function send(method, path, { body, withKey = kept('key'), signal } = {}) {
  const headers = { Accept: 'application/json', 'Postrider-Origin': 'web' };
  spoke = Date.now();
  if (withKey) headers.Authorization = `Bearer ${withKey}`;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  const response = await reach(
    path,
    {
      method,
      headers,
      cache: 'no-store',
      credentials: 'omit',
      body: body === undefined ? undefined : JSON.stringify(body),
    },
    signal,
  );
  const answer = await answerOf(response);
  if (!response.ok) {
    throw new ApiError(response.status, answer.error || { code: 'unknown', message: `status ${response.status}` });
  }
  return answer;
}

// Somebody else may have deleted the chosen project.
async function leaveIfGone(path) {
  const chosen = kept('project');
  if (!chosen || !may('admin') || !path.startsWith(`${ownerPath(chosen)}/`)) return;
  const all = await projects({ fresh: true }).catch(() => null);
  if (!all || kept('project') !== chosen || all.some((p) => p.id === chosen)) return;
  chooseProject(null);
  tell('gone', chosen);
}

async function call(method, path, more) {
  try {
    return await send(method, path, more);
  } catch (e) {
    if (e.status === 401) {
      e.role = who && who.role; // whose session it ended
      logout();
      tell('unauthorized', e);
    }
    if (e.status === 404) leaveIfGone(path);
    throw e;
  }
}

const changing = (method) => (path, body, params) =>
  call(method, path + query(params), { body: body === undefined ? {} : body });

export const api = {
  get: (path, params, more) => call('GET', path + query(params), more),
  post: changing('POST'),
  put: changing('PUT'),
  patch: changing('PATCH'),
  delete: (path, params) => call('DELETE', path + query(params)),
};

// --- the session ---

export const session = () => who;
export const key = () => kept('key');

async function enter(withKey) {
  const answer = await send('GET', '/v1/whoami', { withKey });
  keep('key', withKey);
  who = answer;
  list = null;
  return who;
}

export const login = (withKey) => enter(withKey.trim());

export async function resume() {
  const known = kept('key');
  if (!known) return null;
  try {
    return await enter(known);
  } catch (e) {
    if (e.status === 401) logout();
    throw e;
  }
}

export function logout() {
  keep('key', null);
  keep('project', null);
  who = null;
  list = null;
}

export function may(what) {
  if (!who) return false;
  if (what === 'admin') return who.role === 'admin';
  if (what === 'keys') return who.role !== 'portal';
  return who.role !== 'portal' || Boolean(who.portal && who.portal.write);
}

// --- projects ---

async function everyProject() {
  const all = [];
  let marker = null;
  do {
    const page = await api.get('/v1/projects', { page_size: 500, marker });
    all.push(...page.data);
    marker = page.truncated ? page.next_marker : null;
  } while (marker !== null);
  return all;
}

export function projects({ fresh = false } = {}) {
  if (!list || fresh) {
    list = everyProject();
    list.then(
      () => fresh && tell('projects'),
      () => {
        list = null;
      },
    );
  }
  return list;
}

export function project() {
  if (who && who.role !== 'admin') return who.project;
  return kept('project') || null;
}

export function chooseProject(id) {
  keep('project', id || null);
  tell('project', id || null);
}

export function ownerPath(row) {
  const word =
    typeof row === 'string' ? row : row.organization && row.owner !== 'project' ? `@${row.organization}` : row.project;
  const part = encodeURIComponent(word.replace(/^@/, ''));
  return word.startsWith('@') ? `/v1/organizations/${part}` : `/v1/projects/${part}`;
}

// --- one list of many projects ---

const newness = (row) => row.time_failed ?? row.time_accepted ?? row.time_created ?? row.time ?? 0;

function source(id, path, params) {
  return { id, path: `${ownerPath(id)}${path}`, params, rows: [], marker: null, started: false, ended: false };
}

async function fill(from) {
  while (!from.rows.length && !from.ended) {
    const page = await api.get(from.path, { page_size: PAGE, ...from.params, marker: from.marker });
    from.rows = page.data.map((row) => ({ ...row, project: from.id }));
    from.marker = page.next_marker;
    from.ended = !page.truncated;
    if (!from.rows.length && !from.ended) break; // a page of a search may be empty: the reader decides whether to go on
  }
}

function newest(sources) {
  return sources
    .filter((s) => s.rows.length)
    .reduce((best, s) => (!best || newness(s.rows[0]) > newness(best.rows[0]) ? s : best), null);
}

async function mergedPage(sources) {
  const data = [];
  let together = sources.slice(0, TOGETHER);
  await Promise.all(together.map(fill));
  for (let from = newest(together); from && data.length < PAGE; from = newest(together)) {
    data.push(from.rows.shift());
    if (!from.rows.length) await fill(from);
  }
  const left = sources.filter((s) => s.rows.length || !s.ended);
  return { data, truncated: left.length > 0, next_marker: left.length ? left : null };
}

async function idsOf(ids) {
  if (ids === null || ids === undefined) ids = project();
  if (typeof ids === 'string') return [ids];
  return ids || (await projects()).map((p) => p.id);
}

export function merged(ids, path, params = {}) {
  return async ({ marker, sort, dir } = {}) => {
    const all = await idsOf(ids);
    const asked = { ...params, sort: sort || params.sort, sort_dir: dir || params.sort_dir };
    if (all.length === 1) {
      const page = await api.get(`${ownerPath(all[0])}${path}`, { page_size: PAGE, ...asked, marker });
      return { ...page, data: page.data.map((row) => ({ ...row, project: all[0] })) };
    }
    return mergedPage(marker || all.map((id) => source(id, path, asked)));
  };
}
