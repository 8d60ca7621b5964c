package hasura

import "github.com/onward-sql/onward/internal/code/source"

// Readers are the readers of the metadata's files.
var Readers = []source.Reader{
	{Endings: []string{".yaml", ".yml", ".json"}, Signs: []string{"table:", `"table"`}, Read: readMetadata},
}
