package golang

import "github.com/onward-sql/onward/internal/code/source"

// Readers are the readers of the language's files.
var Readers = []source.Reader{
	{Endings: []string{".go"}, Signs: []string{"gorm", "bun.", "db:\"", "TableName()", "ent.Schema", "pg:\""}, Read: readGoModels},
	{Endings: []string{".go"}, Read: readGoEnums},
}
