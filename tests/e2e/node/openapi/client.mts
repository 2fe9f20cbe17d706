// The main calls through a client that is made of /v1/openapi.json (api.d.ts): what the compiler lets pass here is what the document says.
import createClient from 'openapi-fetch';
import type { components, paths } from './api.js';

declare const process: { argv: string[]; exit(code: number): never };

const [base, key, receiver] = process.argv.slice(2) as [string, string, string];
const client = createClient<paths>({ baseUrl: base, headers: { Authorization: `Bearer ${key}` } });

function fail(what: string, why?: unknown): never {
  console.error(what, JSON.stringify(why));
  process.exit(1);
}

async function delivered(pid: string, id: string): Promise<components['schemas']['Event']> {
  for (let tries = 0; tries < 300; tries++) {
    const { data } = await client.GET('/v1/projects/{pid}/events/{id}', { params: { path: { pid, id } } });
    if (data && data.endpoints.length > 0 && data.endpoints.every((e) => e.state === 'delivered')) return data;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return fail('not delivered');
}

const pid = 'generated';
const project = await client.PUT('/v1/projects/{pid}', { params: { path: { pid } }, body: { name: 'Generated', timezone: 'Europe/Stockholm' } });
if (project.data?.id !== pid) fail('project', project.error);

const endpoint = await client.PUT('/v1/projects/{pid}/endpoints/{eid}', {
  params: { path: { pid, eid: 'crm' } },
  body: { url: receiver, events: ['send_status'], retry: { delays_s: [0.1] } },
});
if (endpoint.data?.state !== 'ready') fail('endpoint', endpoint.error);

const posted = await client.POST('/v1/projects/{pid}/events', {
  params: { path: { pid } },
  body: [{ type: 'send_status', id: 'evt-1', message: { id: 'm1', status: 'delivered' } }],
});
if (posted.data?.accepted !== 1) fail('events', posted.error);
const event = await delivered(pid, 'evt-1');
if (event.message?.id !== 'm1') fail('event', event);

const attempts = await client.GET('/v1/projects/{pid}/attempts', { params: { path: { pid }, query: { endpoint_id: 'crm', outcome: 'ok' } } });
if (attempts.data?.data?.[0]?.items[0]?.event_id !== 'evt-1') fail('attempts', attempts.error);

const phone = await client.POST('/v1/projects/{pid}/phones', {
  params: { path: { pid } },
  body: { name: 'Test', phone_type: 'test', phone_number: '+15005550000', country: 'US' },
});
if (phone.data?.phone_type !== 'test') fail('phone', phone.error);
const message = await client.POST('/v1/projects/{pid}/messages/send', { params: { path: { pid } }, body: { to_number: '+15005550012', content: 'Hi' } });
if (message.data?.direction !== 'outgoing') fail('message', message.error);

const replay = await client.POST('/v1/projects/{pid}/endpoints/{eid}/replay', {
  params: { path: { pid, eid: 'crm' } },
  body: { outcome: 'all', count_only: true },
});
if (!replay.data?.count) fail('replay', replay.error);

const refused = await client.POST('/v1/projects/{pid}/events', { params: { path: { pid } }, body: { type: 'send_status' } });
if (refused.error?.error.code !== 'invalid_param' || refused.error.error.param !== 'message.id') fail('a fault', refused);
console.log(JSON.stringify({ calls: 9 }));
