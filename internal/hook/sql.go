package hook

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// query is SQL that a program sends: a text (psql -c), or a file (psql -f).
type query struct {
	text, file *word
}

// libpqDanger returns the harm of psql, dropdb, pg_restore and the like; "" for none.
func libpqDanger(a arguments) string {
	switch programName(a.run.args[0].text) {
	case "dropdb", "pg_dropcluster":
		if a.hasOption("--help", "--version", "-?", "-V") {
			return ""
		}
		return "drops a database"
	case "pg_restore":
		matches := func(re *lazyregexp.Regexp) bool {
			return slices.ContainsFunc(a.all, func(w word) bool { return re.MatchString(w.text) })
		}
		if matches(restoreClean) && !matches(restoreText) {
			return "drops what it restores"
		}
		return ""
	}
	return sqlDanger(a.run, psqlQueries(a.all, a.run.stdin))
}

var (
	// restoreClean matches options of pg_restore that drop what it restores: -c, also in a group such as -Ovc.
	restoreClean = lazyregexp.New(`^(?:--clean$|-[aCeOsvxw1]*c)`)
	// restoreText matches options that write a text and touch no database.
	restoreText = lazyregexp.New(`^(?:--list$|--file\b|-[aCceOsvxw1]*[lf])`)
)

// psqlQueries returns the SQL of psql's arguments and its input.
func psqlQueries(args []word, stdin *word) []query {
	var out []query
	for i := 0; i < len(args); i++ {
		for _, o := range []struct {
			short, long string
			isFile      bool
		}{{"-c", "--command", false}, {"-f", "--file", true}} {
			w := args[i]
			value, found := strings.CutPrefix(w.text, o.long+"=")
			switch {
			case found:
				w.text = value
			case w.text == o.long || w.text == o.short || isOptionGroup(w.text, o.short[1]):
				if i+1 == len(args) {
					continue
				}
				w, found = args[i+1], true
			case strings.HasPrefix(w.text, o.short) && !strings.HasPrefix(w.text, "--"):
				w.text, found = w.text[2:], true
			}
			switch {
			case !found:
			case o.isFile && w.text == "-":
				out = append(out, query{text: stdin})
			case o.isFile:
				out = append(out, query{file: &w})
			default:
				out = append(out, query{text: &w})
			}
		}
	}
	if len(out) == 0 && stdin != nil {
		out = append(out, query{text: stdin})
	}
	return out
}

// isOptionGroup reports whether a word is a group of options that ends in one with a value: -tAc.
func isOptionGroup(text string, last byte) bool {
	return len(text) > 2 && text[0] == '-' && text[1] != '-' && text[len(text)-1] == last && strings.Trim(text[1:len(text)-1], "abeEilnqsStxAHX1wW") == ""
}

// sqlDanger returns what some SQL destroys. SQL that is not known may destroy everything.
func sqlDanger(run *invocation, list []query) string {
	reader := newSQLReader(run.dir)
	for _, q := range list {
		text := q.text
		if q.file != nil {
			r := scriptReader{dir: run.dir, place: run.place}
			content := r.readFile(*q.file)
			if text = &content; !content.known {
				return "runs SQL of a file that cannot be read"
			}
		}
		switch {
		case text == nil:
		case !text.known:
			if text.text == "" || !isHarmlessStart(text.text) {
				return "runs SQL that is not known before"
			}
		default:
			if damage := reader.findDamage(text.text, 0); damage != "" {
				return damage
			}
		}
	}
	return ""
}

// isHarmlessStart reports whether a text of which a part is missing is a single query.
func isHarmlessStart(text string) bool {
	upper := strings.ToUpper(strings.TrimSpace(text))
	isRead := strings.HasPrefix(upper, "SELECT") || strings.HasPrefix(upper, `\D`) || strings.HasPrefix(upper, "SHOW")
	return isRead && !destroyingWords.MatchString(quotedText.ReplaceAllString(text, ""))
}

var (
	destroyingWords = lazyregexp.New(`(?i)\b(drop|truncate|delete)\b`)
	quotedText      = lazyregexp.New(`'[^']*'`)
	includes        = lazyregexp.New(`^\\(?:i|ir|include|include_relative)\s+(\S+)`)
)
