// Settings while they are edited: what stands in the fields, what of it differs from what is saved, and so what to send. The editor
// shows all settings in force, but sends only what was changed: what a preset or a default says must stay theirs.
//
// draftOf(endpoint) of an endpoint as GET shows it, or emptyDraft(url)
//   .settings                  what is edited, to be changed in place
//   .changes() -> object       as PATCH and draft/render take it; null takes a setting back to the preset's value
//   .usePreset({name, settings} | null) -> [{name, before, after}]: what that changes in the fields
// differences(before, after) -> the same list
// settingsOf(endpoint) -> what GET shows of an endpoint, without what is no setting

// Members of an endpoint's answer that are no settings.
const SHOWN_ONLY = new Set([
  'id',
  'public_key',
  'state',
  'disabled_reason',
  'pending',
  'waiting',
  'in_flight',
  'window',
  'oldest_pending_s',
  'next_retry_time',
  'failing_since',
  'last_code',
  'last_time',
  'delivered',
  'failed',
  'expired',
  'tls_key_sha256',
  'time_created',
  'time_updated',
  'organization',
  'project',
]);
// What only the customer can know, and so outlives a change of the preset.
const OWN = new Set(['name', 'active', 'url', 'auth', 'secret']);
// What is laid over the saved settings member by member; null takes a member away.
const BY_MEMBER = new Set(['headers', 'fields', 'maps', 'status_map']);

const same = (a, b) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
const copy = (value) => JSON.parse(JSON.stringify(value));
const isObject = (value) => value && typeof value === 'object' && !Array.isArray(value);
const names = (...all) => [...new Set(all.flatMap((one) => Object.keys(one || {})))];

function memberChanges(before, after) {
  const changed = names(before, after).filter((name) => !same(before?.[name], after?.[name]));
  return Object.fromEntries(changed.map((name) => [name, after?.[name] ?? null]));
}

function changesOf(before, after) {
  const changed = names(before, after).filter((name) => !SHOWN_ONLY.has(name) && !same(before[name], after[name]));
  return Object.fromEntries(
    changed.map((name) => [
      name,
      BY_MEMBER.has(name) && isObject(before[name]) && isObject(after[name])
        ? memberChanges(before[name], after[name])
        : (after[name] ?? null),
    ]),
  );
}

export function differences(before, after) {
  return names(before, after)
    .filter((name) => !SHOWN_ONLY.has(name) && name !== 'preset' && !same(before[name], after[name]))
    .map((name) => ({ name, before: before[name], after: after[name] }));
}

class Draft {
  constructor(saved) {
    this.saved = saved; // null: there is no endpoint yet
    this.base = saved || {}; // what the fields are compared with
    this.settings = copy(this.base);
    this.preset = undefined; // undefined: not changed here
  }

  changes() {
    const changed = changesOf(this.base, this.settings);
    if (this.preset === undefined) return changed;
    const given = Object.fromEntries(
      names(this.saved, this.base)
        .filter((name) => !SHOWN_ONLY.has(name) && !OWN.has(name))
        .map((name) => [name, null]),
    );
    return { ...(this.saved ? given : {}), ...changed, preset: this.preset };
  }

  usePreset(preset) {
    const before = this.settings;
    const own = Object.fromEntries(Object.entries(before).filter(([name]) => OWN.has(name)));
    const saved = Object.fromEntries(Object.entries(this.saved || {}).filter(([name]) => OWN.has(name)));
    this.preset = preset ? preset.name : null;
    this.base = { ...(preset ? copy(preset.settings) : {}), ...saved, preset: this.preset };
    this.settings = { ...copy(this.base), ...own };
    const told = Object.fromEntries(names(this.base).map((name) => [name, before[name]]));
    return differences(told, this.settings);
  }
}

export const settingsOf = (endpoint) =>
  Object.fromEntries(Object.entries(endpoint).filter(([name]) => !SHOWN_ONLY.has(name)));

export const draftOf = (endpoint) => new Draft(copy(settingsOf(endpoint)));

export function emptyDraft(url) {
  const draft = new Draft(null);
  draft.settings = { url, method: 'POST', content_type: 'json', body: '{"id":{ID},"status":"{STATUS}"}' };
  return draft;
}
