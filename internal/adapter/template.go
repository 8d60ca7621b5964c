package adapter

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// maxToken bounds what stands between a token's brackets, in bytes.
const maxToken = 60

// The word that names a schema: the last one inside its token.
var schemaWord = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`)

// searched is the schema that Flyway puts first in the search path: a name without a
// schema is looked up there.
const searched = "${flyway:defaultSchema}"

// token is where a text has a schema that the runner fills in, with quotes and without
// its dot.
type token struct {
	start, end int
	name       string
}

// tokens finds the schemas that the runner fills in when it starts (pop, Flyway, psql,
// the wrappers of others): {{ index .Options "Namespace" }}.users, ${schema}.users,
// "${schema}".users, :schema.users, __SCHEMA__.users, %(schema)s.users.
func tokens(text string) []token {
	var out []token
	for at := 0; ; at++ {
		n := strings.IndexByte(text[at:], '.')
		if n < 0 {
			return out
		}
		at += n
		end := at
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

// filled puts a name in the place of a schema that the runner fills in. Spaces behind
// the name keep every place in the text where it is. What the schema is really called
// matters to nothing that is judged.
func filled(text string) string {
	all := tokens(text)
	if all == nil {
		return text
	}
	out := []byte(text)
	for _, t := range all {
		t.fill(out)
	}
	return string(out)
}

// fill puts the name in the place of a token; where there is none, its dot goes too.
func (t token) fill(out []byte) {
	last := t.end
	if t.name == "" {
		last++
	}
	copy(out[t.start:last], t.name+strings.Repeat(" ", last-t.start-len(t.name)))
}

// ofOne takes the schema that the runner fills in for the one in which names without a
// schema are looked up, where the files of a directory have no other and none sets a
// search path: so tables are the same ones with it, without, and in the code.
func ofOne(files []*File) {
	name := ""
	for _, f := range files {
		if f.Written == "" {
			continue
		}
		for _, t := range tokens(f.Written) {
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
		f.unqualify()
	}
}

var searchPath = regexp.MustCompile(`(?i)search_path`)

// unqualify leaves out the schemas that the runner fills in.
func (f *File) unqualify() {
	if f.Written == "" {
		return
	}
	out := []byte(f.Text)
	for _, t := range tokens(f.Written) {
		t.name = ""
		t.fill(out)
	}
	f.Text = string(out)
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

// endsToken are the bytes that a token ends with: those of a name, for :schema, and of
// brackets.
var endsToken = func() (out [256]bool) {
	for _, c := range "})_@" {
		out[c] = true
	}
	for c := range out {
		out[c] = out[c] || wordByte(byte(c))
	}
	return out
}()

// tokenStart is where the token begins that a text ends with; -1 for none. quoted:
// it is in quotes.
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
	if !closing && !wordByte(last) {
		return -1
	}
	at := len(text)
	if closing {
		at--
	}
	for at > 0 && wordByte(text[at-1]) {
		at--
	}
	word := strings.TrimSuffix(text[at:], "@")
	switch {
	case closing:
		if at > 0 && text[at-1] == '@' && isWord(word) {
			return at - 1
		}
	case len(word) > 4 && strings.HasPrefix(word, "__") && strings.HasSuffix(word, "__") && word == strings.ToUpper(word):
		if at == 0 || text[at-1] != '$' {
			return at
		}
	case at > 1 && isWord(word): // psql's :schema, :"schema"
		if quoted {
			if text[at-1] != '"' {
				return -1
			}
			at--
		}
		if at > 1 && text[at-1] == ':' && strings.IndexByte(" \t\n(,", text[at-2]) >= 0 {
			return at - 1
		}
	}
	return -1
}

// isWord reports whether a text is a name without quotes.
func isWord(s string) bool {
	return s != "" && (s[0] < '0' || s[0] > '9') && strings.IndexFunc(s, func(r rune) bool { return r > 0x7f || !wordByte(byte(r)) }) < 0
}

// braceStart is where the token begins that a text ends with, in braces.
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
