package dotnet

import "github.com/onward-sql/onward/internal/code/source"

// Readers are the readers of the language's files.
var Readers = []source.Reader{
	{Endings: []string{".cs"}, Signs: []string{"[Table(", "ToTable("}, Read: readCSharpModels},
	{Endings: []string{".cs"}, Signs: []string{"enum "}, Read: source.ReadBlockEnums},
}
