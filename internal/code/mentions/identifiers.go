package mentions

import (
	"slices"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/lexer"
)

// FindIdentifiers returns the names in a text, as sorted marks, each once. Names in strings and comments count,
// too.
func FindIdentifiers(text []byte) []uint32 {
	var out []uint32
	for i := 0; i < len(text); {
		if !lexer.NameByte[text[i]] {
			i++
			continue
		}
		n := lexer.NameLength(text[i:])
		if n > 1 && n <= maxIdentifier {
			out = append(out, facts.HashText(string(text[i:i+n])))
		}
		i += n
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// maxIdentifier is the maximal length of a Postgres name.
const maxIdentifier = 63
