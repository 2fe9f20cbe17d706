// A customer's webhook in Express: checks the secret, reads nested parameters, replies, sets variables. What it took goes to stdout, a JSON line each;
// the first line is the port.
'use strict';

const express = require('express');

const SECRET = process.argv[2];
const app = express();

app.post('/webhook', express.urlencoded({ extended: true }), (req, res) => {
  console.log(JSON.stringify(req.body));
  if (req.body.secret !== SECRET) return res.status(403).end();
  if (req.body.event !== 'incoming_message') return res.status(200).end();
  return res.json({
    messages: [{ content: `Hello ${req.body.contact.name}, city ${req.body.contact.vars.city}` }],
    variables: { 'contact.vars.seen': 'express', 'state.id': 'greeted' },
  });
});

const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port));
