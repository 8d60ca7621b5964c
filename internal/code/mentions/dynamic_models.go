package mentions

import (
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// DynamicModelNames are names in code that may work on models which it finds at run time.
var DynamicModelNames = []string{"get_models", "entityMetadatas", "getRepository", "prisma", "prismaClient", "PrismaClient"}

// DynamicModels matches code that works on models whose names it does not spell out: getRepository(name), prisma[name].
var DynamicModels = lazyregexp.New(`\bget_models\(|entityMetadatas|getRepository\(\s*[a-z]\w*\s*[,)]|` +
	`\b(?:prisma|tx|db|client)\w*(?:\s+as\s+any\))?\s*\[\s*[\w.]+\s*\]`)
