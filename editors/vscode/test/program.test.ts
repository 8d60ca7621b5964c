import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'node:test';
import { listArguments } from '../src/arguments';
import { findProgram, judgeVersion } from '../src/program';

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'onward-'));
process.on('exit', () => fs.rmSync(root, { recursive: true }));

/** Makes a program in a folder, and returns its path. */
function addProgram(folder: string, mode = 0o755): string {
  const file = path.join(root, folder, 'onward');
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, '#!/bin/sh\n', { mode });
  return file;
}

const good = addProgram('bin');
const evil = addProgram('workspace/node_modules/.bin');
addProgram('text', 0o644);
const workspace = path.join(root, 'workspace');
fs.symlinkSync(workspace, path.join(root, 'link'));
const folders = (...list: string[]) => list.join(path.delimiter);
const search = (setting: string, list: string, closed: string[] = []) =>
  findProgram({ setting, path: list, closed, windows: false });

test('the setting comes first', () => {
  assert.deepEqual(search(good, path.dirname(evil)), { program: good });
});

test('then the PATH, in its order, without folders that are relative and files that are no programs', () => {
  assert.deepEqual(search('', folders('.', '', path.join(root, 'text'), path.dirname(good))), { program: good });
});

test('a workspace that is not trusted gives no program, also not through a link', () => {
  const list = folders(path.join(root, 'link/node_modules/.bin'), path.dirname(evil), path.dirname(good));
  assert.deepEqual(search('', list, [workspace]), { program: good });
  assert.deepEqual(search('', list), { program: path.join(root, 'link/node_modules/.bin/onward') });
  assert.match(JSON.stringify(search('', path.dirname(evil), [workspace])), /not trusted/);
  assert.match(JSON.stringify(search(evil, '', [workspace])), /not trusted/);
});

test('a program that is missing is named', () => {
  assert.match(JSON.stringify(search('bin/onward', '')), /an absolute path is needed/);
  assert.match(JSON.stringify(search(path.join(root, 'none'), '')), /there is no program/);
  assert.match(JSON.stringify(search('', path.join(root, 'none'))), /not on the PATH/);
});

test('an old version is refused, and a development build is taken', () => {
  assert.equal(judgeVersion('onward development'), '');
  assert.equal(judgeVersion('onward v0.1.0'), '');
  assert.equal(judgeVersion('onward 1.0.0'), '');
  assert.match(judgeVersion('onward v0.0.9'), /older than 0\.1\.0/);
});

test('relative paths of the settings begin at the folder', () => {
  assert.deepEqual(listArguments({ schema: '', stats: '' }, root), []);
  assert.deepEqual(listArguments({ schema: 'a.sql', stats: '/b.json' }, '/w'), ['--schema=/w/a.sql', '--stats=/b.json']);
});
