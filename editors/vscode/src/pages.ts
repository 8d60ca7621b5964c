import * as vscode from 'vscode';

const scheme = 'onward';

const titles: Record<string, string> = {
  'onward.explain': 'Rule',
  'onward.locks': 'What this locks',
  'onward.plan': 'Plan',
};

/** Pages of Markdown that are in no file. */
export class Pages implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly texts = new Map<string, string>();
  private readonly registration = vscode.workspace.registerTextDocumentContentProvider(scheme, this);

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.path) ?? '';
  }

  /** Shows the result of a command beside the editor. */
  async show(command: string, text: string): Promise<void> {
    const uri = vscode.Uri.from({ scheme, path: `/${titles[command] ?? 'onward'}.md` });
    this.texts.set(uri.path, text);
    this.changed.fire(uri);
    await vscode.commands.executeCommand('markdown.showPreviewToSide', uri);
  }

  dispose(): void {
    this.registration.dispose();
    this.changed.dispose();
  }
}
