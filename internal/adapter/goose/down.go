package goose

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/script"
)

// Down returns the down migration as goose cuts it, including wrong cuts: the caller runs
// it, and goose would run it in these pieces. NO TRANSACTION holds for both directions.
// Down migrations in Go are not read.
func (reader) Down(_ adapter.Tree, _ adapter.Source, m *adapter.Migration) (*script.Source, error) {
	if !strings.HasSuffix(m.Path, ".sql") {
		return nil, nil
	}
	text, ok := swapDownToUp(m.Source.Text)
	if !ok {
		return nil, nil
	}
	down := &script.Source{Text: m.Source.Text, Mode: m.Source.Mode, LineComment: m.Source.LineComment}
	for _, piece := range cutFile(text).pieces {
		if p := adapter.TrimmedPart(down.Text, piece.Start, piece.End); p.SQL != "" {
			p.Message = true
			down.Parts = append(down.Parts, p)
		}
	}
	return down, nil
}

// swapDownToUp makes the down migration of a file its up migration. The text before it becomes
// blanks, so that all offsets stay. goose cuts both in the same way.
func swapDownToUp(text string) (string, bool) {
	offset := 0
	for line := range strings.Lines(text) {
		if trimmed := strings.TrimSpace(line); strings.HasPrefix(trimmed, "--") && strings.Contains(line, "+goose") {
			if name, _ := readAnnotation(strings.TrimRight(line, "\r\n")); name == "DOWN" {
				return blankOut(text[:offset]) + upAnnotationFor(line) + text[offset+len(line):], true
			}
		}
		offset += len(line)
	}
	return "", false
}

// blankOut replaces everything but the ends of lines.
func blankOut(text string) string {
	out := []byte(text)
	for i, c := range out {
		if c != '\n' && c != '\r' {
			out[i] = ' '
		}
	}
	return string(out)
}

// upAnnotationFor returns the annotation Up, to replace a line with the annotation Down.
func upAnnotationFor(line string) string {
	const up = "--+goose Up"
	end := len(strings.TrimRight(line, "\r\n"))
	return up + strings.Repeat(" ", end-len(up)) + line[end:]
}
