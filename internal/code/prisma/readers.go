package prisma

import "github.com/onward-sql/onward/internal/code/source"

// Readers are the readers of the language's files.
var Readers = []source.Reader{
	{Endings: []string{".prisma"}, Signs: []string{"model "}, Read: readPrismaModels},
	{Endings: []string{".prisma"}, Signs: []string{"enum "}, Read: readPrismaEnums},
}
