package python

import "github.com/onward-sql/onward/internal/code/source"

// Readers are the readers of the language's files.
var Readers = []source.Reader{
	{Endings: []string{".py"}, Signs: []string{
		"__tablename__", "table=True", "__table__", "models.Model", "Table(", "db_table", "table_name", "Mapped[", "Column(",
	}, Read: readPythonModels},
	{Endings: []string{".py"}, Read: readPythonEnums},
}
