package audit

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// star reports a question of rule.Pass.ReadsAll.
func (q question) star() bool { return q.table.Schema == rule.AllColumns.Name }

var (
	// heldBy is the constant or variable that holds the text.
	heldBy = regexp.MustCompile("(\\w+)\\s*(?::?=|string\\s*=)\\s*(?:`|\")[^`\"]*$")
	// sqlxCall are the calls of jmoiron/sqlx that put rows into structs, or make rows
	// that do, in front of their SQL.
	sqlxCall = regexp.MustCompile(`\.(?:Select|Get|Queryx|QueryRowx|NamedQuery|Preparex|PrepareNamed)(?:Context)?\([^;{}]*$`)
	// strictRows are the readers of pgx and scany that take no column without a field.
	strictRows = regexp.MustCompile(`\bpgx\.RowTo(?:AddrOf)?StructBy(?:Name|Pos)\[|\b(?:pgxscan|sqlscan|dbscan)\.(?:Select|Get|Scan)\w*\(`)
	scanCall   = regexp.MustCompile(`\.Scan\(`)
)

// starReach is how far behind its SQL the rows of a query are read, at most.
const starReach = 3 << 10

// readingAll answers the questions which code reads all columns of a table into as
// many places as there are. That is Go's, where a row must fit what it is read into,
// and that of Rust's sqlx, which goes on with a plan that the server no longer takes;
// elsewhere a column more is passed over.
func (u *usage) readingAll() {
	if len(u.stars) == 0 {
		return
	}
	words := []string{"Unsafe"}
	for _, q := range u.stars {
		words = append(words, q.table.Name)
		words = append(words, spellings(q.column)...)
	}
	rust := u.requires("Cargo.toml", "sqlx")
	typed := func(p string) bool { return path.Ext(p) == ".go" || rust && path.Ext(p) == ".rs" }
	hits, err := gitrange.Words(u.base, words, func(p string) bool { return !typed(p) || u.noCode(p) })
	if err == nil && slices.ContainsFunc(u.stars, func(q question) bool { return !u.byMapper(q) }) {
		// By themselves: the many that a front end has must not use up the hits.
		var more []gitrange.Hit
		more, err = gitrange.Words(u.base, words, func(p string) bool {
			return typed(p) || path.Ext(p) == ".sql" || u.noCode(p) || page(p) || data(p)
		})
		hits = append(hits, more...)
	}
	if err != nil {
		return
	}
	byWord := map[string][]gitrange.Hit{}
	var paths []string
	for _, h := range hits {
		byWord[h.Word] = append(byWord[h.Word], h)
		if !slices.Contains(words[:1], h.Word) && !slices.Contains(paths, h.Path) {
			paths = append(paths, h.Path)
		}
	}
	texts, err := u.base.ReadAll(paths)
	if err != nil {
		return
	}
	lax := slices.ContainsFunc(byWord["Unsafe"], func(h gitrange.Hit) bool { return strings.Contains(h.Text, ".Unsafe()") })
	sqlx := !lax && u.requires("go.mod", "github.com/jmoiron/sqlx")
	read := map[string]*starText{}
	for _, q := range u.stars {
		out := rule.Usage{Known: true}
		other, _ := u.elsewhere(q)
		mapped := q.column != "" && slices.ContainsFunc(pick(byWord, spellings(q.column)), q.field)
		seen := ""
		for _, h := range byWord[q.table.Name] {
			if h.Path == seen || data(h.Path) || under(other, h.Path) || strings.Contains(string(texts[h.Path]), "\t\"testing\"\n") {
				continue
			}
			seen = h.Path
			text := read[h.Path]
			if text == nil {
				text = readStars(h.Path, string(texts[h.Path]), typed(h.Path))
				read[h.Path] = text
			}
			columns := u.columns(q)
			out.Stars = append(out.Stars, u.readAll(q, columns, text, sqlx, mapped)...)
			out.Stars = append(out.Stars, u.unlisted(q, columns, text)...)
		}
		slices.SortStableFunc(out.Stars, func(a, b rule.Star) int { return cmp.Compare(a.Kind, b.Kind) })
		out.Used = len(out.Stars) > 0
		u.cache[q] = out
	}
}

// field reports whether a line declares the field of a struct for the column: then
// what is deployed knows it already.
func (q question) field(h gitrange.Hit) bool {
	if strings.Contains(h.Text, `db:"`+q.column) {
		return true
	}
	name, typ, _ := strings.Cut(h.Text, " ")
	return name == h.Word && typ != "" && !strings.ContainsAny(typ[:1], "=:(,.") && strings.ToUpper(name[:1]) == name[:1]
}

