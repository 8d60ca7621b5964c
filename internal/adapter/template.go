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
// }}.users, ${schema}.users, "${schema}".users. Spaces behind the name keep every
// place in the text where it is. What the schema is really called matters to
// nothing that is judged.
func filled(text string) string {
	var out []byte
	for at := 0; ; {
		n := strings.IndexByte(text[at:], '}')
		if n < 0 {
			break
		}
		end := at + n + 1 // behind the bracket
		behind := text[end:]
		if strings.HasPrefix(behind, "}") {
			at = end // the second one of two ends the token
			continue
		}
		quoted := strings.HasPrefix(behind, `".`)
		if !quoted && !strings.HasPrefix(behind, ".") {
			at = end
			continue
		}
		from := max(0, end-maxToken-4)
		if start := tokenStart(text[from:end]); start >= 0 {
			start += from
			words := schemaWord.FindAllString(text[start:end], -1)
			first, last := start, end
			if quoted {
				first, last = start-1, end+1
			}
			if len(words) > 0 && (!quoted || start > 0 && text[start-1] == '"') {
				if out == nil {
					out = []byte(text)
				}
				name := strings.ToLower(words[len(words)-1])
				copy(out[first:last], name+strings.Repeat(" ", last-first-len(name)))
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
