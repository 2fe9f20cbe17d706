// Reads one request a line, {"check", "secret", "headers", "body"}, and says for each "ok" or why a receiver in Node refuses it.
//   library  npm's standardwebhooks, which knows v1
//   ed25519  Node's own crypto over the v1a signatures, which that library passes over; secret is the public key, whpk_…
'use strict';

const crypto = require('crypto');
const readline = require('readline');
const { Webhook } = require('standardwebhooks');

function library({ secret, headers, body }) {
  new Webhook(secret).verify(body, headers);
}

function ed25519({ secret, headers, body }) {
  const x = Buffer.from(secret.replace(/^whpk_/, ''), 'base64').toString('base64url');
  const key = crypto.createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  const content = Buffer.from(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`);
  const signatures = headers['webhook-signature'].split(' ').filter((one) => one.startsWith('v1a,'));
  const fits = (one) => crypto.verify(null, content, key, Buffer.from(one.slice(4), 'base64'));
  if (!signatures.some(fits)) throw new Error(`none of ${signatures.length} v1a signatures fits`);
}

const checks = { library, ed25519 };

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const request = JSON.parse(line);
  try {
    checks[request.check](request);
    console.log('ok');
  } catch (error) {
    console.log(error.message);
  }
});
