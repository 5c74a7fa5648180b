// cli/doctor/probe-provider.ts: a child process that runs a tiny network on one execution provider and says how it went. IO.
import { messageOf } from '../../errors.ts';
import { openSession } from '../../infer/session.ts';

export type ProbeAnswer = { works: true; ms: number } | { works: false; reason: string };

const [, , provider = 'cpu', model = ''] = process.argv;

async function answer(): Promise<ProbeAnswer> {
  try {
    const session = await openSession(model, { providers: [provider] });
    const shape = session.inputs[0]!.dims.map((size, axis) => (typeof size === 'number' && size > 0 ? size : axis === 0 ? 1 : 64));
    const run = () => session.run(new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.5), shape);
    await run();
    const started = performance.now(), outputs = await run(), ms = Math.round((performance.now() - started) * 10) / 10;
    await session.close();
    const wrong = Object.values(outputs).some(({ data }) => data.some((value) => !Number.isFinite(value)));
    return wrong ? { works: false, reason: 'its output is not finite' } : { works: true, ms };
  } catch (error) {
    return { works: false, reason: messageOf(error) };
  }
}

process.send!(await answer(), () => process.disconnect());
