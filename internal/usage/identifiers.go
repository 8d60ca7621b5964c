package usage

import "slices"

// Identifiers returns the names in a text, as sorted marks, each once. Names in strings and comments count,
// too.
func Identifiers(text []byte) []uint32 {
	var out []uint32
	for i := 0; i < len(text); {
		if !nameByte[text[i]] {
			i++
			continue
		}
		n := nameLen(text[i:])
		if n > 1 && n <= maxIdentifier {
			out = append(out, HashText(string(text[i:i+n])))
		}
		i += n
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// maxIdentifier is the maximal length of a Postgres name.
const maxIdentifier = 63
