package audit

import (
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// cosmetics describes a difference that no database notices.
const cosmetics = "only comments and white space differ"

// describeDifference says what differs between two versions of a migration with the same SQL, and whether the difference has
// no effect on a database.
func describeDifference(old, m *adapter.Migration) (detail string, cosmetic bool) {
	read := all.Traits(m.Framework).Meaning
	if read == nil {
		language := lexer.LanguageOf(m.Path)
		if language == nil || path.Ext(m.Path) == ".sql" {
			return cosmetics, true // the file is the SQL itself
		}
		read = func(text string) (whole, program string) { return squeezeProgram(text, language) }
	}
	oldText, oldProgram := read(old.Source.Text)
	text, program := read(m.Source.Text)
	switch {
	case oldText == text:
		return cosmetics, true
	case oldProgram != program && len(old.Opaque)+len(m.Opaque) > 0:
		return "its SQL is the same, the code that it runs is not", false
	}
	return "its SQL is the same: what differs changes no schema", true
}

// wayDown matches the beginning of the part of a program that undoes a migration, and wayUp the name of the other part.
var (
	wayDown = lazyregexp.New(`\b(?:def (?:self\.)?down\b|exports\.down\b|down ?[:=(]|function down\b|func [Dd]own\w* ?\()`)
	wayUp   = lazyregexp.New(`\b(?:up|[uU]p[A-Z0-9_]\w*)\b`)
)

// importStatement matches a statement of JavaScript, TypeScript, Go or Ruby that only names another file.
var importStatement = lazyregexp.New(`(?m)^(?:import\b[^'"(]*['"][^'"\n]*['"];?|import \([^)]*\)|` +
	`(?:const|let|var) [^=\n]*= require\([^()\n]*\);?|require(?:_relative)? ?\(?['"][^'"\n]*['"]\)?;?)$`)

// hereDocument matches the beginning of a here document of Ruby, whose indentation is white space, too.
var hereDocument = lazyregexp.New(`<<[-~](['"]?[A-Z])`)

// squeezeProgram returns a program without comments and with white space reduced to line ends and spaces. program is its part that goes
// up, without imports: a file that was moved is imported by another path.
func squeezeProgram(text string, language *lexer.Language) (whole, program string) {
	_, comments := lexer.CutStrings([]byte(text), language)
	var b strings.Builder
	from := 0
	for _, c := range comments {
		if c.From >= from {
			b.WriteString(text[from:c.From])
			b.WriteByte(' ')
			from = c.To
		}
	}
	b.WriteString(text[from:])
	var lines []string
	for line := range strings.Lines(b.String()) {
		if words := strings.Fields(line); len(words) > 0 {
			lines = append(lines, hereDocument.ReplaceAllString(strings.Join(words, " "), "<<~$1"))
		}
	}
	whole = strings.Join(lines, "\n")
	program = whole
	if down := wayDown.FindStringIndex(whole); down != nil {
		program = whole[:down[0]]
		if !wayUp.MatchString(program) {
			program = whole // the part that goes down is written first
		}
	}
	return whole, strings.TrimSpace(importStatement.ReplaceAllString(program, ""))
}
