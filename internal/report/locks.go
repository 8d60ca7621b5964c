package report

import (
	"io"
	"slices"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// WriteLocks prints what statements do, as JSON or for the terminal.
func WriteLocks(w io.Writer, f Format, list []onward.Locks, o Options) error {
	if f == FormatJSON {
		return locksJSON(w, list)
	}
	p := newPage(o)
	for i := range list {
		if i > 0 {
			p.blank()
		}
		if len(list) > 1 || o.Verbose {
			p.line(p.paint(p.Bold, shorten(Line(list[i].SQL), p.width)))
		}
		p.lockTables(&list[i], o.Verbose)
	}
	if len(list) == 0 {
		p.line("no statements")
	}
	return p.flush(w)
}

// locksJSON prints {"statements": […]}; a statement has variants when versions
// differ.
func locksJSON(w io.Writer, locks []onward.Locks) error {
	out := struct {
		Statements []onward.Locks `json:"statements"`
	}{slices.Clone(list(locks))}
	for i := range out.Statements {
		s := &out.Statements[i]
		s.Statement = statement(s.Statement)
		s.Variants = slices.Clone(s.Variants)
		for j := range s.Variants {
			s.Variants[j].Effects = list(s.Variants[j].Effects)
		}
		if v := s.Variants; len(v) == 1 && v[0].Refused == "" && !v[0].NoTransaction && v[0].Note == "" {
			s.Variants = nil
		}
	}
	return writeJSON(w, out)
}

// lockTables prints one statement: a table for each group of versions that
// agree on it, and what follows from it.
func (p *page) lockTables(l *onward.Locks, verbose bool) {
	if len(l.Variants) == 0 {
		p.wrap("", "  ", Line(l.Note), p.Warning)
		return
	}
	for i := range l.Variants {
		v := &l.Variants[i]
		if len(l.Variants) > 1 {
			if i > 0 {
				p.blank()
			}
			p.line(p.paint(p.Bold, Versions(v.Postgres)))
		}
		if v.Refused == "" {
			p.lockRows(shownEffects(v.Effects, verbose))
		}
		var closing []string
		switch {
		case v.Note != "":
			closing = append(closing, "Not judged: "+Line(v.Note)+".")
		case v.Refused != "":
			closing = append(closing, "The server refuses it: "+Line(v.Refused)+".")
		default:
			closing = append(closing, consequence(v.Effects, v.Duration))
			closing = append(closing, sizes(v.Effects)...)
		}
		if v.NoTransaction {
			closing = append(closing, "It cannot run in a transaction.")
		}
		if len(l.Variants) == 1 {
			if len(v.Postgres) > 1 {
				closing = append(closing, "The same on "+Versions(v.Postgres)+".")
			} else {
				closing = append(closing, "On "+Versions(v.Postgres)+".")
			}
		}
		p.wrap("", "", strings.Join(closing, " "), p.plain())
	}
	if l.Note != "" {
		p.wrap("", "  ", Line(l.Note), p.Warning)
	}
}

// lockRows prints relation, lock, work and who waits, in columns.
func (p *page) lockRows(effects []onward.Effect) {
	if len(effects) == 0 {
		return
	}
	rows := [][]string{{"relation", "lock", "work", "blocks"}}
	for i := range effects {
		e := &effects[i]
		name := locked(e)
		work := e.Work.String()
		if e.Emptied || e.RowLocks && e.Work == onward.Scan {
			work = worked(e)
		}
		if e.EstimateMS > 0 && !e.New {
			work += ", " + timeWords(e.EstimateMS)
		}
		rows = append(rows, []string{name, e.Lock.String(), work, kept(e)})
	}
	widths := []int{12, 24, 8, 0}
	for _, row := range rows {
		for i, cell := range row[:3] {
			widths[i] = max(widths[i], columns(cell))
		}
	}
	narrow := widths[0]+widths[1]+widths[2]+len("reads and writes")+6 > p.width
	for i, row := range rows {
		last := row[3]
		if i > 0 {
			last = p.paint(p.blocking(effects[i-1].Lock), last)
		} else if narrow {
			continue
		}
		if narrow {
			p.line(row[0])
			p.line("  ", row[1], ", work ", row[2], ", blocks ", last)
			continue
		}
		line := pad(row[0], widths[0]) + "  " + pad(row[1], widths[1]) + "  " + pad(row[2], widths[2]) + "  "
		if i == 0 {
			p.line(p.paint(p.Dim, line+last))
			continue
		}
		p.line(line, last)
	}
}

// felt are the relations that fare alike under a statement.
type felt struct {
	rewritten, built, scanned []string
	emptied, written          []string
	closed, readOnly          []string // to reads and writes; to writes
}

func feltOf(effects []onward.Effect) felt {
	var f felt
	for i := range effects {
		e := &effects[i]
		if e.New {
			continue
		}
		name := relation(e.Relation)
		switch {
		case e.Emptied:
			f.emptied = append(f.emptied, name)
		case e.RowLocks && e.Work == onward.Scan:
			f.written = append(f.written, name)
		case e.Work == onward.Rewrite:
			f.rewritten = append(f.rewritten, name)
		case e.Work == onward.IndexWork:
			f.built = append(f.built, name)
		case e.Work == onward.Scan:
			f.scanned = append(f.scanned, name)
		}
		switch {
		case e.Lock.BlocksReads():
			f.closed = append(f.closed, name)
		case e.Lock.BlocksWrites():
			f.readOnly = append(f.readOnly, name)
		}
	}
	return f
}

// work is "full scan of orders"; "" for none.
func (f felt) work() string {
	return phrases(phrase("rewrite of ", f.rewritten, ""), phrase("new, empty storage for ", f.emptied, ""), phrase("index build on ", f.built, ""), phrase("full scan of ", f.scanned, ""), phrase("rows of ", f.written, " are written"))
}

// blocked is "writes to orders and users are blocked"; "" for nothing. Where
// they are those that are worked on, their names stand in the work already.
func (f felt) blocked() string {
	if slices.Equal(slices.Concat(f.rewritten, f.emptied, f.built, f.scanned), slices.Concat(f.closed, f.readOnly)) {
		switch {
		case len(f.readOnly) == 0 && len(f.closed) > 0:
			return "reads and writes are blocked"
		case len(f.closed) == 0 && len(f.readOnly) > 0:
			return "writes are blocked"
		}
	}
	return phrases(phrase("reads and writes on ", f.closed, " are blocked"), phrase("writes to ", f.readOnly, " are blocked"))
}

// phrase says something of names; "" when there are none.
func phrase(before string, names []string, after string) string {
	if len(names) == 0 {
		return ""
	}
	return before + and(names) + after
}

func phrases(list ...string) string {
	return and(slices.DeleteFunc(list, func(s string) bool { return s == "" }))
}

// consequence says in a sentence what other sessions feel: "Full scan of
// orders while writes to orders and users are blocked."
func consequence(effects []onward.Effect, duration string) string {
	switch {
	case len(effects) == 0:
		return "No relation is locked."
	case len(existing(effects)) == 0:
		return "Only what it makes itself is locked: nobody else uses that yet."
	}
	f := feltOf(effects)
	work, blocked := f.work(), f.blocked()
	switch {
	case work != "" && blocked != "":
		return upper(work) + " while " + blocked + "."
	case work != "" && len(f.written) > 0:
		return upper(work) + "; whoever writes one of them waits until the transaction ends, other reads and writes go on."
	case work != "":
		return upper(work) + "; reads and writes go on."
	case blocked != "" && duration == "grows":
		return upper(blocked) + " until the statement ends; the time grows with the rows."
	case blocked != "" && duration == "waits":
		return upper(blocked) + " while the statement waits for other transactions."
	case blocked != "":
		return upper(blocked) + " for an instant, and while the statement waits for its locks."
	case duration == "grows":
		return "Reads and writes go on; the time grows with the rows."
	}
	return "Reads and writes go on."
}

// sizes says how big the relations are that are worked on.
func sizes(effects []onward.Effect) []string {
	var out []string
	for i := range effects {
		if e := &effects[i]; e.EstimateMS > 0 && !e.New {
			out = append(out, relation(e.Relation)+" has "+sizeWords(e)+".")
		}
	}
	return out
}

// and joins names: "a", "a and b", "a, b and c".
func and(names []string) string {
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return strings.Join(names, "")
}
