package php

import "github.com/onward-sql/onward/internal/code/source"

// Readers are the readers of the language's files.
var Readers = []source.Reader{
	{Endings: []string{".php"}, Signs: []string{"ORM\\Table", "ORM\\Entity"}, Read: readPHPModels},
	{Endings: []string{".php"}, Signs: []string{"::", "->", " extends "}, Read: readEloquentModels},
}
