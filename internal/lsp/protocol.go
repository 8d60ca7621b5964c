package lsp

import (
	"context"
	"encoding/json"

	"github.com/creachadair/jrpc2"

	"github.com/onward-sql/onward/internal/report/markdown"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
)

// The messages of the protocol, as far as they are spoken, with its own names.
// https://microsoft.github.io/language-server-protocol/specifications/lsp/3.17/specification/

type position struct {
	Line      uint32 `json:"line"`
	Character uint32 `json:"character"`
}

type span struct {
	Start position `json:"start"`
	End   position `json:"end"`
}

type initializeParams struct {
	// InitializationOptions are onward's own. The extension for VS Code sets both.
	InitializationOptions struct {
		// ShowsResults: the editor itself shows the result of a command, which is Markdown.
		ShowsResults bool `json:"showsResults"`
		// ShowsVerdict: it understands onward/verdict.
		ShowsVerdict bool `json:"showsVerdict"`
	} `json:"initializationOptions"`
	Capabilities struct {
		General struct {
			PositionEncodings []encoding `json:"positionEncodings"`
		} `json:"general"`
		Workspace struct {
			DidChangeWatchedFiles struct {
				DynamicRegistration bool `json:"dynamicRegistration"`
			} `json:"didChangeWatchedFiles"`
			ApplyEdit     bool `json:"applyEdit"`
			WorkspaceEdit struct {
				DocumentChanges    bool     `json:"documentChanges"`
				ResourceOperations []string `json:"resourceOperations"`
			} `json:"workspaceEdit"`
			CodeLens struct {
				RefreshSupport bool `json:"refreshSupport"`
			} `json:"codeLens"`
		} `json:"workspace"`
		TextDocument struct {
			Hover struct {
				ContentFormat []string `json:"contentFormat"`
			} `json:"hover"`
			PublishDiagnostics struct {
				VersionSupport         bool `json:"versionSupport"`
				CodeDescriptionSupport bool `json:"codeDescriptionSupport"`
			} `json:"publishDiagnostics"`
			CodeAction struct {
				CodeActionLiteralSupport json.RawMessage `json:"codeActionLiteralSupport"`
			} `json:"codeAction"`
		} `json:"textDocument"`
	} `json:"capabilities"`
}

type initializeResult struct {
	Capabilities serverCapabilities `json:"capabilities"`
	ServerInfo   struct {
		Name    string `json:"name"`
		Version string `json:"version,omitempty"`
	} `json:"serverInfo"`
}

type serverCapabilities struct {
	PositionEncoding encoding `json:"positionEncoding"`
	TextDocumentSync struct {
		OpenClose bool `json:"openClose"`
		Change    int  `json:"change"` // 2: incremental
		Save      bool `json:"save"`
	} `json:"textDocumentSync"`
	HoverProvider      bool           `json:"hoverProvider"`
	CodeActionProvider map[string]any `json:"codeActionProvider"`
	CodeLensProvider   map[string]any `json:"codeLensProvider"`
	ExecuteCommand     struct {
		Commands []string `json:"commands"`
	} `json:"executeCommandProvider"`
}

type document struct {
	URI     string `json:"uri"`
	Version *int32 `json:"version,omitempty"`
}

type didOpenParams struct {
	TextDocument struct {
		URI        string `json:"uri"`
		LanguageID string `json:"languageId"`
		Version    int32  `json:"version"`
		Text       string `json:"text"`
	} `json:"textDocument"`
}

type didChangeParams struct {
	TextDocument   document        `json:"textDocument"`
	ContentChanges json.RawMessage `json:"contentChanges"`
}

type contentChange struct {
	Range *span  `json:"range"`
	Text  string `json:"text"`
}

type documentParams struct {
	TextDocument document `json:"textDocument"`
}

type placeParams struct {
	TextDocument document `json:"textDocument"`
	Position     position `json:"position"`
}

type codeActionParams struct {
	TextDocument document `json:"textDocument"`
	Range        span     `json:"range"`
	Context      struct {
		Only []string `json:"only"`
	} `json:"context"`
}

type diagnostic struct {
	Range           span             `json:"range"`
	Severity        int              `json:"severity"` // 1 error, 2 warning, 3 information, 4 hint
	Code            string           `json:"code,omitempty"`
	CodeDescription *codeDescription `json:"codeDescription,omitempty"`
	Source          string           `json:"source"`
	Message         string           `json:"message"`
}

type codeDescription struct {
	Href string `json:"href"`
}

type publishParams struct {
	URI         string       `json:"uri"`
	Version     *int32       `json:"version,omitempty"`
	Diagnostics []diagnostic `json:"diagnostics"`
}

type hover struct {
	Contents markup `json:"contents"`
	Range    *span  `json:"range,omitempty"`
}

type markup struct {
	Kind  string `json:"kind"` // "markdown" or "plaintext"
	Value string `json:"value"`
}

type textEdit struct {
	Range   span   `json:"range"`
	NewText string `json:"newText"`
}

