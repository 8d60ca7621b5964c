package usage

import "slices"

// Identifiers are the names in a text, as sorted marks, each once. A name in a text or a comment is one, too.
func Identifiers(text []byte) []uint32 {
	var out []uint32
	for i := 0; i < len(text); {
		if !nameByte[text[i]] {
			i++
			continue
		}
		n := nameLen(text[i:])
		if n > 1 && n <= maxIdentifier {
			out = append(out, Mark(string(text[i:i+n])))
		}
		i += n
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// maxIdentifier is how long a name of Postgres is, at most.
const maxIdentifier = 63
