package site

import (
	"html/template"
	"io"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// highlightSQL writes SQL as HTML in which keywords, strings, numbers and comments have their classes. The pages have their
// keywords in capitals.
func highlightSQL(w io.Writer, sql string) {
	write := func(class, text string) {
		text = template.HTMLEscapeString(text)
		if class != "" {
			text = `<span class="` + class + `">` + text + "</span>"
		}
		_, _ = io.WriteString(w, text)
	}
	for done := 0; done < len(sql); {
		l := pgparse.NextLexeme(sql, done)
		write("", sql[done:l.Start])
		word := sql[l.Start:l.End]
		done = l.End
		switch l.Kind {
		case pgparse.LexemeWord:
			class := ""
			if len(word) > 1 && word == strings.ToUpper(word) {
				class = "keyword"
			}
			write(class, word)
		case pgparse.LexemeString, pgparse.LexemeBits:
			// A function's body is SQL, too.
			if quote := word[:strings.Index(word[1:], "$")+2]; word[0] == '$' && len(word) >= 2*len(quote) && strings.HasSuffix(word, quote) {
				write("string", quote)
				highlightSQL(w, word[len(quote):len(word)-len(quote)])
				write("string", quote)
			} else {
				write("string", word)
			}
		case pgparse.LexemeNumber, pgparse.LexemeParam:
			write("number", word)
		case pgparse.LexemeComment:
			write("comment", word)
		default:
			write("", word)
		}
	}
}
