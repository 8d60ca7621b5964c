package usage

import (
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// DynamicModelNames are names in code that may work on models which it finds at run time.
var DynamicModelNames = []string{"get_models", "entityMetadatas", "getRepository", "prisma", "prismaClient", "PrismaClient"}

// DynamicModels matches code that works on models whose names it does not spell out: getRepository(name), prisma[name].
var DynamicModels = lazyregexp.New(`\bget_models\(|entityMetadatas|getRepository\(\s*[a-z]\w*\s*[,)]|` +
	`\b(?:prisma|tx|db|client)\w*(?:\s+as\s+any\))?\s*\[\s*[\w.]+\s*\]`)

// ModelLine matches the line of a schema file at which a model begins.
var ModelLine = lazyregexp.New(`^\s*model\s+(\w+)`)

// IsModelSchema reports whether a file declares models in a language of its own.
func IsModelSchema(file string) bool { return strings.HasSuffix(file, ".prisma") }
