package usage

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
)

// Span is a piece of a file, by its offsets: a string without its quotes, or a comment.
type Span struct {
	From, To int
	// Query: it is read as SQL, which tells by itself what it uses.
	Query bool
}

// Source is a file of the code, cut into strings, comments and what is between.
type Source struct {
	text           []byte
	d              *dialect
	strings, notes []Span
	// Fault says why onward could not cut the file; "" for no fault.
	Fault string
}

// Cut cuts a file of the code. A file over which onward has a fault of its own is one without strings.
func Cut(file string, text []byte) *Source {
	s := &Source{text: text, d: dialectOf(file)}
	if s.Fault = survive(func() { s.cut(file) }); s.Fault != "" {
		s.strings, s.notes = nil, nil
	}
	return s
}

func (s *Source) cut(file string) {
	switch {
	case s.d != nil:
		r := &reader{path: file, text: s.text, d: s.d, facts: &Facts{}, line: 1}
		r.lits, s.notes = lex(s.text, s.d)
		for _, l := range r.lits {
			s.strings = append(s.strings, Span{From: l.from, To: l.to})
		}
		r.pieces(func(literal) {}, func(from, to int, _ *sqlText) {
			for i := from; i <= to; i++ {
				s.strings[i].Query = true
			}
		})
	case QueryFile(file):
		s.strings = []Span{{0, len(s.text), true}}
	}
}

// String is the string that an offset is in: of those within each other the inner one.
func (s *Source) String(at int) (Span, bool) {
	i, _ := slices.BinarySearchFunc(s.strings, at+1, func(x Span, at int) int { return x.From - at })
	for i--; i >= 0; i-- {
		if x := s.strings[i]; at < x.To {
			return x, true
		} else if at-x.From > maxSQL {
			break
		}
	}
	return Span{}, false
}

// Mention is a name that stands in the code, or in a text of it.
type Mention struct {
	Word     string
	At, Line int
}

// maxMentions bounds those of one word in a file.
const maxMentions = 40

// Mentions gives the places where a name may stand for a thing of the schema, in their
// order: none in queries, which tell by themselves what they use, nor in comments, in
// messages to people, or where it is a word of the language.
func (s *Source) Mentions(words []string) []Mention {
	var out []Mention
	for k, w := range words {
		if w == "" || slices.Contains(words[:k], w) {
			continue
		}
		for at, found := 0, len(out); len(out)-found < maxMentions; {
			n := bytes.Index(s.text[at:], []byte(w))
			if n < 0 {
				break
			}
			from := at + n
			at = from + len(w)
			if (from == 0 || !nameByte[s.text[from-1]]) && (at == len(s.text) || !nameByte[s.text[at]]) && s.speaks(from, w) {
				out = append(out, Mention{Word: w, At: from})
			}
		}
	}
	slices.SortFunc(out, func(a, b Mention) int { return a.At - b.At })
	line, last := 1, 0
	for i := range out {
		line += bytes.Count(s.text[last:out[i].At], []byte{'\n'})
		out[i].Line, last = line, out[i].At
	}
	return out
}

// speaks reports whether a word at an offset may stand for a thing of the schema.
func (s *Source) speaks(at int, word string) bool {
	if within(s.notes, at) {
		return false
	}
	line, from := s.line(at)
	if trimmed := strings.TrimSpace(line); home.MatchString(trimmed) || bringing.MatchString(trimmed) {
		return false
	}
	if x, ok := s.String(at); ok {
		text := string(s.text[x.From:x.To])
		return !x.Query && !prose(text, word) && !hyphened(text, at-x.From, len(word)) && !jsonPath.MatchString(text[:at-x.From])
	}
	before, behind := line[:at-from], line[at-from+len(word):]
	switch {
	case s.d == nil && (noted(strings.TrimSpace(line)) || strings.Contains(before, " // ") || strings.Contains(before, "<!--")), hyphened(line, at-from, len(word)):
		return false
	case keywords[word]:
		return member(before, behind)
	}
	return s.d != goLike || !ofPackage(before, behind, word)
}

// line is the line of an offset, and where it begins.
func (s *Source) line(at int) (string, int) {
	from := bytes.LastIndexByte(s.text[:at], '\n') + 1
	return string(s.text[from : at+lineEnd(s.text[at:])]), from
}

// sqlSign is what a piece of SQL has and a message to people has not: "from" and
// "where" are words of both. Braces put values into a text.
var sqlSign = regexp.MustCompile(`\b(?:SELECT|INSERT|UPDATE|DELETE|TRUNCATE|MERGE|TABLE|FROM|WHERE|JOIN|HAVING|RETURNING|VALUES|ALTER)\b|[=<>{}]|` +
	`(?i:\b(?:select\b.*\bfrom|insert\s+into|update\b.*\bset|delete\s+from|merge\s+into|truncate|(?:alter|truncate|lock)\s+table|(?:inner|left|right|cross|outer)\s+join|returning|(?:order|group)\s+by)\b)`)

// prose reports whether a text is a message, in which a word is no name: "must set the
// schema or change history id as the target" uses no column id.
func prose(text, word string) bool {
	return !strings.ContainsRune(word, '_') && strings.Count(text, " ") >= 3 && !sqlSign.MatchString(text)
}

// hyphened reports whether a word is part of a longer one with hyphens: of
// "out-of-service" in a text, of a class or a path.
func hyphened(text string, from, length int) bool {
	to := from + length
	before := from > 1 && text[from-1] == '-' && nameByte[text[from-2]]
	after := to+1 < len(text) && text[to] == '-' && nameByte[text[to+1]]
	return before || after
}

// jsonPath is the way into a JSON value that a text ends with: -> 'tags', '$.tags'.
var jsonPath = regexp.MustCompile(`->>?\s*'[^']*$|'\$\.[^']*$`)

// bringing is a line that brings names in from elsewhere, and home one that says
// where its own names are: no query has them.
var (
	bringing = regexp.MustCompile(`^(?:import\s+(?:static\s+)?[\w.*{} ,]+;?|using\s+[\w.= ]+;|from\s+[\w.]+\s+import\s.*|import\s.*\sfrom\s*["'][^"']*["'];?|(?:[\w.]+\s+)?"[\w./@-]+")$`)
	home     = regexp.MustCompile(`^(?:package|namespace)\s+[\w.\\]+\s*[;{]?$`)
)

// member reports whether what is around a word makes it a field or a key.
func member(before, behind string) bool {
	return before != "" && before[len(before)-1] == '.' || behind != "" && (behind[0] == ':' || behind[0] == '=')
}

// ofPackage reports whether a word of Go is the name of a package, or of a variable, of
// which something is taken: path.Join, *zip.File.
func ofPackage(before, behind, word string) bool {
	return strings.ToLower(word) == word && len(behind) > 1 && behind[0] == '.' && 'A' <= behind[1] && behind[1] <= 'Z' && !strings.HasSuffix(before, ".")
}

// keywords are words of languages that are columns' names, too.
var keywords = func() map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(`
		abstract async await boolean class const default enum error export final function import integer interface internal long module
		number object override package private protected public range required return static string struct trait type virtual void
	`) {
		out[w] = true
	}
	return out
}()