// documentEdit is an edit of an open document or of a file, whose version is null.
type documentEdit struct {
	TextDocument struct {
		URI     string `json:"uri"`
		Version *int32 `json:"version"`
	} `json:"textDocument"`
	Edits []textEdit `json:"edits"`
}

// fileOperation creates or deletes a file.
type fileOperation struct {
	Kind string `json:"kind"` // "create" or "delete"
	URI  string `json:"uri"`
}

// workspaceEdit has one of the first two: Changes where the editor knows no more. Documents has a documentEdit or a
// fileOperation each.
type workspaceEdit struct {
	Changes   map[string][]textEdit `json:"changes,omitempty"`
	Documents []any                 `json:"documentChanges,omitempty"`
}

type applyEditParams struct {
	Label    string         `json:"label"`
	Edit     *workspaceEdit `json:"edit"`
	Metadata struct {
		IsRefactoring bool `json:"isRefactoring"` // 3.18: the editor saves the files
	} `json:"metadata"`
}

type codeLens struct {
	Range   span    `json:"range"`
	Command command `json:"command"`
}

// verdictParams are the parameters of onward/verdict, a notification of onward's own about the whole branch.
type verdictParams struct {
	Directory string `json:"directory"`
	State     string `json:"state"`
	Verdict   string `json:"verdict"`
	Errors    int    `json:"errors"`
	Warnings  int    `json:"warnings"`
}

type command struct {
	Title     string `json:"title"`
	Command   string `json:"command"`
	Arguments []any  `json:"arguments,omitempty"`
}

type codeAction struct {
	Title       string         `json:"title"`
	Kind        string         `json:"kind"`
	Diagnostics []diagnostic   `json:"diagnostics,omitempty"`
	IsPreferred bool           `json:"isPreferred,omitempty"`
	Edit        *workspaceEdit `json:"edit,omitempty"`
	Command     *command       `json:"command,omitempty"`
}

type executeParams struct {
	Command   string            `json:"command"`
	Arguments []json.RawMessage `json:"arguments"`
}

type messageParams struct {
	Type    int    `json:"type"` // 1 error, 2 warning, 3 info, 4 log
	Message string `json:"message"`
}

// questionParams ask the editor's user to choose an action. The answer is the action, or null.
type questionParams struct {
	messageParams
	Actions []messageAction `json:"actions"`
}

type messageAction struct {
	Title string `json:"title"`
}

type registration struct {
	ID       string `json:"id"`
	Method   string `json:"method"`
	Register any    `json:"registerOptions,omitempty"`
}

// listLenses returns a line above each statement of a migration: what it locks. The first statement with a finding that a
// plan can avoid also has one that plans the release.
func (s *server) listLenses(ctx context.Context, r *jrpc2.Request) (any, error) {
	p, err := readParams[documentParams](r)
	if err != nil {
		return nil, err
	}
	out := []codeLens{}
	d, now, err := s.waitForCurrentResult(ctx, p.TextDocument.URI)
	if err != nil || d == nil || now.drafted == nil {
		return out, err
	}
	if judged := now.texts[d.path]; judged == nil || judged.content != d.text.content {
		return out, nil // the user is still typing: the next request has them
	}
	unsafe := firstPlannableLine(d, now.drafted.Report)
	for i := range now.drafted.Report.Migrations {
		m := &now.drafted.Report.Migrations[i]
		if m.Path != d.path || m.Status != onward.StatusNew {
			continue
		}
		for k := range m.Statements {
			st := &m.Statements[k]
			if st.Line <= 0 {
				continue
			}
			offset := d.text.offsetOfLineColumn(st.Line, st.Column)
			place := d.text.spanOf(offset, offset+len(firstLine(d.text.content[offset:])))
			text := markdown.SummarizeLocks(st)
			title := "what this locks: " + text
			isShown := len(out) > 0 && out[len(out)-1].Range == place && out[len(out)-1].Command.Title == title // by the same call of a program
			if text != "" && !isShown {
				out = append(out, codeLens{Range: place, Command: command{Title: title, Command: locksCommand, Arguments: []any{d.uri, place.Start}}})
			}
			last := k+1 == len(m.Statements)
			if unsafe > 0 && (unsafe <= st.Line || last || unsafe < m.Statements[k+1].Line) {
				out = append(out, codeLens{Range: place, Command: command{Title: "plan this", Command: planCommand, Arguments: []any{d.uri}}})
				unsafe = 0
			}
		}
	}
	return out, nil
}

// firstPlannableLine returns the line of a document's first finding that a plan can avoid; 0 for none.
func firstPlannableLine(d *doc, r *onward.Report) int {
	line := 0
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Path == d.path && f.Line > 0 && (line == 0 || f.Line < line) && plan.IsPlannable(f) {
			line = f.Line
		}
	}
	return line
}

// refreshLenses asks the editor to request the lines again: the repository has changed, and no text of the editor has.
func (s *server) refreshLenses() {
	if s.client.Capabilities.Workspace.CodeLens.RefreshSupport {
		go func() { _, _ = s.rpc.Callback(s.ctx, "workspace/codeLens/refresh", nil) }()
	}
}
