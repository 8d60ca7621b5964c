package rule

import (
	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/script"
)

// Tool is the migration tool as rules ask for it: adapters hand it in with each
// migration, so that no rule knows one by its name. The zero value is psql, or whoever
// sends the files.
type Tool struct {
	// Name is what it is called in a sentence, Unit what it opens a transaction around,
	// "" for the file.
	Name, Unit string
	// Apart is where what cannot run in a transaction has to stand: "a file of
	// its own that …". "" where that is not known.
	Apart string
	// KeepsSession: one session goes through all its files.
	KeepsSession bool
	// Renderer is there where the SQL is rendered from operations; nil where authors
	// write it.
	Renderer *Renderer
}

// Renderer is a framework that renders SQL from operations, and maps rows to objects.
type Renderer struct {
	// Write is how a way out is written for an operation; "" where it is SQL, too.
	Write func(op script.Operation, way advice.Way) string
	// LeavesKeys: its models leave the values of keys to the database.
	LeavesKeys bool
	// Upserts is the one thing of its that says ON CONFLICT, with the columns that the
	// code names: "bulk_create of the deployed code with …".
	Upserts string
}

// Written is a way out in the words of the framework that rendered the migration; ""
// where none did, and where the SQL will do.
func (m *Migration) Written(op script.Operation, way advice.Way) string {
	if m.Runner.Renderer == nil || way == nil {
		return ""
	}
	return m.Runner.Renderer.Write(op, way)
}
