package lsp

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/report/machine"
	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/onward"
)

// severities are the protocol's. Code that could not be read gets a low one, because every
// half-written statement is unreadable.
var severities = map[onward.Severity]int{onward.Error: 1, onward.Warning: 2, onward.Info: 3}

// maxDiagnostics bounds the diagnostics of one document.
const maxDiagnostics = 500

// publishDiagnostics shows a report's findings in a document; a nil report clears them.
func (s *server) publishDiagnostics(d doc, r *onward.Report) {
	s.mu.Lock()
	now := s.docs[d.uri]
	s.mu.Unlock()
	if now == nil || now.version != d.version || !d.hasFindings() {
		return // closed, or newer (the newer text is judged next), or no migration
	}
	list := []diagnostic{}
	switch {
	case len(d.text.content) > maxText:
		list = append(list, diagnostic{Severity: 3, Source: source, Message: fmt.Sprintf(
			"not judged: the file has %s, and up to %s are judged while it is typed; onward check judges it", size.FormatBytes(int64(len(d.text.content))), size.FormatBytes(maxText))})
	case r != nil && d.isMigration():
		for _, m := range marksOf(&d, r) {
			list = append(list, d.newDiagnostic(&m))
		}
	}
	p := publishParams{URI: d.uri, Diagnostics: list[:min(len(list), maxDiagnostics)], Version: &d.version}
	_ = s.rpc.Notify(s.ctx, "textDocument/publishDiagnostics", p)
}

// publishVerdict sends the verdict of the whole release to an editor that shows it.
func (s *server) publishVerdict(dir string, r *onward.Report) {
	if !s.client.InitializationOptions.ShowsVerdict {
		return
	}
	sum := &r.Summary
	_ = s.rpc.Notify(s.ctx, "onward/verdict", verdictParams{
		Directory: dir, State: string(sum.State), Verdict: sum.Verdict, Errors: sum.Errors, Warnings: sum.Warnings,
	})
}

// source is the name of the tool in diagnostics.
const source = "onward"

// marksOf returns a report's marks in a document.
func marksOf(d *doc, r *onward.Report) []machine.Marked {
	var out []machine.Marked
	for _, m := range machine.ListMarks(r) {
		if m.Path == d.path {
			out = append(out, m)
		}
	}
	return out
}

// newDiagnostic shows a mark at its place.
func (d *doc) newDiagnostic(m *machine.Marked) diagnostic {
	out := diagnostic{
		Range:           d.rangeOf(m),
		Severity:        severities[m.Severity],
		Source:          source,
		Message:         m.Message,
		Code:            m.Rule,
		CodeDescription: &codeDescription{Href: m.Page},
	}
	if m.Finding == nil {
		out.Severity = 3
	}
	return out
}

// rangeOf returns the range of a mark: without an end, it extends to the end of the line.
func (d *doc) rangeOf(m *machine.Marked) span {
	start := d.text.offsetOfLineColumn(m.Line, m.Column)
	end := start
	if m.EndLine > 0 {
		end = d.text.offsetOfLineColumn(m.EndLine, m.EndColumn)
	}
	if !d.isSQL() && end == start+1 { // of a call in a program only one place is known: its line is shown
		line := d.text.offsetOfLineColumn(m.Line, 1)
		text := firstLine(d.text.content[line:])
		start, end = line+len(text)-len(strings.TrimLeft(text, " \t")), line
	}
	if end <= start {
		end = start + len(strings.TrimRight(firstLine(d.text.content[start:]), " \t\r"))
	}
	return d.text.spanOf(start, end)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
