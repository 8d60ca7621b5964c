package read

import (
	"bytes"
	"path"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/golang"
	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/code/rust"
	"github.com/onward-sql/onward/internal/code/source"
)

// recordStructs records whether a file uses sqlx, and its structs.
func recordStructs(r *source.File) {
	switch {
	case r.Language == lexer.Rust:
		r.Facts.Sqlx = bytes.Contains(r.Text, []byte("sqlx::"))
		rust.ReadRows(r)
	case r.Language == lexer.Go:
		r.Facts.Sqlx = bytes.Contains(r.Text, []byte(`"github.com/jmoiron/sqlx"`))
		r.Facts.Lax = bytes.Contains(r.Text, []byte(".Unsafe()"))
		golang.ReadStructs(r)
	}
}

// ReadRows reads the structs that sqlc generates for the rows of tables, in a file that is otherwise not read: it is no
// code of the project's own.
func ReadRows(file string, text []byte) *facts.Facts {
	if path.Ext(file) != ".go" || !bytes.HasPrefix(bytes.TrimSpace(text), golang.SqlcMark) {
		return &facts.Facts{}
	}
	r := source.NewFile(file, text)
	if failed := source.CatchPanic(func() { golang.ReadGeneratedRows(r) }); failed != "" {
		return &facts.Facts{Fault: failed}
	}
	return r.Facts
}
