// Finds the program. It depends on nothing of VS Code, so that Node.js can test it.
import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';

export interface Search {
  /** The setting onward.path, which only the user's own settings have; "" if it is not set. */
  setting: string;
  /** The environment's PATH. */
  path: string;
  /** Folders in which no program is started: those of a workspace that is not trusted. */
  closed: string[];
  windows: boolean;
}

export type Found = { program: string } | { missing: string };

/** The page about the installation. */
export const installPage = 'https://github.com/onward-sql/onward/blob/main/docs/install.md';

/** The oldest version that has what the extension shows. */
export const oldest = [0, 1, 0];

/** Finds the program: the setting, then the absolute folders of PATH. */
export function findProgram(s: Search): Found {
  if (s.setting !== '') {
    if (!path.isAbsolute(s.setting)) {
      return { missing: `onward.path is ${s.setting}: an absolute path is needed` };
    }
    if (!isProgram(s.setting)) {
      return { missing: `onward.path is ${s.setting}, and there is no program` };
    }
    return isClosed(s.setting, s.closed)
      ? { missing: `${s.setting} is in a workspace that is not trusted` }
      : { program: s.setting };
  }
  let closed = '';
  for (const folder of s.path.split(path.delimiter)) {
    if (!path.isAbsolute(folder)) {
      continue; // it would depend on the folder that VS Code was started in
    }
    const program = path.join(folder, s.windows ? 'onward.exe' : 'onward');
    if (!isProgram(program)) {
      continue;
    }
    if (!isClosed(program, s.closed)) {
      return { program };
    }
    closed = program;
  }
  return closed === ''
    ? { missing: 'the program onward is not on the PATH' }
    : { missing: `${closed} is in a workspace that is not trusted` };
}

function isProgram(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}

function isClosed(program: string, closed: string[]): boolean {
  const real = resolve(program);
  return closed.some((folder) => {
    const rest = path.relative(resolve(folder), real);
    return rest !== '..' && !rest.startsWith('..' + path.sep) && !path.isAbsolute(rest);
  });
}

function resolve(file: string): string {
  try {
    return fs.realpathSync(file);
  } catch {
    return path.resolve(file);
  }
}

/** Returns why a version is too old; "" if it is not. A development build has no number and is taken. */
export function judgeVersion(version: string): string {
  const found = /(\d+)\.(\d+)\.(\d+)/.exec(version);
  if (found === null) {
    return '';
  }
  for (const [i, least] of oldest.entries()) {
    const part = Number(found[i + 1]);
    if (part !== least) {
      return part > least ? '' : `onward ${found[0]} is older than ${oldest.join('.')}, which the extension needs`;
    }
  }
  return '';
}

/** Asks the program for its version, outside of every workspace. */
export function readVersion(program: string, folder: string): Promise<string> {
  return new Promise((done, fail) => {
    execFile(program, ['--version'], { cwd: folder, timeout: 10_000 }, (error, out) => {
      if (error !== null) {
        fail(new Error(`${program} does not run: ${error.message}`));
      } else {
        done(out.split('\n')[0].trim());
      }
    });
  });
}
