package audit

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/onward"
)

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

// readingAll answers the question which code reads all columns of a table into as
// many places as there are. That is Go's, where a row must fit what it is read into,
// and that of Rust's sqlx, which goes on with a plan that the server no longer takes;
// elsewhere a column more is passed over.
func (u *deployedCode) readingAll(q question) analysis.Usage {
	rust := u.requires("Cargo.toml", "sqlx")
	typed := func(p string) bool { return path.Ext(p) == ".go" || rust && path.Ext(p) == ".rs" }
	var paths []string
	b, by := u.bound(q), u.byMapper(q)
	table := catalog.Name{Name: q.Name.Name}
	for _, e := range append(b.Relation(table), b.String(q.Name.Name)...) {
		if typed(e.Path) && !slices.Contains(paths, e.Path) {
			paths = append(paths, e.Path)
		}
	}
	texts, err := u.starTexts(paths)
	if err != nil {
		return analysis.Usage{}
	}
	slices.Sort(paths)
	gone := func(p string) bool { return path.Ext(p) != ".go" || u.noCode(p) }
	lax := false
	sqlx := slices.ContainsFunc(paths, func(p string) bool { return path.Ext(p) == ".go" }) && u.requires("go.mod", "github.com/jmoiron/sqlx")
	if sqlx {
		hits, _ := gitrange.Words(u.base, []string{"Unsafe"}, gone) // what cannot be read is no such call
		lax = slices.ContainsFunc(hits, func(h gitrange.Hit) bool { return strings.Contains(h.Text, ".Unsafe()") })
	}
	mapped := sync.OnceValue(func() bool {
		hits, _ := gitrange.Words(u.base, spellings(q.Column), gone)
		return q.Column != "" && slices.ContainsFunc(hits, q.field)
	})
	out := analysis.Usage{Known: true}
	columns := u.columns(q)
	for _, p := range paths {
		text := texts[p]
		if strings.Contains(text.text, "\t\"testing\"\n") {
			continue
		}
		out.Stars = append(out.Stars, u.readAll(q, columns, text, sqlx && !lax, mapped)...)
	}
	out.Stars = append(out.Stars, u.unlisted(b, q, columns, func(p string) bool { return typed(p) || !by && !page(p) })...)
	slices.SortStableFunc(out.Stars, func(a, b analysis.Star) int { return cmp.Compare(a.Kind, b.Kind) })
	out.Used = len(out.Stars) > 0
	return out
}

// starTexts reads files, each once for all questions.
func (u *deployedCode) starTexts(paths []string) (map[string]*starText, error) {
	var unread []string
	for _, p := range paths {
		if u.stars[p] == nil {
			unread = append(unread, p)
		}
	}
	texts, err := u.base.ReadAll(unread)
	if err != nil {
		return nil, err
	}
	if u.stars == nil {
		u.stars = map[string]*starText{}
	}
	for _, p := range unread {
		u.stars[p] = readStars(p, string(texts[p]))
	}
	return u.stars, nil
}

// field reports whether a line declares the field of a struct for the column: then
// what is deployed knows it already.
func (q question) field(h gitrange.Hit) bool {
	if strings.Contains(h.Text, `db:"`+q.Column) {
		return true
	}
	name, typ, _ := strings.Cut(h.Text, " ")
	return name == h.Word && typ != "" && !strings.ContainsAny(typ[:1], "=:(,.") && strings.ToUpper(name[:1]) == name[:1]
}

// columns is how many the table has at the base; 0 when that is not known.
func (u *deployedCode) columns(q question) int {
	if c := u.deployed[q.database]; c != nil {
		if r := c.Lookup("", q.Name.Name); r != nil && !r.Inferred && !r.Partial {
			return len(r.Columns)
		}
	}
	return 0
}

// readAll finds where a file reads all columns of the table, and no others could be
// among them. mapped says that structs have a field for the new one.
func (u *deployedCode) readAll(q question, columns int, file *starText, sqlx bool, mapped func() bool) []analysis.Star {
	var out []analysis.Star
	text := file.text
	for _, r := range file.reads {
		before := strings.TrimRight(text[:r.from], " \t\r\n")
		if !strings.EqualFold(r.table, q.Name.Name) || strings.HasSuffix(before, "(") {
			continue // of a subquery, whose columns go on to nobody
		}
		line, number := lineAt(text, r.from)
		if comment(line) || r.of != "" && !strings.EqualFold(r.of, r.table) && !strings.EqualFold(r.of, r.alias) {
			continue
		}
		evidence := onward.Evidence{Kind: "code", Path: file.path, Line: number, Text: advice.OneLine(text[r.from:r.said]), Revision: u.name}
		if path.Ext(file.path) == ".rs" {
			out = append(out, analysis.Star{Kind: analysis.KeepsPlan, Evidence: evidence})
			continue
		}
		for _, at := range used(text, r.from, r.to) {
			head, rest := text[max(0, at.start-300):at.start], function(text[at.end:])
			byName := strictRows.MatchString(rest) || strictRows.MatchString(lastStatement(head)) || sqlx && (sqlxCall.MatchString(head) || strings.Contains(rest, "StructScan("))
			if byName && (q.Column != "" || !sqlx) && !mapped() || columns > 0 && scans(rest) == columns {
				out = append(out, analysis.Star{Kind: analysis.ReadsRows, Evidence: evidence})
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
func (u *deployedCode) requires(file, module string) bool {
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
func (u *deployedCode) byMapper(q question) bool {
	models, _ := u.models(q.database)
	return models != nil
}

// mayReadAll reports whether there is code of which readingAll knows what it does.
func (u *deployedCode) mayReadAll(q question) bool {
	return !u.byMapper(q) || slices.ContainsFunc(u.base.Files(), func(f gitrange.File) bool { return path.Ext(f.Path) == ".go" || path.Ext(f.Path) == ".rs" })
}
