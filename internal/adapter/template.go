package adapter

import (
	"regexp"
	"strings"
)

// maxToken bounds what stands between a token's brackets, in bytes.
const maxToken = 60

// The word that names a schema: the last one inside of its token.
var schemaWord = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`)

// filled puts a name in the place of a schema that the runner fills in when it
// starts (pop, Flyway, sql-migrate's wrappers): {{ index .Options "Namespace"
// }}.users, ${schema}.users. Spaces behind the name keep every place in the text
// where it is. What the schema is really called matters to nothing that is
// judged.
func filled(text string) string {
	var out []byte
	for at := 0; ; {
		n := strings.Index(text[at:], "}.")
		if n < 0 {
			break
		}
		end := at + n + 1 // behind the bracket
		if start := tokenStart(text[at:end]); start >= 0 {
			start += at
			if words := schemaWord.FindAllString(text[start:end], -1); len(words) > 0 {
				if out == nil {
					out = []byte(text)
				}
				name := strings.ToLower(words[len(words)-1])
				copy(out[start:end], name+strings.Repeat(" ", end-start-len(name)))
			}
		}
		at = end
	}
	if out == nil {
		return text
	}
	return string(out)
}

// tokenStart is where the token begins that a text ends with; -1 for none.
func tokenStart(text string) int {
	opening, closing := "${", "}"
	if strings.HasSuffix(text, "}}") {
		opening, closing = "{{", "}}"
	}
	inside := text[:len(text)-len(closing)]
	brace := strings.LastIndexAny(inside[max(0, len(inside)-maxToken-1):], "{}\n")
	if brace < 0 {
		return -1
	}
	brace += max(0, len(inside)-maxToken-1)
	if brace == 0 || inside[brace-1:brace+1] != opening || brace+1 == len(inside) {
		return -1
	}
	return brace - 1
}
