// `ringback exec -- npm test`: the emulator runs, and its control API is at RINGBACK_ADMIN_URL.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { app } from './app.mjs';

const admin = process.env.RINGBACK_ADMIN_URL;
let server;
let project;

async function ringback(method, path, body) {
  const response = await fetch(`${admin}/${path}`, {
    method,
    headers: { 'Content-Type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  const answer = await response.json();
  assert.ok(response.ok, answer.error?.message); // the same words that pytest would print
  return answer;
}

before(async () => {
  server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  [project] = (await ringback('GET', 'projects')).data;
  const url = `http://127.0.0.1:${server.address().port}/openai`;
  await ringback('PUT', `projects/${project.id}/webhooks`, { urls: [url] });
});

after(() => server.close());

test('a caller is transferred to a human', async () => {
  await ringback('PUT', `projects/${project.id}/scenario`, {
    scenario: { name: 'receptionist' },
    turn: [{ when: { heard: 'human' }, do: [{ call: { name: 'transfer', arguments: { target: 'tel:+14155550123' } } }] }],
  });
  const { number } = await ringback('POST', 'calls', { project: project.id, from: '+14255550112' });
  await ringback('POST', `calls/${number}/expect`, { answered: true, within: 5 });
  await ringback('POST', `calls/${number}/expect`, { hears: { pattern: 'help you' }, within: 10 });
  await ringback('POST', `calls/${number}/say`, { text: 'I would like to talk to a human' });
  await ringback('POST', `calls/${number}/expect`, { transferred_to: 'tel:+14155550123', within: 10 });
});
