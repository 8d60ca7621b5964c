// Package mentions finds names in code that may mean an object of the schema, although no query or declaration shows it.
package mentions

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/code/queries"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Source is a file of the code, cut into strings, comments and the code between them.
type Source struct {
	text           []byte
	d              *lexer.Language
	strings, notes []lexer.Span
	// Fault says why onward could not cut the file; "" for no fault.
	Fault string
}

// CutFile cuts a file of the code. If onward itself fails on it, the file has no strings.
func CutFile(file string, text []byte) *Source {
	s := &Source{text: text, d: lexer.LanguageOf(file)}
	if s.Fault = source.CatchPanic(func() { s.lexFile(file) }); s.Fault != "" {
		s.strings, s.notes = nil, nil
	}
	return s
}

func (s *Source) lexFile(file string) {
	switch {
	case s.d != nil:
		r := source.NewFile(file, s.text)
		r.Strings, s.notes = lexer.CutStrings(s.text, s.d)
		for _, l := range r.Strings {
			s.strings = append(s.strings, lexer.Span{From: l.From, To: l.To})
		}
		queries.EachString(r, func(lexer.String) {}, func(from, to int, _ *queries.Text) {
			for i := from; i <= to; i++ {
				s.strings[i].Query = true
			}
		})
	case source.IsQueryFile(file):
		s.strings = []lexer.Span{{From: 0, To: len(s.text), Query: true}}
	}
}

// String returns the string around an offset, the innermost if they are nested.
func (s *Source) String(offset int) (lexer.Span, bool) {
	i, _ := slices.BinarySearchFunc(s.strings, offset+1, func(x lexer.Span, offset int) int { return x.From - offset })
	for i--; i >= 0; i-- {
		if x := s.strings[i]; offset < x.To {
			return x, true
		} else if offset-x.From > queries.MaxSQL {
			break
		}
	}
	return lexer.Span{}, false
}

// Mention is a name in the code, or in a text of it.
type Mention struct {
	Word     string
	At, Line int
}

// maxMentions bounds the mentions of one word in a file.
const maxMentions = 40

