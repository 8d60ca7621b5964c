package ruby

import "github.com/onward-sql/onward/internal/code/source"

// Readers are the readers of the language's files.
var Readers = []source.Reader{
	{Endings: []string{".rb"}, Signs: []string{
		"Record", "Sequel::Model", "table_name", "isolate_namespace", "ignored_columns", "belongs_to", "has_many", "validates",
		"enum ", "scope :",
	}, Read: readRubyModels},
	{Endings: []string{".rb"}, Signs: []string{"enum "}, Read: readRubyEnums},
}
