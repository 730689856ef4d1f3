// Runs `cloudflare_worker.mjs` in workerd, the runtime of Cloudflare Workers. `node cloudflare.mjs URL`
import { build } from 'esbuild';
import { Miniflare } from 'miniflare';

await build({
  entryPoints: ['cloudflare_worker.mjs'],
  outfile: 'worker.mjs',
  bundle: true,
  format: 'esm',
  platform: 'node',
  conditions: ['workerd', 'worker', 'browser'],
  external: ['node:*', 'cloudflare:*'],
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire('/');" },
  logLevel: 'warning',
});
const worker = new Miniflare({
  scriptPath: 'worker.mjs',
  modules: true,
  compatibilityDate: '2026-04-01',
  compatibilityFlags: ['nodejs_compat'],
  bindings: { URL: process.argv[2], OPENAI_API_KEY: process.env.OPENAI_API_KEY },
});
const answer = await worker.dispatchFetch('http://worker/', { method: 'POST', body: '4711' });
console.log(`answer: ${await answer.text()}`);
await worker.dispose();