// Mentions returns the places at which a name may mean an object of the schema, in their order. It
// excludes queries, which have their own facts, comments, messages to people, and words of the
// language.
func (s *Source) Mentions(words []string) []Mention {
	var out []Mention
	for k, w := range words {
		if w == "" || slices.Contains(words[:k], w) {
			continue
		}
		for offset, found := 0, len(out); len(out)-found < maxMentions; {
			n := bytes.Index(s.text[offset:], []byte(w))
			if n < 0 {
				break
			}
			from := offset + n
			offset = from + len(w)
			if (from == 0 || !lexer.NameByte[s.text[from-1]]) && (offset == len(s.text) || !lexer.NameByte[s.text[offset]]) && s.mayMeanObject(from, w) {
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

// mayMeanObject reports whether a word at an offset may mean an object of the schema.
func (s *Source) mayMeanObject(offset int, word string) bool {
	if lexer.IsInSpans(s.notes, offset) {
		return false
	}
	line, from := s.lineAround(offset)
	if trimmed := strings.TrimSpace(line); home.MatchString(trimmed) || bringing.MatchString(trimmed) {
		return false
	}
	if x, ok := s.String(offset); ok {
		text := string(s.text[x.From:x.To])
		return !x.Query && !isProse(text, word) && !isHyphenated(text, offset-x.From, len(word)) && !jsonPath.MatchString(text[:offset-x.From])
	}
	before, after := line[:offset-from], line[offset-from+len(word):]
	switch {
	case s.d == nil && (source.IsComment(strings.TrimSpace(line)) || strings.Contains(before, " // ") || strings.Contains(before, "<!--")),
		isHyphenated(line, offset-from, len(word)):
		return false
	case keywords[word]:
		return isMember(before, after)
	}
	return s.d != lexer.Go || !isPackageMember(before, after, word)
}

// NamesInCode reports whether a file has one of some words, and it may mean a table or its model. In comments, messages to people
// and paths it does not.
func (s *Source) NamesInCode(words []string) bool {
	for _, w := range words {
		for offset := 0; w != ""; {
			n := bytes.Index(s.text[offset:], []byte(w))
			if n < 0 {
				break
			}
			from := offset + n
			offset = from + len(w)
			whole := (from == 0 || !lexer.NameByte[s.text[from-1]]) && (offset == len(s.text) || !lexer.NameByte[s.text[offset]])
			if whole && !lexer.IsInSpans(s.notes, from) && !s.isInLabel(from, len(w)) {
				return true
			}
		}
	}
	return false
}

// isInLabel reports whether a word is in a text for people, or a part of a path. A path of PostgREST names a table.
func (s *Source) isInLabel(offset, length int) bool {
	x, ok := s.String(offset)
	if !ok || x.Query {
		return false
	}
	text := string(s.text[x.From:x.To])
	if sqlSign.MatchString(text) || strings.Contains(text, "rest/") {
		return false
	}
	from := offset - x.From
	to := from + length
	return strings.Count(text, " ") >= 3 || from > 0 && text[from-1] == '/' || to < len(text) && text[to] == '/'
}

// lineAround returns the line of an offset, and its start.
func (s *Source) lineAround(offset int) (string, int) {
	from := bytes.LastIndexByte(s.text[:offset], '\n') + 1
	return string(s.text[from : offset+lexer.LineEnd(s.text[offset:])]), from
}

// sqlSign matches text that SQL has and messages to people have not: "from" and "where" are words of
// both. Braces insert values into a text.
var sqlSign = lazyregexp.New(`\b(?:SELECT|INSERT|UPDATE|DELETE|TRUNCATE|MERGE|TABLE|FROM|WHERE|JOIN|HAVING|RETURNING|VALUES|ALTER)\b|[=<>{}]|` +
	`(?i:\b(?:select\b.*\bfrom|insert\s+into|update\b.*\bset|delete\s+from|merge\s+into|truncate|(?:alter|truncate|lock)\s+table|(?:inner|left|right|cross|outer)\s+join|returning|(?:order|group)\s+by)\b)`)

// isProse reports whether a text is a message, whose words are no names: "must set the schema or change
// history id as the target" uses no column id.
func isProse(text, word string) bool {
	return !strings.ContainsRune(word, '_') && strings.Count(text, " ") >= 3 && !sqlSign.MatchString(text)
}

// isHyphenated reports whether a word is part of a longer one with hyphens: "out-of-service" in a text, a
// class or a path.
func isHyphenated(text string, from, length int) bool {
	to := from + length
	before := from > 1 && text[from-1] == '-' && lexer.NameByte[text[from-2]]
	after := to+1 < len(text) && text[to] == '-' && lexer.NameByte[text[to+1]]
	return before || after
}

// jsonPath matches a path into a JSON value at the end of a text: -> 'tags', '$.tags'.
var jsonPath = lazyregexp.New(`->>?\s*'[^']*$|'\$\.[^']*$`)

// bringing matches a line that imports names, and home a line that declares the module's own name: no
// query has them.
var (
	bringing = lazyregexp.New(`^(?:import\s+(?:static\s+)?[\w.*{} ,]+;?|using\s+[\w.= ]+;|from\s+[\w.]+\s+import\s.*|import\s.*\sfrom\s*["'][^"']*["'];?|(?:[\w.]+\s+)?"[\w./@-]+")$`)
	home     = lazyregexp.New(`^(?:package|namespace)\s+[\w.\\]+\s*[;{]?$`)
)

// isMember reports whether the text around a word makes it a field or a key.
func isMember(before, after string) bool {
	return before != "" && before[len(before)-1] == '.' || after != "" && (after[0] == ':' || after[0] == '=')
}

// isPackageMember reports whether a word of Go is a package or a variable before a selector: path.Join,
// *zip.File.
func isPackageMember(before, after, word string) bool {
	return strings.ToLower(word) == word && len(after) > 1 && after[0] == '.' && 'A' <= after[1] && after[1] <= 'Z' && !strings.HasSuffix(before, ".")
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

// InsertCalls returns a pattern of calls that insert rows and have one of some names as their receiver or as their first
// argument: table("settings").insert(…), insert_into(settings).
func InsertCalls(words []string) *lazyregexp.Regexp {
	var list []string
	for _, w := range words {
		if w != "" {
			list = append(list, regexp.QuoteMeta(w))
		}
	}
	names := "(?:" + strings.Join(list, "|") + ")"
	return lazyregexp.New(`(?i:insert|upsert|merge|copy|bulk)\w*!?\s*[(<]\s*["'` + "`" + `:&@]*(?:\w+(?:::|\.))*` + names + `\b|` +
		`\b` + names + `(?:::table)?["'` + "`" + `]?\s*[)\]]*\s*(?:\.|->|::)\s*` +
		`(?:\w*(?i:insert|upsert|create|bulk|copy)\w*!?\s*[(<]|(?i:add)\w{0,3}\(|(?i:activemodel)\s*\{)`)
}

// HasCall reports whether a pattern of calls matches outside queries.
func (s *Source) HasCall(calls *lazyregexp.Regexp) bool {
	return slices.ContainsFunc(calls.FindAllIndex(s.text, -1), func(match []int) bool {
		in, ok := s.String(match[0])
		return !ok || !in.Query
	})
}

// IsWordNear reports whether a pattern matches in the lines around one of some names. Names in queries do not
// count, because a query has its own facts.
func (s *Source) IsWordNear(words []string, pattern *lazyregexp.Regexp, lines int) bool {
	for _, w := range words {
		for offset := 0; w != ""; {
			i := bytes.Index(s.text[offset:], []byte(w))
			if i < 0 {
				break
			}
			from, to := offset+i, offset+i+len(w)
			offset = to
			if from > 0 && lexer.NameByte[s.text[from-1]] || to < len(s.text) && lexer.NameByte[s.text[to]] {
				continue
			}
			if in, ok := s.String(from); ok && in.Query {
				continue
			}
			if pattern.Match(s.textAround(from, to, lines)) {
				return true
			}
		}
	}
	return false
}

// textAround returns a range of the text with some lines before and after it.
func (s *Source) textAround(from, to, lines int) []byte {
	for range lines + 1 {
		from = bytes.LastIndexByte(s.text[:max(from, 0)], '\n')
		if n := bytes.IndexByte(s.text[min(to, len(s.text)):], '\n'); n >= 0 {
			to += n + 1
		} else {
			to = len(s.text)
		}
	}
	return s.text[max(from, 0):min(to, len(s.text))]
}

// DynamicModelNames are names in code that may work on models which it finds at run time.
var DynamicModelNames = []string{"get_models", "entityMetadatas", "getRepository", "prisma", "prismaClient", "PrismaClient"}

// DynamicModels matches code that works on models whose names it does not spell out: getRepository(name), prisma[name].
var DynamicModels = lazyregexp.New(`\bget_models\(|entityMetadatas|getRepository\(\s*[a-z]\w*\s*[,)]|` +
	`\b(?:prisma|tx|db|client)\w*(?:\s+as\s+any\))?\s*\[\s*[\w.]+\s*\]`)

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
