package adapter

import (
	"cmp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// maxToken bounds the text between a token's brackets, in bytes.
const maxToken = 60

// schemaWord matches words in a token. The last one names the schema.
var schemaWord = lazyregexp.New(`[A-Za-z_][A-Za-z0-9_]*`)

// searched is the schema that Flyway puts first in the search path: names without a
// schema are looked up in it.
const searched = "${flyway:defaultSchema}"

// token is a schema in a text that the runner fills in, including quotes and without the
// dot after it.
type token struct {
	start, end int
	name       string
}

// findTokens finds the schemas that the runner fills in when it starts (pop, Flyway, psql,
// the wrappers of others): {{ index .Options "Namespace" }}.users, ${schema}.users,
// "${schema}".users, :schema.users, __SCHEMA__.users, %(schema)s.users.
func findTokens(text string) []token {
	var out []token
	for pos := 0; ; pos++ {
		n := strings.IndexByte(text[pos:], '.')
		if n < 0 {
			return out
		}
		pos += n
		end := pos
		quoted := end > 0 && text[end-1] == '"'
		if quoted {
			end--
		}
		if end == 0 || !endsToken[text[end-1]] {
			continue
		}
		from := max(0, end-maxToken-4)
		start := tokenStart(text[from:end], quoted)
		if start < 0 {
			continue
		}
		start += from
		words := schemaWord.FindAllString(strings.TrimSuffix(text[start:end], ")s"), -1)
		if len(words) == 0 || quoted && (start == 0 || text[start-1] != '"') && text[start] != ':' {
			continue
		}
		t := token{start, end, strings.ToLower(words[len(words)-1])}
		if quoted {
			t.end++
			if text[start] != ':' {
				t.start--
			}
		}
		if len(t.name) > t.end-t.start {
			continue
		}
		if strings.EqualFold(text[start:end], searched) {
			t.name = ""
		}
		out = append(out, t)
	}
}

// fillSchemas replaces each schema that the runner fills in by a name. Spaces after the name
// keep all offsets. Nothing that is judged depends on the schema's real name.
func fillSchemas(text string) string {
	all := findTokens(text)
	if all == nil {
		return text
	}
	out := []byte(text)
	for _, t := range all {
		t.writeName(out)
	}
	return string(out)
}

// writeName writes the name in the token's place. If the name is empty, it removes the dot
// too.
func (t token) writeName(out []byte) {
	last := t.end
	if t.name == "" {
		last++
	}
	copy(out[t.start:last], t.name+strings.Repeat(" ", last-t.start-len(t.name)))
}

// useDefaultSchema treats the schema that the runner fills in as the default schema of the search
// path. It does so only if the files of a directory have no other and none sets a search
// path. A table then is the same one with the placeholder, without it, and in the code.
func useDefaultSchema(files []*File) {
	name := ""
	for _, f := range files {
		if f.Written == "" {
			continue
		}
		for _, t := range findTokens(f.Written) {
			if t.name != "" && name != "" && t.name != name {
				return
			}
			name = cmp.Or(name, t.name)
		}
	}
	if name == "" || slices.ContainsFunc(files, func(f *File) bool { return searchPath.MatchString(f.Text) }) {
		return
	}
	for _, f := range files {
		f.removeSchemas()
	}
}

var searchPath = lazyregexp.New(`(?i)search_path`)

// removeSchemas removes the schemas that the runner fills in.
func (f *File) removeSchemas() {
	if f.Written == "" {
		return
	}
	out, seen := []byte(f.Text), map[string]bool{}
	for _, t := range findTokens(f.Written) {
		if text := f.Written[t.start:t.end]; len(seen) < maxForms && !seen[text] {
			seen[text] = true
			replaceSchemaTexts(out, f.Written, strings.Trim(text, `"`))
		}
		t.name = ""
		t.writeName(out)
	}
	f.Text = string(out)
}

// maxForms bounds how many forms of a schema's token are searched in a file.
const maxForms = 8

// currentSchema is the SQL for the name of the default schema.
const currentSchema = "CURRENT_SCHEMA"

// replaceSchemaTexts replaces texts that are only a schema's token, as in a query of information_schema: WHERE table_schema = '${schema}'.
func replaceSchemaTexts(out []byte, written, token string) {
	literal := "'" + token + "'"
	if len(literal) < len(currentSchema) || strings.HasPrefix(token, ":") { // psql replaces nothing inside a text
		return
	}
	for pos := 0; ; pos += len(literal) {
		n := strings.Index(written[pos:], literal)
		if n < 0 {
			return
		}
		pos += n
		copy(out[pos:], currentSchema+strings.Repeat(" ", len(literal)-len(currentSchema)))
	}
}

var (
	// nameToken matches a whole name that a runner fills in: ${app_role}, {{.app_role}};
	// or psql's :role, :"role".
	nameToken = lazyregexp.New(`\$\{[^{}\n]{1,60}\}|\{\{[^{}\n]{1,60}\}\}|[ \t]:(?:"[A-Za-z_]\w*"|[A-Za-z_]\w*)`)
	// beforeRole matches the text before a role or a schema.
	beforeRole = lazyregexp.New(`(?is)\b(?:(?:GRANT|REVOKE)\b[^;]*\b(?:TO|FROM)\s+(?:[^;]*,\s*)?|POLICY\b[^;(]*\bTO\s+(?:[^;(]*,\s*)?|(?:OWNER\s+TO|AUTHORIZATION|(?:FOR|CREATE|ALTER|DROP|SET)\s+(?:ROLE|USER)(?:\s+IF\s+(?:NOT\s+)?EXISTS)?|SCHEMA(?:\s+IF\s+(?:NOT\s+)?EXISTS)?)\s+|search_path\s*(?:=|\bTO\b)\s*)$`)
)

// maxBefore bounds the text before a role that is searched, in bytes.
const maxBefore = 1000

// fillRoles replaces roles and schemas that the runner fills in by names. Nothing that is
// judged depends on which role it is, as long as the same placeholder gets the same name
// everywhere.
func fillRoles(text string) string {
	if !strings.Contains(text, "${") && !strings.Contains(text, "{{") && !hasVariable(text) {
		return text
	}
	var out []byte
	for _, match := range nameToken.FindAllStringIndex(text, -1) {
		start, end := match[0], match[1]
		if text[start] == ' ' || text[start] == '\t' {
			start++
		}
		token := text[start:end]
		words := schemaWord.FindAllString(token, -1)
		if len(words) == 0 || continuesName(text[end:]) || !beforeRole.MatchString(text[max(0, start-maxBefore):start]) {
			continue
		}
		name := words[len(words)-1]
		if token[0] == ':' && setsVariableToSQL(text[:start], name) {
			continue
		}
		if quoted := `"` + strings.ToLower(name) + `"`; len(quoted) <= len(token) {
			name = quoted
		}
		if out == nil {
			out = []byte(text)
		}
		// The spaces go before the name: a statement ends at the end of the token.
		copy(out[start:end], strings.Repeat(" ", len(token)-len(name))+name)
	}
	if out == nil {
		return text
	}
	return string(out)
}

// psqlSet matches a psql command that sets a variable.
var psqlSet = lazyregexp.New(`(?m)^[ \t]*\\set[ \t]+(\w+)[ \t]+(.*?)[ \t\r]*$`)

// setsVariableToSQL reports whether a text sets a psql variable to more than a name: psql inserts
// the value unchanged, so it may be statements.
func setsVariableToSQL(text, name string) bool {
	for _, m := range psqlSet.FindAllStringSubmatch(text, -1) {
		if m[1] == name && strings.IndexFunc(strings.Trim(m[2], `'"`), func(r rune) bool {
			return r < 0x80 && r != '_' && r != '-' && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z')
		}) >= 0 {
			return true
		}
	}
	return false
}

// hasVariable reports whether a text may have a psql variable, and not only casts. It is
// a fast check, because the expression that finds variables is slow.
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

// continuesName reports whether the text after a name continues it.
func continuesName(rest string) bool {
	return rest != "" && (strings.IndexByte(`._:"'({$`, rest[0]) >= 0 || rest[0]|0x20 >= 'a' && rest[0]|0x20 <= 'z' ||
		rest[0] >= '0' && rest[0] <= '9')
}

// endsToken are the bytes that a token can end with: bytes of a name, for :schema, and
// brackets.
var endsToken = func() (out [256]bool) {
	for _, c := range "})_@" {
		out[c] = true
	}
	for c := range out {
		out[c] = out[c] || isWordByte(byte(c))
	}
	return out
}()

// tokenStart returns the start of the token at the end of a text; -1 for none. quoted
// says that it is in quotes.
func tokenStart(text string, quoted bool) int {
	if text[len(text)-1] == '}' {
		return braceStart(text)
	}
	if s, ok := strings.CutSuffix(text, ")s"); ok { // Python's
		if open := strings.LastIndex(s, "%("); open >= 0 && isWord(s[open+2:]) {
			return open
		}
		return -1
	}
	last := text[len(text)-1]
	closing := last == '@'
	if !closing && !isWordByte(last) {
		return -1
	}
	start := len(text)
	if closing {
		start--
	}
	for start > 0 && isWordByte(text[start-1]) {
		start--
	}
	word := strings.TrimSuffix(text[start:], "@")
	switch {
	case closing:
		if start > 0 && text[start-1] == '@' && isWord(word) {
			return start - 1
		}
	case len(word) > 4 && strings.HasPrefix(word, "__") && strings.HasSuffix(word, "__") && word == strings.ToUpper(word):
		if start == 0 || text[start-1] != '$' {
			return start
		}
	case start > 1 && isWord(word): // psql's :schema, :"schema"
		if quoted {
			if text[start-1] != '"' {
				return -1
			}
			start--
		}
		if start > 1 && text[start-1] == ':' && strings.IndexByte(" \t\n(,", text[start-2]) >= 0 {
			return start - 1
		}
	}
	return -1
}

// isWord reports whether a text is a name without quotes.
func isWord(s string) bool {
	return s != "" && (s[0] < '0' || s[0] > '9') && strings.IndexFunc(s, func(r rune) bool { return r > 0x7f || !isWordByte(byte(r)) }) < 0
}

// braceStart returns the start of the token in braces at the end of a text.
func braceStart(text string) int {
	openings, closing := []string{"${", "#{"}, "}"
	if strings.HasSuffix(text, "}}") {
		openings, closing = []string{"{{"}, "}}"
	}
	inside := text[:len(text)-len(closing)]
	brace := strings.LastIndexAny(inside[max(0, len(inside)-maxToken-1):], "{}\n")
	if brace < 0 {
		return -1
	}
	brace += max(0, len(inside)-maxToken-1)
	if brace == 0 || brace+1 == len(inside) || !slices.Contains(openings, inside[brace-1:brace+1]) {
		return -1
	}
	return brace - 1
}