// columns is how many the table has at the base; 0 when that is not known.
func (u *usage) columns(q question) int {
	if c := u.deployed[q.database]; c != nil {
		if r := c.Lookup("", q.table.Name); r != nil && !r.Inferred && !r.Partial {
			return len(r.Columns)
		}
	}
	return 0
}

// readAll finds where a file reads all columns of the table, and no others could be
// among them. mapped says that structs have a field for the new one.
func (u *usage) readAll(q question, columns int, file *starText, sqlx, mapped bool) []rule.Star {
	var out []rule.Star
	text := file.text
	for _, r := range file.reads {
		before := strings.TrimRight(text[:r.from], " \t\r\n")
		if !strings.EqualFold(r.table, q.table.Name) || strings.HasSuffix(before, "(") {
			continue // of a subquery, whose columns go on to nobody
		}
		line, number := lineAt(text, r.from)
		if comment(line) || r.of != "" && !strings.EqualFold(r.of, r.table) && !strings.EqualFold(r.of, r.alias) {
			continue
		}
		evidence := onward.Evidence{Kind: "code", Path: file.path, Line: number, Text: rule.OneLine(text[r.from:r.said]), Revision: u.name}
		if path.Ext(file.path) == ".rs" {
			out = append(out, rule.Star{Kind: rule.KeepsPlan, Evidence: evidence})
			continue
		}
		for _, at := range used(text, r.from, r.to) {
			head, rest := text[max(0, at.start-300):at.start], function(text[at.end:])
			byName := strictRows.MatchString(rest) || strictRows.MatchString(lastStatement(head)) || sqlx && (sqlxCall.MatchString(head) || strings.Contains(rest, "StructScan("))
			if byName && !mapped && (q.column != "" || !sqlx) || columns > 0 && scans(rest) == columns {
				out = append(out, rule.Star{Kind: rule.ReadsRows, Evidence: evidence})
				break
			}
		}
	}
	return out
}

// used are the places at which a text of SQL is given to the driver: where it
// stands, and for one that has a name, where the file says that.
func used(text string, from, to int) []extent {
	out := []extent{{from, to}}
	m := heldBy.FindStringSubmatch(text[max(0, from-300):from])
	if m == nil {
		return out
	}
	for _, at := range regexp.MustCompile(`\b`+regexp.QuoteMeta(m[1])+`\b`).FindAllStringIndex(text, -1) {
		if at[0] > to || at[1] < from-300 {
			out = append(out, extent{at[0], at[1]})
		}
	}
	return out
}

// extent is a piece of a text.
type extent struct{ start, end int }

// function is the rest of a function of Go.
func function(rest string) string {
	rest = rest[:min(len(rest), starReach)]
	if n := strings.Index(rest, "\n}"); n >= 0 {
		rest = rest[:n]
	}
	return rest
}

// lastStatement is the last line of a text, and what it is the end of.
func lastStatement(text string) string {
	if n := strings.LastIndexAny(text, ";{}"); n >= 0 {
		text = text[n:]
	}
	return text
}

// scans counts the places that the first Scan of a text fills; 0 when it has none,
// or fills those of a list.
func scans(text string) int {
	at := scanCall.FindStringIndex(text)
	if at == nil {
		return 0
	}
	depth, count := 0, 1
	args := strings.TrimRight(text[at[1]:], " \t\r\n")
	for i := range len(args) {
		switch args[i] {
		case '(', '[', '{':
			depth++
		case ']', '}':
			depth--
		case ',':
			if depth == 0 && !strings.HasPrefix(strings.TrimLeft(args[i+1:], " \t\r\n"), ")") {
				count++
			}
		case ')':
			if depth--; depth < 0 {
				if i == 0 || strings.HasSuffix(args[:i], "...") {
					return 0
				}
				return count
			}
		}
	}
	return 0
}

// requires reports whether a package of the repository names another in its file.
func (u *usage) requires(file, module string) bool {
	var files []string
	for _, f := range u.base.Files() {
		if path.Base(f.Path) == file {
			files = append(files, f.Path)
		}
	}
	texts, err := u.base.ReadAll(files)
	return err == nil && slices.ContainsFunc(files, func(f string) bool { return strings.Contains(string(texts[f]), module) })
}

// byMapper reports whether a mapper writes the SQL, which names the columns.
func (u *usage) byMapper(q question) bool {
	models, _ := u.models(q.database)
	return models != nil
}

// mayReadAll reports whether there is code of which readingAll knows what it does.
func (u *usage) mayReadAll(q question) bool {
	return !u.byMapper(q) || slices.ContainsFunc(u.base.Files(), func(f gitrange.File) bool { return path.Ext(f.Path) == ".go" || path.Ext(f.Path) == ".rs" })
}
