package goose

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/script"
)

// Down gives the down migration as goose cuts it, wrong cuts included:
// it is asked for to be run, and goose would run it so. NO TRANSACTION holds for
// both ways. What a migration in Go does is not read.
func (Adapter) Down(_ adapter.Tree, _ adapter.Source, m *adapter.Migration) (*script.Source, error) {
	if !strings.HasSuffix(m.Path, ".sql") {
		return nil, nil
	}
	text, ok := turned(m.Source.Text)
	if !ok {
		return nil, nil
	}
	down := &script.Source{Text: m.Source.Text, Mode: m.Source.Mode, LineComment: m.Source.LineComment}
	for _, piece := range scan(text).pieces {
		if p := adapter.Part(down.Text, piece.Start, piece.End); p.SQL != "" {
			p.Message = true
			down.Parts = append(down.Parts, p)
		}
	}
	return down, nil
}

// turned makes the down migration of a file its up migration: blanks stand for all that
// comes before it, so that every place stays where it is. goose cuts both alike.
func turned(text string) (string, bool) {
	at := 0
	for line := range strings.Lines(text) {
		if trimmed := strings.TrimSpace(line); strings.HasPrefix(trimmed, "--") && strings.Contains(line, "+goose") {
			if name, _ := command(strings.TrimRight(line, "\r\n")); name == "DOWN" {
				return blank(text[:at]) + upFor(line) + text[at+len(line):], true
			}
		}
		at += len(line)
	}
	return "", false
}

// blank keeps nothing but the ends of lines.
func blank(text string) string {
	out := []byte(text)
	for i, c := range out {
		if c != '\n' && c != '\r' {
			out[i] = ' '
		}
	}
	return string(out)
}

// upFor is the annotation Up in the room of a line with the annotation Down.
func upFor(line string) string {
	const up = "--+goose Up"
	end := len(strings.TrimRight(line, "\r\n"))
	return up + strings.Repeat(" ", end-len(up)) + line[end:]
}
