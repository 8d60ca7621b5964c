package report

import (
	"io"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/onward-sql/onward/onward"
)

// Locks is what statements do to other sessions on some versions of Postgres.
type Locks struct {
	Postgres   []int              `json:"postgres"`
	Statements []onward.Statement `json:"statements"`
}

// WriteLocks prints the effects of statements in a format, JSON or terminal.
// The variants are the groups of versions on which all effects are the same,
// oldest first, each with the same statements.
func WriteLocks(w io.Writer, f Format, variants []Locks, o Options) error {
	if f == FormatJSON {
		return locksJSON(w, variants)
	}
	p := newPage(o)
	for i := range variants[0].Statements {
		if i > 0 {
			p.blank()
		}
		p.lockTable(variants, i, o.Verbose)
	}
	if len(variants[0].Statements) == 0 {
		p.line("no statements")
	}
	return p.flush(w)
}

// locksJSON prints {"statements": […]} as on the newest version, and variants
// when versions differ.
func locksJSON(w io.Writer, variants []Locks) error {
	for i := range variants {
		variants[i].Statements = statements(variants[i].Statements)
	}
	newest := variants[len(variants)-1]
	out := struct {
		Postgres   []int              `json:"postgres"`
		Statements []onward.Statement `json:"statements"`
		Variants   []Locks            `json:"variants,omitempty"`
	}{newest.Postgres, newest.Statements, nil}
	if len(variants) > 1 {
		out.Variants = variants
	}
	return writeJSON(w, out)
}

// lockTable prints one statement: a table for each group of versions that
// agree on it.
func (p *page) lockTable(variants []Locks, at int, verbose bool) {
	first := &variants[0].Statements[at]
	if len(variants[0].Statements) > 1 || verbose {
		p.line(paint(p.Bold, shorten(Line(first.SQL), p.width)))
	}
	if first.Note != "" {
		p.wrap("", "  ", "not judged: "+Line(first.Note), p.Warning)
		return
	}
	groups := agree(variants, at)
	for i := range groups {
		s := &groups[i].Statements[0]
		if len(groups) > 1 {
			if i > 0 {
				p.blank()
			}
			p.line(paint(p.Bold, Versions(groups[i].Postgres)))
		}
		p.lockRows(s.Effects)
		closing := consequence(s)
		if len(groups) == 1 {
			majors := groups[0].Postgres
			if len(majors) > 1 {
				closing += " The same on " + Versions(majors) + "."
			} else {
				closing += " On " + Versions(majors) + "."
			}
		}
		p.wrap("", "", closing, p.plain())
	}
}

// agree groups the versions by what a statement does on them.
func agree(variants []Locks, at int) []Locks {
	var out []Locks
	for _, v := range variants {
		s := v.Statements[at]
		i := slices.IndexFunc(out, func(g Locks) bool { return same(&g.Statements[0], &s) })
		if i < 0 {
			out = append(out, Locks{slices.Clone(v.Postgres), []onward.Statement{s}})
			continue
		}
		out[i].Postgres = append(out[i].Postgres, v.Postgres...)
		slices.Sort(out[i].Postgres)
	}
	return out
}

func same(a, b *onward.Statement) bool {
	return a.Duration == b.Duration && a.Note == b.Note && slices.EqualFunc(a.Effects, b.Effects, func(x, y onward.Effect) bool {
		return x.Relation == y.Relation && x.Lock == y.Lock && x.Work == y.Work && x.New == y.New
	})
}

