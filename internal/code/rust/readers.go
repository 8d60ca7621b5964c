package rust

import "github.com/onward-sql/onward/internal/code/source"

// Readers are the readers of the language's files.
var Readers = []source.Reader{
	{Endings: []string{".rs"}, Signs: []string{"table!", "table_name", "#[table"}, Read: readRustModels},
	{Endings: []string{".rs"}, Signs: []string{"enum "}, Read: readRustEnums},
}
