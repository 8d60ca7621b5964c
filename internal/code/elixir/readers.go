package elixir

import "github.com/onward-sql/onward/internal/code/source"

// Readers are the readers of the language's files.
var Readers = []source.Reader{
	{Endings: []string{".ex"}, Signs: []string{"schema \""}, Read: readEctoModels},
}
