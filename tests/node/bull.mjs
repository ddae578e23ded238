// Node's own BullMQ at the end of a pipe: one JSON command a line on stdin, one JSON answer or event a line on stdout.
//   node bull.mjs PACKAGE REDIS_URL QUEUE
// PACKAGE is a folder of node_modules (bullmq, bullmq5). Ends when stdin does.
import { createInterface } from 'node:readline';

const [, , packageName, url, queueName] = process.argv;
const { Queue, Worker, FlowProducer } = await import(packageName);
const { hostname, port, pathname } = new URL(url);
const connection = { host: hostname, port: Number(port), db: Number(pathname.slice(1) || 0) };
const queue = new Queue(queueName, { connection });
const workers = [];
let mode = 'complete';

const say = line => process.stdout.write(`${JSON.stringify(line)}\n`);
const sleep = ms => new Promise(done => setTimeout(done, ms));

async function processor(job) {
  say({ event: 'active', id: job.id, mode });
  switch (mode) {
    case 'fail':
      throw new Error(job.data?.reason ?? `refused ${job.id}`);
    case 'not an error':
      throw 'a string';
    case 'hold': // until told otherwise
      while (mode === 'hold') await sleep(10);
      return 'held';
    case 'crash':
      process.exit(7);
    default:
      return { done: job.id };
  }
}

const commands = {
  // jobs: [{name, data, opts}]
  add: async ({ jobs }) => (await queue.addBulk(jobs)).map(job => job.id),
  flow: async ({ flow }) => {
    const producer = new FlowProducer({ connection });
    const tree = await producer.add(flow);
    await producer.close();
    return { parent: tree.job.id, children: tree.children.map(child => child.job.id) };
  },
  mode: async ({ to }) => { mode = to; },
  work: async ({ options = {} }) => {
    const worker = new Worker(queueName, processor, { connection, ...options });
    for (const event of ['completed', 'failed']) {
      worker.on(event, job => say({ event, id: job?.id, at: Date.now() }));
    }
    worker.on('error', error => say({ event: 'error', text: String(error) }));
    workers.push(worker);
    await worker.waitUntilReady();
  },
  rest: async () => { await Promise.all(workers.splice(0).map(worker => worker.close())); },
  counts: async () => queue.getJobCounts(),
  waiting: async () => (await queue.getJobs(['waiting', 'prioritized'], 0, -1, true)).map(job => job.id),
  job: async ({ id }) => (await queue.getJob(id))?.toJSON() ?? null,
  remove: async ({ id }) => { await (await queue.getJob(id)).remove(); },
  pause: async () => { await queue.pause(); },
  resume: async () => { await queue.resume(); },
  // The yardsticks of tests/bench.
  replay: async ({ ids, at_once }) => {
    const begun = process.hrtime.bigint();
    for (let at = 0; at < ids.length; at += at_once) {
      await Promise.all(ids.slice(at, at + at_once).map(async id => {
        const job = await queue.getJob(id);
        await job.retry('failed', { resetAttemptsMade: true });
      }));
    }
    return { seconds: Number(process.hrtime.bigint() - begun) / 1e9 };
  },
  group: async ({ page }) => {
    const begun = process.hrtime.bigint();
    const before = process.memoryUsage().rss;
    let most = before;
    const groups = new Map();
    for (let at = 0; ; at += page) {
      const jobs = await queue.getJobs(['failed'], at, at + page - 1, true);
      for (const job of jobs) {
        if (!job) continue;
        const cause = (job.failedReason ?? '').replace(/[0-9a-f]{8,}|\d+/gi, '#');
        groups.set(cause, (groups.get(cause) ?? 0) + 1);
      }
      most = Math.max(most, process.memoryUsage().rss);
      if (jobs.length < page) break;
    }
    const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
    return { seconds, groups: groups.size, jobs: [...groups.values()].reduce((a, b) => a + b, 0), bytes: most - before };
  },
};

await queue.waitUntilReady();
say({ event: 'ready' });
for await (const line of createInterface({ input: process.stdin })) {
  const { number, command, ...parts } = JSON.parse(line);
  try {
    say({ answer: number, value: (await commands[command](parts)) ?? null });
  } catch (error) {
    say({ answer: number, error: String(error?.stack ?? error) });
  }
}
mode = 'complete';
await commands.rest();
await queue.close();
process.exit(0);
