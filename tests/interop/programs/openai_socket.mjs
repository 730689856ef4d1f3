// The sockets of the `openai` package: text in, sound out. `node openai_socket.mjs ws|browser [secret]`: with `secret`
// by a client secret, as a browser would that has no API key.
import { appendFileSync } from 'node:fs';
import OpenAI from 'openai';
import { OpenAIRealtimeWebSocket } from 'openai/realtime/websocket';
import { OpenAIRealtimeWS } from 'openai/realtime/ws';

const [kind, hasSecret] = process.argv.slice(2);
const Socket = { ws: OpenAIRealtimeWS, browser: OpenAIRealtimeWebSocket }[kind];
let client = new OpenAI();
if (hasSecret) {
  const secret = await client.realtime.clientSecrets.create({ session: { type: 'realtime', model: 'gpt-realtime' } });
  console.log(`secret: ${secret.value.slice(0, 3)}…`);
  client = new OpenAI({ apiKey: secret.value });
}
const socket = new Socket({ model: 'gpt-realtime' }, client);
socket.on('error', (error) => console.log(`error: ${error.message}`));
socket.on('session.created', ({ session }) => {
  console.log(`model: ${session.model}`);
  const content = [{ type: 'input_text', text: 'Is anybody there?' }];
  socket.send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content } });
  socket.send({ type: 'response.create' });
});
socket.on('response.output_audio.delta', ({ delta }) => appendFileSync('answer.pcm', Buffer.from(delta, 'base64')));
socket.on('response.done', ({ response }) => {
  console.log(`response: ${response.status}`);
  socket.close();
});
