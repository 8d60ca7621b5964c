import * as os from 'node:os';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { LanguageClient, LanguageClientOptions, Middleware, ServerOptions, State, Trace } from 'vscode-languageclient/node';
import { findProgram, installPage, judgeVersion, readVersion } from './program';
import { Pages } from './pages';
import { listArguments } from './arguments';

interface Verdict {
  directory: string;
  state: string;
  verdict: string;
  errors: number;
  warnings: number;
}

let session: Session | undefined;

/** The languages of migrations. The server decides which files are some. */
const languages = ['sql', 'javascript', 'typescript', 'ruby', 'python', 'go'];

/** Called by VS Code when a SQL file is opened first, or if the workspace has migrations that are programs. */
export async function activate(context: vscode.ExtensionContext): Promise<void> {
  session = new Session(context);
  await session.start();
}

/** Called by VS Code at the end. */
export async function deactivate(): Promise<void> {
  await session?.stop();
}

/** The language server, and what shows it. */
class Session {
  private readonly output = vscode.window.createOutputChannel('onward', { log: true });
  private readonly status = vscode.languages.createLanguageStatusItem('onward', listSelectors());
  private readonly pages = new Pages();
  private client: LanguageClient | undefined;
  /** Starts and stops one after the other. */
  private turn: Promise<void> = Promise.resolve();

  constructor(context: vscode.ExtensionContext) {
    this.status.name = 'onward';
    this.status.command = { command: 'onward.showOutput', title: 'output' };
    context.subscriptions.push(
      this.output,
      this.status,
      this.pages,
      vscode.commands.registerCommand('onward.restart', () => this.restart()),
      vscode.commands.registerCommand('onward.showOutput', () => this.output.show(true)),
      vscode.workspace.onDidChangeConfiguration((change) => {
        if (['onward.path', 'onward.schema', 'onward.stats'].some((name) => change.affectsConfiguration(name))) {
          void this.restart();
        }
      }),
      vscode.workspace.onDidGrantWorkspaceTrust(() => void this.restart()),
    );
  }

  start(): Promise<void> {
    this.turn = this.turn.then(() => this.startClient());
    return this.turn;
  }

  stop(): Promise<void> {
    this.turn = this.turn.then(() => this.stopClient());
    return this.turn;
  }

  async restart(): Promise<void> {
    this.output.info('restart');
    await this.stop();
    await this.start();
  }

  private async stopClient(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    try {
      await client?.dispose();
    } catch (error) {
      this.output.warn(`the server did not end as it should: ${describe(error)}`);
    }
  }

  private async startClient(): Promise<void> {
    const folders = (vscode.workspace.workspaceFolders ?? []).map((folder) => folder.uri.fsPath);
    const found = findProgram({
      setting: readOwnPath(),
      path: process.env['PATH'] ?? '',
      closed: vscode.workspace.isTrusted ? [] : folders,
      windows: process.platform === 'win32',
    });
    if ('missing' in found) {
      this.fail(found.missing);
      return;
    }
    let version: string;
    try {
      version = await readVersion(found.program, os.homedir());
    } catch (error) {
      this.fail(describe(error));
      return;
    }
    this.output.info(`${found.program}: ${version}`);
    const old = judgeVersion(version);
    if (old !== '') {
      this.fail(old);
      return;
    }
    const settings = vscode.workspace.getConfiguration('onward');
    const args = listArguments(
      { schema: settings.get<string>('schema', ''), stats: settings.get<string>('stats', '') },
      folders[0],
    );
    await this.run(found.program, args);
  }

  private async run(program: string, args: string[]): Promise<void> {
    // Outside of every workspace: nothing of one is found by a relative path.
    const server: ServerOptions = { command: program, args: ['lsp', ...args], options: { cwd: os.homedir() } };
    const options: LanguageClientOptions = {
      documentSelector: [...listSelectors(), { pattern: '**/*.sql', scheme: 'file' }],
      outputChannel: this.output,
      initializationOptions: { showsResults: true, showsVerdict: true },
      middleware: this.middleware(),
      markdown: { isTrusted: false, supportHtml: false },
    };
    const client = new LanguageClient('onward', 'onward', server, options);
    client.onNotification('onward/verdict', (verdict: Verdict) => this.show(verdict));
    client.onDidChangeState((change) => {
      if (change.newState === State.Stopped && this.client === client) {
        this.status.text = 'onward: stopped';
        this.status.severity = vscode.LanguageStatusSeverity.Warning;
      }
    });
    this.client = client;
    this.status.busy = true;
    this.status.text = 'onward';
    this.status.detail = 'no verdict yet';
    this.status.severity = vscode.LanguageStatusSeverity.Information;
    try {
      await client.start();
      const traces: Record<string, Trace> = { off: Trace.Off, messages: Trace.Messages, verbose: Trace.Verbose };
      await client.setTrace(traces[vscode.workspace.getConfiguration('onward').get<string>('trace.server', 'off')] ?? Trace.Off);
    } catch (error) {
      this.fail(`the language server does not start: ${describe(error)}`);
    } finally {
      this.status.busy = false;
    }
  }

  private middleware(): Middleware {
    return {
      provideCodeLenses: (document, token, next) =>
        vscode.workspace.getConfiguration('onward', document).get<boolean>('codeLens', true) ? next(document, token) : [],
      executeCommand: async (command, args, next) => {
        if (command === 'onward.rewrite' && !vscode.workspace.isTrusted) {
          void vscode.window.showWarningMessage('onward: in a workspace that is not trusted no files are created or removed.');
          return undefined;
        }
        try {
          const result: unknown = await next(command, args);
          if (typeof result === 'string') {
            await this.pages.show(command, result);
          }
          return result;
        } catch (error) {
          void vscode.window.showWarningMessage(`onward: ${describe(error)}`);
          return undefined;
        }
      },
    };
  }

  /** Shows the verdict of the branch. */
  private show(verdict: Verdict): void {
    const levels: Record<string, vscode.LanguageStatusSeverity> = {
      unsafe: vscode.LanguageStatusSeverity.Error,
      'safe-if': vscode.LanguageStatusSeverity.Warning,
    };
    this.status.text = verdict.verdict;
    this.status.detail = path.basename(verdict.directory);
    this.status.severity = levels[verdict.state] ?? vscode.LanguageStatusSeverity.Information;
  }

  /** Says why there is no server, and where to get the program. */
  private fail(why: string): void {
    this.output.error(why);
    this.status.text = 'onward: not running';
    this.status.detail = why;
    this.status.severity = vscode.LanguageStatusSeverity.Error;
    const install = 'How to install';
    const open = 'Open the settings';
    void vscode.window.showErrorMessage(`onward: ${why}.`, install, open).then((chosen) => {
      if (chosen === install) {
        void vscode.env.openExternal(vscode.Uri.parse(installPage));
      } else if (chosen === open) {
        void vscode.commands.executeCommand('workbench.action.openSettings', 'onward.path');
      }
    });
  }
}

/** The path from the user's settings. A workspace has no say, whatever its settings contain. */
function readOwnPath(): string {
  const found = vscode.workspace.getConfiguration('onward').inspect<string>('path');
  return found?.globalValue ?? '';
}

function listSelectors(): { language: string; scheme: string }[] {
  return languages.map((language) => ({ language, scheme: 'file' }));
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
