// A phone application takes one call: told of it by a signed webhook it accepts, and converses until the caller leaves.
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';

export function takeOneCall(openai, accept, converse) {
  const server = createServer(async (request, response) => {
    const event = await openai.webhooks.unwrap(await text(request), request.headers);
    if (event.type === 'realtime.call.incoming') {
      await openai.realtime.calls.accept(event.data.call_id, await accept());
      converse(event.data.call_id).then(() => server.close());
    }
    response.end();
  });
  server.listen(0, '127.0.0.1', async () => {
    const url = `http://127.0.0.1:${server.address().port}/`;
    const endpoint = await openai.webhooks.create({ name: 'calls', url, event_types: ['realtime.call.incoming'] });
    openai.webhookSecret = endpoint.signing_secret;
    console.log('waiting for a call');
  });
}
