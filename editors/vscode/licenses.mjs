// Prints the licenses of the packages in a bundle, as esbuild's metafile names them.
import * as fs from 'node:fs';
import * as path from 'node:path';

const inputs = Object.keys(JSON.parse(fs.readFileSync(process.argv[2], 'utf8')).inputs);
const names = new Set();
for (const input of inputs) {
  const found = /node_modules\/((?:@[^/]+\/)?[^/]+)\//g;
  for (let hit = found.exec(input); hit !== null; hit = found.exec(input)) {
    names.add(hit[1]);
  }
}
for (const name of [...names].sort()) {
  const folder = path.join('node_modules', name);
  const { version, license } = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const file = fs.readdirSync(folder).find((entry) => /^(license|copying)/i.test(entry));
  if (file === undefined) {
    throw new Error(`${name} has no license file`);
  }
  console.log(`${name} ${version} (${license})\n\n${fs.readFileSync(path.join(folder, file), 'utf8').trim()}\n`);
}
