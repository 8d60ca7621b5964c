import * as os from 'node:os';
import * as path from 'node:path';

/** The files that the settings name; "" for none. */
export interface Files {
  schema: string;
  stats: string;
}

/** Returns the flags of onward lsp. A relative path begins at the workspace's first folder. */
export function listArguments(files: Files, folder: string | undefined): string[] {
  const out: string[] = [];
  for (const [flag, value] of [['--schema', files.schema], ['--stats', files.stats]] as const) {
    if (value !== '') {
      out.push(`${flag}=${path.resolve(folder ?? os.homedir(), value)}`);
    }
  }
  return out;
}
