package adapter

import (
	"regexp"
	"strings"
)

// maxToken bounds what stands between a token's brackets, in bytes.
const maxToken = 60

// The word that names a schema: the last one inside its token.
var schemaWord = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`)

// searched is the schema that Flyway puts first in the search path: a name without a
// schema is looked up there.
const searched = "${flyway:defaultSchema}"

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
				if strings.EqualFold(text[start:end], searched) {
					name, last = "", last+1 // and its dot
				}
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

var (
	// What a runner fills in as a name of its own: ${app_role}, {{.app_role}}; or
	// psql: :role, :"role".
	nameToken = regexp.MustCompile(`\$\{[^{}\n]{1,60}\}|\{\{[^{}\n]{1,60}\}\}|[ \t]:(?:"[A-Za-z_]\w*"|[A-Za-z_]\w*)`)
	// What stands before a role or a schema.
	beforeRole = regexp.MustCompile(`(?is)\b(?:(?:GRANT|REVOKE)\b[^;]*\b(?:TO|FROM)\s+(?:[^;]*,\s*)?|POLICY\b[^;(]*\bTO\s+(?:[^;(]*,\s*)?|(?:OWNER\s+TO|AUTHORIZATION|(?:FOR|CREATE|ALTER|DROP|SET)\s+(?:ROLE|USER)(?:\s+IF\s+(?:NOT\s+)?EXISTS)?|SCHEMA(?:\s+IF\s+(?:NOT\s+)?EXISTS)?)\s+|search_path\s*(?:=|\bTO\b)\s*)$`)
)

// maxBefore bounds what is looked at in front of a role, in bytes.
const maxBefore = 1000

// named puts names in the places of roles and of schemas that the runner fills
// in: which role it is matters to nothing that is judged, as long as it is the
// same one everywhere.
func named(text string) string {
	if !strings.Contains(text, "${") && !strings.Contains(text, "{{") && !hasVariable(text) {
		return text
	}
	var out []byte
	for _, at := range nameToken.FindAllStringIndex(text, -1) {
		start, end := at[0], at[1]
		if text[start] == ' ' || text[start] == '\t' {
			start++
		}
		token := text[start:end]
		words := schemaWord.FindAllString(token, -1)
		if len(words) == 0 || glued(text[end:]) || !beforeRole.MatchString(text[max(0, start-maxBefore):start]) {
			continue
		}
		name := words[len(words)-1]
		if token[0] == ':' && setToMore(text[:start], name) {
			continue
		}
		if quoted := `"` + strings.ToLower(name) + `"`; len(quoted) <= len(token) {
			name = quoted
		}
		if out == nil {
			out = []byte(text)
		}
		// The spaces go in front: a statement ends where the token does.
		copy(out[start:end], strings.Repeat(" ", len(token)-len(name))+name)
	}
	if out == nil {
		return text
	}
	return string(out)
}

// psqlSet is where psql gives a variable a value.
var psqlSet = regexp.MustCompile(`(?m)^[ \t]*\\set[ \t]+(\w+)[ \t]+(.*?)[ \t\r]*$`)

// setToMore reports whether a text gives a variable of psql more than a name: psql
// puts in what stands there, which may be statements.
func setToMore(text, name string) bool {
	for _, m := range psqlSet.FindAllStringSubmatch(text, -1) {
		if m[1] == name && strings.IndexFunc(strings.Trim(m[2], `'"`), func(r rune) bool {
			return r < 0x80 && r != '_' && r != '-' && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z')
		}) >= 0 {
			return true
		}
	}
	return false
}

// hasVariable reports whether a text may have one of psql's, and not casts alone:
// the expression that finds them is slow.
func hasVariable(text string) bool {
	for {
		n := strings.IndexByte(text, ':')
		if n < 0 || n+1 == len(text) {
			return false
		}
		if c := text[n+1]; n > 0 && (text[n-1] == ' ' || text[n-1] == '\t') && (c == '"' || c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z') {
			return true
		}
		text = text[n+1:]
	}
}

// glued reports whether what stands behind a name goes on with it.
func glued(behind string) bool {
	return behind != "" && (strings.IndexByte(`._:"'({$`, behind[0]) >= 0 || behind[0]|0x20 >= 'a' && behind[0]|0x20 <= 'z' || behind[0] >= '0' && behind[0] <= '9')
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