// lockRows prints relation, lock, work and who waits, in columns.
func (p *page) lockRows(effects []onward.Effect) {
	if len(effects) == 0 {
		return
	}
	rows := [][]string{{"relation", "lock", "work", "waits for it"}}
	for i := range effects {
		e := &effects[i]
		name := relation(e.Relation)
		if e.New {
			name += " (new)"
		}
		rows = append(rows, []string{name, e.Lock.String(), e.Work.String(), waiting(e.Blocks)})
	}
	widths := []int{12, 24, 8, 0}
	for _, row := range rows {
		for i, cell := range row[:3] {
			widths[i] = max(widths[i], ansi.StringWidth(cell))
		}
	}
	narrow := widths[0]+widths[1]+widths[2]+len("reads and writes")+6 > p.width
	for i, row := range rows {
		last := row[3]
		if i > 0 {
			last = paint(p.blocking(effects[i-1].Lock), last)
		} else if narrow {
			continue
		}
		if narrow {
			p.line(row[0])
			p.line("  ", row[1], ", work ", row[2], ", waits for it: ", last)
			continue
		}
		line := pad(row[0], widths[0]) + "  " + pad(row[1], widths[1]) + "  " + pad(row[2], widths[2]) + "  "
		if i == 0 {
			p.line(paint(p.Dim, line+last))
			continue
		}
		p.line(line, last)
	}
}

// waiting says who waits for a lock.
func waiting(who []string) string {
	if len(who) == 0 {
		return "nobody"
	}
	words := make([]string, len(who))
	for i, w := range who {
		words[i] = w + "s"
	}
	return Line(strings.Join(words, " and "))
}

// consequence says in a sentence what other sessions feel: "orders is read
// whole while orders and users refuse writes."
func consequence(s *onward.Statement) string {
	if len(s.Effects) == 0 {
		return "No relation is locked."
	}
	var rewritten, built, scanned, closed, readOnly []string
	for i := range s.Effects {
		e := &s.Effects[i]
		if e.New {
			continue
		}
		name := relation(e.Relation)
		switch e.Work {
		case onward.Rewrite:
			rewritten = append(rewritten, name)
		case onward.IndexWork:
			built = append(built, name)
		case onward.Scan:
			scanned = append(scanned, name)
		}
		switch {
		case e.Lock.BlocksReads():
			closed = append(closed, name)
		case e.Lock.BlocksWrites():
			readOnly = append(readOnly, name)
		}
	}
	var work, wait []string
	say := func(to *[]string, names []string, one, many string) {
		if len(names) == 1 {
			*to = append(*to, names[0]+" "+one)
		} else if len(names) > 1 {
			*to = append(*to, and(names)+" "+many)
		}
	}
	say(&work, rewritten, "is written anew", "are written anew")
	say(&work, built, "gets an index built", "get an index built")
	say(&work, scanned, "is read whole", "are read whole")
	say(&wait, closed, "refuses reads and writes", "refuse reads and writes")
	say(&wait, readOnly, "refuses writes", "refuse writes")
	switch worked := slices.Concat(rewritten, built, scanned); {
	case len(wait) == 1 && slices.Equal(worked, slices.Concat(closed, readOnly)):
		// The same names twice would be hard to read.
		it := "it refuses"
		if len(worked) > 1 {
			it = "they refuse"
		}
		what := "writes"
		if len(closed) > 0 {
			what = "reads and writes"
		}
		return strings.Join(work, ", ") + " while " + it + " " + what + "."
	case len(work) > 0 && len(wait) > 0:
		return strings.Join(work, ", ") + " while " + and(wait) + "."
	case len(work) > 0:
		return strings.Join(work, ", ") + "; reads and writes go on."
	case len(wait) > 0 && s.Duration == "grows":
		return and(wait) + " until it ends, which grows with the rows."
	case len(wait) > 0 && s.Duration == "waits":
		return and(wait) + " while it waits for other transactions."
	case len(wait) > 0:
		return and(wait) + " for an instant, and for as long as it waits for its own lock."
	case s.Duration == "grows":
		return "Reads and writes go on; the time grows with the rows."
	}
	return "Reads and writes go on."
}

// and joins names: "a", "a and b", "a, b and c".
func and(names []string) string {
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return strings.Join(names, "")
}
