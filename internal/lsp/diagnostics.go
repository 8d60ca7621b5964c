package lsp

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/onward"
)

// severities are the protocol's: what could not be read is quiet, as it is what every half
// written statement is.
var severities = map[onward.Severity]int{onward.Error: 1, onward.Warning: 2, onward.Info: 3}

// maxDiagnostics bounds what is shown of one document.
const maxDiagnostics = 500

// publish shows what a report says of a document; nil: nothing is known.
func (s *server) publish(d doc, r *onward.Report) {
	s.mu.Lock()
	now := s.docs[d.uri]
	s.mu.Unlock()
	if now == nil || now.version != d.version || !strings.HasSuffix(d.file, ".sql") {
		return // closed, or newer: that is judged next
	}
	list := []diagnostic{}
	switch {
	case len(d.text.content) > maxText:
		list = append(list, diagnostic{Severity: 3, Source: source, Message: fmt.Sprintf(
			"not judged: the file has %s, and up to %s are judged while it is typed; onward check judges it", report.Bytes(int64(len(d.text.content))), report.Bytes(maxText))})
	case r != nil && d.judged():
		for _, m := range marksOf(&d, r) {
			list = append(list, d.diagnostic(&m))
		}
	}
	p := publishParams{URI: d.uri, Diagnostics: list[:min(len(list), maxDiagnostics)], Version: &d.version}
	_ = s.rpc.Notify(s.ctx, "textDocument/publishDiagnostics", p)
}

// source is who says it.
const source = "onward"

// marksOf are those of a report that stand in a document.
func marksOf(d *doc, r *onward.Report) []report.Marked {
	var out []report.Marked
	for _, m := range report.Marks(r) {
		if m.Path == d.path {
			out = append(out, m)
		}
	}
	return out
}

// diagnostic shows a mark at its place.
func (d *doc) diagnostic(m *report.Marked) diagnostic {
	out := diagnostic{Range: d.place(m), Severity: severities[m.Severity], Source: source, Message: m.Message, Code: m.Rule, CodeDescription: &codeDescription{Href: m.Page}}
	if m.Finding == nil {
		out.Severity = 3
	}
	return out
}

// place is where a mark stands: what has no end is underlined to the end of its line.
func (d *doc) place(m *report.Marked) span {
	start := d.text.at(m.Line, m.Column)
	end := start
	if m.EndLine > 0 {
		end = d.text.at(m.EndLine, m.EndColumn)
	}
	if end <= start {
		end = start + len(strings.TrimRight(firstLine(d.text.content[start:]), " \t\r"))
	}
	return d.text.span(start, end)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
