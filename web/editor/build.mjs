// Builds the editor into dist/: checks the types, bundles, and writes each file also compressed (.br, .gz) for the server to hand out as it is.
// The same sources give the same bytes.
//
//   node build.mjs            the real thing
//   node build.mjs --no-check without the type check
import { spawnSync } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const source = join(here, 'src');
const target = join(here, 'dist');

if (!process.argv.includes('--no-check')) {
  const tsc = join(here, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status } = spawnSync(process.execPath, [tsc, '--noEmit', '--project', here], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

const bundle = await build({
  absWorkingDir: here,
  entryPoints: { editor: join(source, 'main.ts') },
  outdir: target,
  bundle: true,
  format: 'esm',
  target: ['es2022'],
  minify: true,
  legalComments: 'none',
  charset: 'utf8',
  write: false,
  logLevel: 'warning',
});
const styles = await build({
  absWorkingDir: here,
  entryPoints: { editor: join(source, 'style.css') },
  outdir: target,
  bundle: true,
  minify: true,
  target: ['chrome111', 'firefox113', 'safari16.4'],
  write: false,
  logLevel: 'warning',
});

const files = new Map([
  ['index.html', await readFile(join(source, 'index.html'))],
  ['icon.svg', await readFile(join(source, 'icon.svg'))],
]);
for (const file of [...bundle.outputFiles, ...styles.outputFiles]) files.set(file.path.slice(target.length + 1), Buffer.from(file.contents));

await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });
for (const [name, bytes] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  const brotli = brotliCompressSync(bytes, { params });
  const gzip = gzipSync(bytes, { level: 9 });
  await writeFile(join(target, name), bytes);
  await writeFile(join(target, `${name}.br`), brotli);
  await writeFile(join(target, `${name}.gz`), gzip);
  console.log(`${name.padEnd(12)} ${String(bytes.length).padStart(8)} octets, gzip ${gzip.length}, brotli ${brotli.length}`);
}
