package alembic

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// record is what the hook recorded of a run.
type record struct {
	// Revisions are in the order in which Alembic runs them.
	Revisions []revision
	// PerMigration and Transactional are the settings of the run.
	PerMigration, Transactional bool
	// Gaps are sentences about what was not confined in this run.
	Gaps []string `json:"-"`
	// otherDialect is the database whose SQL was rendered, if it is not Postgres.
	otherDialect string
}

// revision is one revision with what it sends.
type revision struct {
	ID string
	// Path is relative to the root of the repository, with slashes.
	Path                  string
	Down, Depends, Labels []string
	Statements            []statement
	Unread                []unread
}

// place is a range of a file: lines and columns count from 1, columns in bytes, the end is exclusive.
type place struct {
	Line      int `json:"line"`
	Column    int `json:"column_at"`
	EndLine   int `json:"end_line"`
	EndColumn int `json:"end_column"`
}

// statement is one message to the server.
type statement struct {
	SQL string
	// Block numbers the transactions of the revision from 1; it is 0 in an autocommit block.
	Block int
	// Class is the function of op. Table and Subject name its table and its column. Literal is set if the author wrote the
	// SQL.
	Class, Table, Subject string
	Literal               bool
	place
}

// unread is code of a revision whose SQL is not known.
type unread struct {
	Why    string
	Failed bool
	place
}

// toMigration returns a revision as the audit reads it.
func (v *revision) toMigration(t adapter.Tree, s adapter.Source) *adapter.Migration {
	f := adapter.ReadFile(t, v.Path)
	m := f.Start(s, v.ID, v.ID)
	m.Runner.Tool = tool
	m.Source.LineComment = "#"
	m.After = append(append(m.After, v.Down...), v.Depends...)
	if f.Failed != "" {
		m.Failed = f.Failed
		return m
	}
	m.Source.Mode = onward.TransactionFile
	for _, st := range v.Statements {
		if st.Block != 1 {
			// Alembic records the revision at its end, so that it starts again from the beginning.
			m.Source.Mode, m.Runner.Rerun = onward.TransactionNone, true
		}
	}
	end, starts := 0, lineStarts(f.Text)
	for i := range v.Statements {
		p := v.Statements[i].toScriptPart(f.Text, starts)
		if m.Source.Mode == onward.TransactionFile {
			p.Block = 0
		}
		if p.Start < end {
			p.Start = -1
		}
		end = max(end, p.Start+len(p.SQL))
		m.Source.Parts = append(m.Source.Parts, p)
	}
	for _, u := range v.Unread {
		m.Opaque = append(m.Opaque, onward.Opaque{
			Migration: m.ID, Path: m.Path, Line: u.Line, Column: u.Column, What: "revision " + m.ID,
			Why: u.Why + "; what it does after that is not known", Failed: u.Failed,
		})
	}
	if s.Options.Transaction != "" {
		m.Source.Mode = s.Options.Transaction
	}
	sum := sha256.Sum256([]byte(f.Text))
	m.Hash = hex.EncodeToString(sum[:])
	return m
}

// toScriptPart converts a statement. If its text is in the file exactly once at its place, positions count in the text.
func (st *statement) toScriptPart(text string, starts []int) script.Part {
	p := script.Part{
		SQL: st.SQL, Start: -1, Message: true, Block: st.Block,
		Line: st.Line, Column: st.Column, EndLine: st.EndLine, EndColumn: st.EndColumn,
	}
	if !st.Literal {
		p.Operation = script.Operation{Class: st.Class, Model: st.Table, Field: st.Subject}
		if p.Operation.Class == "" {
			p.Operation.Class = "create"
		}
		return p
	}
	if st.Line < 1 || st.EndLine >= len(starts) || st.Line > st.EndLine {
		return p
	}
	from, to := starts[st.Line-1], starts[st.EndLine]
	excerpt := text[from:to]
	for _, sql := range []string{st.SQL, strings.ReplaceAll(st.SQL, "\n", "\r\n")} {
		if strings.Count(excerpt, sql) == 1 {
			p.SQL, p.Start = sql, from+strings.Index(excerpt, sql)
			return p
		}
	}
	return p
}

// lineStarts returns the offset of each line, and the end of the text.
func lineStarts(text string) []int {
	starts := []int{0}
	for i := range len(text) {
		if text[i] == '\n' {
			starts = append(starts, i+1)
		}
	}
	return append(starts, len(text))
}
