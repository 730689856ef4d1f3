// A Cloudflare Worker that asks its agent a question: there is no `WebSocket` that connects there, only `fetch`.
import { CloudflareRealtimeTransportLayer } from '@openai/agents-extensions';
import { RealtimeSession } from '@openai/agents-realtime';
import { agent, watch } from './tools.mjs';

export default {
  async fetch(request, { URL, OPENAI_API_KEY }) {
    const transport = new CloudflareRealtimeTransportLayer({ url: URL });
    const session = new RealtimeSession(agent, { transport, model: 'gpt-realtime' });
    watch(session);
    const answered = new Promise((resolve) => {
      session.on('agent_end', (_context, _agent, output) => output && resolve(output));
    });
    await session.connect({ apiKey: OPENAI_API_KEY });
    session.sendMessage(await request.text());
    const answer = await answered;
    session.close();
    return new Response(answer);
  },
};
