// ONNX Runtime's side of compare.py: node ort_worker.js JOB answers as fovea_worker.cpp does.
const start = performance.now();
const fs = require('fs');
const readline = require('readline');

const job = JSON.parse(process.argv[2]);
const ort = require(job.onnxruntime);

function peakMb() {
  return Number(/VmHWM:\s*(\d+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1]) / 1024;
}

// The pictures, a batch at a time.
function readBatches() {
  const bytes = fs.readFileSync(job.images);
  const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const size = job.batch * job.shape.reduce((a, b) => a * b);
  const batches = [];
  for (let i = 0; i + size <= values.length; i += size) {
    batches.push(new ort.Tensor('float32', values.slice(i, i + size), [job.batch, ...job.shape]));
  }
  return batches;
}

async function main() {
  const session = await ort.InferenceSession.create(job.onnx, {
    executionProviders: ['cpu'],
    intraOpNumThreads: job.threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
  });
  const batches = readBatches();
  let place = 0;
  for await (const line of readline.createInterface({input: process.stdin})) {
    if (line === 'output') {
      const result = await session.run({input: batches[0]});
      console.log(JSON.stringify({output: Array.from(result[session.outputNames[0]].data)}));
      continue;
    }
    const wall = [];
    const cpu = process.cpuUsage();
    for (let i = 0; i < Number(line); ++i) {
      const begin = performance.now();
      await session.run({input: batches[place++ % batches.length]});
      wall.push(performance.now() - begin);
    }
    const used = process.cpuUsage(cpu);
    console.log(JSON.stringify({
      wall_ms: wall,
      cpu_ms: (used.user + used.system) / 1e3 / wall.length,
      peak_mb: peakMb(),
      alive_ms: performance.now() - start,
    }));
  }
}

main().catch((error) => {
  console.error(String(error));
  process.exit(1);
});
