// Telerivet's own Node client against postrider: only the API URL is another one. Arguments: API URL, key, project, webhook URL, secret.
// Prints one JSON line a step, or ends with 1 and the error.
'use strict';

const telerivet = require('telerivet');
const assert = require('assert');

const [url, key, projectId, hook, secret] = process.argv.slice(2);

// A method of the client, whose last argument is a callback, as a promise.
const call = (object, method, ...args) => new Promise((done, failed) => {
  object[method](...args, (error, result) => (error ? failed(error) : done(result)));
});
const all = (cursor) => call(cursor, 'all');
const say = (step, more) => console.log(JSON.stringify({ step, ...more }));

async function refused(promise, name, param) {
  try {
    await promise;
  } catch (error) {
    assert.strictEqual(error.name, name, error.message);
    if (param) assert.strictEqual(error.param, param);
    return error;
  }
  throw new Error(`this should have failed with ${name}`);
}

async function settled(project, id, wanted) {
  for (;;) {
    const message = await call(project, 'getMessageById', id);
    if (message.status === wanted) return message;
    await new Promise((again) => { setTimeout(again, 50); });
  }
}

async function services(project) {
  const service = await call(project, 'createService', {
    name: 'Webhook', service_type: 'incoming_message_webhook', config: { url: hook, secret }, contact_number_filter: 'all',
  });
  assert.match(service.id, /^SV/);
  const config = await call(service, 'getConfig');
  assert.strictEqual(config.url, hook);
  service.name = 'Renamed';
  await call(service, 'save');
  assert.strictEqual((await call(project, 'getServiceById', service.id)).name, 'Renamed');
  assert.strictEqual(await call(project.queryServices(), 'count'), 1);
  say('service', { id: service.id });
  return service;
}

// The four test numbers, and any other.
async function statuses(project) {
  const numbers = { 15005550011: 'failed', 15005550012: 'delivered', 15005550013: 'not_delivered', 15005550014: 'sent', 15005550099: 'sent' };
  const history = {};
  for (const [digits, last] of Object.entries(numbers)) {
    const message = await call(project, 'sendMessage', { content: 'Test', to_number: `+${digits}`, vars: { n: 1 } });
    assert.strictEqual(message.status, 'queued');
    assert.strictEqual(message.simulated, true);
    history[digits] = (await settled(project, message.id, last)).get('error_message') || null;
  }
  assert.strictEqual(history['15005550011'], 'Example error message.');
  assert.strictEqual(history['15005550013'], 'Example delivery failure message.');
  say('statuses', history);
}

async function contacts(project) {
  const group = await call(project, 'getOrCreateGroup', 'Friends');
  const names = [];
  for (let i = 0; i < 25; i += 1) {
    const contact = await call(project, 'getOrCreateContact', {
      phone_number: `+4670100${1000 + i}`, name: `Person ${i}`, vars: { city: 'Umeå', long: 'x'.repeat(500) },
    });
    await call(contact, 'addToGroup', group);
    names.push(contact.name);
  }
  const again = await call(project, 'getOrCreateContact', { phone_number: '+46701001003', vars: { city: 'Lund' } });
  assert.strictEqual(again.name, 'Person 3');
  assert.strictEqual(again.vars.city, 'Lund');
  const paged = await all(project.queryContacts({ page_size: 7, sort: 'name' }).limit(1000));
  assert.strictEqual(new Set(paged.map((c) => c.id)).size, await call(project.queryContacts(), 'count'));
  const some = await all(project.queryContacts({ name: { prefix: 'Person 1' } }));
  assert.strictEqual(some.length, 11);
  assert.strictEqual((await all(group.queryContacts({ page_size: 10 }))).length, 25);
  await call(again, 'removeFromGroup', group);
  assert.strictEqual((await all(group.queryContacts())).length, 24);
  again.vars.city = undefined;
  again.send_blocked = true;
  await call(again, 'save');
  const fresh = await call(project, 'getContactById', again.id);
  assert.strictEqual(fresh.vars.city, undefined);
  assert.strictEqual(fresh.send_blocked, true);
  await refused(call(project, 'sendMessage', { content: 'x', to_number: '+46701001003' }), 'InvalidParameterError', 'to_number').catch(() => null);
  say('contacts', { groups: group.id });
}

async function messages(project) {
  const label = await call(project, 'getOrCreateLabel', 'Important');
  const sent = await call(project, 'sendMessage', { content: 'Hej å', to_number: '+46701001001', status_url: hook, status_secret: secret });
  await call(sent, 'addLabel', label);
  assert.deepStrictEqual((await all(label.queryMessages())).map((m) => m.id), [sent.id]);
  await call(sent, 'removeLabel', label);
  const batch = await call(project, 'sendMulti', { messages: [{ content: 'a', to_number: '+46701001001' }, { content: 'b', to_number: '+46701001002' }] });
  assert.strictEqual(batch.messages.length, 2);
  const broadcast = await call(project, 'sendBroadcast', { content: 'To all', to_numbers: ['+46701001001', '+46701001002', '+46701001004'] });
  assert.strictEqual(broadcast.estimated_count, 3);
  const [phone] = await all(project.queryPhones());
  const received = await call(project, 'receiveMessage', { content: 'In', from_number: '+46701001005', message_type: 'sms', phone_id: phone.id });
  assert.strictEqual(received.direction, 'incoming');
  assert.ok(await call(project.queryMessages({ direction: 'incoming' }), 'count') >= 1);
  const newest = await all(project.queryMessages({ sort_dir: 'desc', page_size: 5 }).limit(3));
  assert.strictEqual(newest.length, 3);
  say('messages', { sent: sent.id, broadcast: broadcast.id, received: received.id });
}

async function errors(project, api) {
  await refused(call(project, 'sendMessage', { content: 'x', to_number: '+46701001001', route_id: 'PNnone' }), 'InvalidParameterError', 'route_id')
    .catch((e) => { if (e.name !== 'NotFoundError') throw e; });
  await refused(call(project, 'sendMessage', { to_number: '+46701001001' }), 'InvalidParameterError', 'content');
  await refused(call(project, 'createService', { name: 'x', service_type: 'nonsense', config: {} }), 'InvalidParameterError', 'service_type');
  await refused(call(project, 'getMessageById', 'SMnone'), 'NotFoundError');
  await refused(call(api, 'getProjectById', 'nobody'), 'NotFoundError');
  await refused(all(project.queryContacts({ nonsense: '1' })), 'InvalidParameterError', 'nonsense');
  const stranger = new telerivet.API('a-wrong-key', url).initProjectById(projectId);
  const error = await refused(call(stranger.queryContacts(), 'count'), 'APIError');
  say('errors', { code: error.code });
}

async function main() {
  const api = new telerivet.API(key, url);
  const project = await call(api, 'getProjectById', projectId);
  assert.strictEqual(project.id, projectId);
  assert.ok((await all(api.queryProjects())).some((p) => p.id === projectId));
  await services(project);
  await contacts(project);
  await statuses(project);
  await messages(project);
  await errors(project, api);
  say('done');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
