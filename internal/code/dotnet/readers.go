package dotnet

import "github.com/onward-sql/onward/internal/code/source"

// Readers are the readers of the language's files.
var Readers = []source.Reader{
	{Endings: []string{".cs"}, Signs: []string{
		"[Table(", "ToTable(", "DbSet<", "get; set;", "get; init;", "get; private set;", "get; protected set;",
	}, Read: readCSharpModels},
	{Endings: []string{".cs"}, Signs: []string{"enum "}, Read: source.ReadBlockEnums},
}
