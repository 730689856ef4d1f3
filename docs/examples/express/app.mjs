// A receptionist on Express: greets whoever calls, and hands them over to a human when the model says so.
import express from 'express';
import OpenAI from 'openai';
import WebSocket from 'ws';

const GREETING = 'Thank you for calling, how can I help you?';
const TRANSFER = {
  type: 'function',
  name: 'transfer',
  description: 'Hand the caller over to a human.',
  parameters: { type: 'object', properties: { target: { type: 'string' } }, required: ['target'] },
};

export const app = express();
const openai = new OpenAI();

app.post('/openai', express.text({ type: '*/*' }), async (request, response) => {
  let event;
  try {
    event = await openai.webhooks.unwrap(request.body, request.headers);
  } catch {
    return response.status(400).send('This webhook was not signed with our secret.');
  }
  if (event.type === 'realtime.call.incoming') {
    const callID = event.data.call_id;
    await openai.realtime.calls.accept(callID, {
      type: 'realtime',
      model: 'gpt-realtime',
      instructions: 'You are the receptionist of a shop.',
      tools: [TRANSFER],
    });
    converse(callID);
  }
  response.end();
});

// At the sideband, until the call is over.
function converse(callID) {
  const sideband = new WebSocket(`wss://api.openai.com/v1/realtime?call_id=${callID}`, {
    headers: { Authorization: `Bearer ${process.env.OPENAI_API_KEY}` },
  });
  sideband.on('error', (error) => console.error(error));
  sideband.on('open', () => {
    const response = { instructions: `Say to the user '${GREETING}'` };
    sideband.send(JSON.stringify({ type: 'response.create', response }));
  });
  sideband.on('message', (data) => {
    const event = JSON.parse(data);
    if (event.type === 'response.function_call_arguments.done' && event.name === 'transfer') {
      openai.realtime.calls.refer(callID, { target_uri: JSON.parse(event.arguments).target });
    }
  });
}
