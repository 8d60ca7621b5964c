package jscode

import (
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/onward"
)

// SealMigration gives a migration the SQL of its function up, and what is not known of it. text is its file.
func (u Up) SealMigration(m *adapter.Migration, sent onward.Transaction, o adapter.Options, text string) {
	m.Source.LineComment = "//"
	m.Source.Parts = u.Parts
	if !u.Found {
		m.Opaque = append(m.Opaque, onward.Opaque{
			Migration: m.ID, Path: m.Path, Line: 1, Column: 1, What: "migration without one function up", Why: "what it does is known only when it runs",
		})
	}
	for _, c := range u.Unread {
		m.Opaque = append(m.Opaque, onward.Opaque{
			Migration: m.ID, Path: m.Path, Line: c.Line, Column: c.Column, What: "call of " + c.Call, Why: c.Why,
		})
	}
	m.Runner.Rerun = sent == onward.TransactionNone
	m.Seal(sent, o, text)
}
