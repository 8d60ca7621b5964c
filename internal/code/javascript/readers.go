package javascript

import "github.com/onward-sql/onward/internal/code/source"

// Readers are the readers of the language's files.
var Readers = []source.Reader{
	{Endings: source.ScriptEndings, Signs: []string{
		"@Entity", "pgTable", "pgSchema(", ".table(", "Table(", "tableName", ".define(", ".init(", "Column(", "@Property(",
		"@PrimaryKey(", "@Column", "@DeletedAt", "@CreatedAt", "@UpdatedAt",
	}, Read: readScriptModels},
	{Endings: source.ScriptEndings, Signs: []string{"z.object(", "from 'zod'", "from \"zod\""}, Read: readZodModels},
	{Endings: source.ScriptEndings, Read: readScriptEnums},
}
