package php

import "github.com/onward-sql/onward/internal/code/source"

// Readers are the readers of the language's files.
var Readers = []source.Reader{
	{Endings: []string{".php"}, Signs: []string{"ORM\\Table", "ORM\\Entity", "$table"}, Read: readPHPModels},
}
