package report

import (
	"io"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
)

// terminalLocks prints what statements do.
func terminalLocks(w io.Writer, list []onward.Locks, o Options) error {
	p := newPage(o)
	for i := range list {
		if i > 0 {
			p.addBlankLine()
		}
		if len(list) > 1 || o.Verbose {
			p.addLine(p.paintLine(p.Bold, cutToWidth(EscapeLine(list[i].SQL), p.width)))
		}
		p.lockTables(&list[i], o.Verbose)
	}
	if len(list) == 0 {
		p.addLine("no statements")
	}
	return p.writePage(w)
}

// lockTables prints one statement: a table for each group of versions with the same
// locks, and their consequences.
func (p *page) lockTables(l *onward.Locks, verbose bool) {
	if len(l.Variants) == 0 {
		p.addWrapped("", "  ", EscapeLine(l.Note), p.Warning)
		return
	}
	for i := range l.Variants {
		v := &l.Variants[i]
		if len(l.Variants) > 1 {
			if i > 0 {
				p.addBlankLine()
			}
			p.addLine(p.paintLine(p.Bold, FormatVersions(v.Postgres)))
		}
		if v.Refused == "" {
			p.lockRows(shownEffects(v.Effects, verbose))
		}
		var closing []string
		switch {
		case v.Note != "":
			closing = append(closing, "Not judged: "+EscapeLine(v.Note)+".")
		case v.Refused != "":
			closing = append(closing, "The server refuses it: "+EscapeLine(v.Refused)+".")
		default:
			closing = append(closing, describeEffects(v.Effects, v.Duration))
			closing = append(closing, workSizes(v.Effects)...)
		}
		if v.NoTransaction {
			closing = append(closing, "It cannot run in a transaction.")
		}
		if len(l.Variants) == 1 {
			if len(v.Postgres) > 1 {
				closing = append(closing, "The same on "+FormatVersions(v.Postgres)+".")
			} else {
				closing = append(closing, "On "+FormatVersions(v.Postgres)+".")
			}
		}
		p.addWrapped("", "", strings.Join(closing, " "), p.ordinaryStyle())
	}
	if l.Note != "" {
		p.addWrapped("", "  ", EscapeLine(l.Note), p.Warning)
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
		name := lockedRelation(e)
		work := e.Work.String()
		if e.Emptied || e.RowLocks && e.Work == onward.Scan {
			work = nameWork(e)
		}
		if e.EstimateMS > 0 && !e.New {
			work += ", " + timeWords(e.EstimateMS)
		}
		rows = append(rows, []string{name, e.Lock.String(), work, blockedBy(e)})
	}
	widths := []int{12, 24, 8, 0}
	for _, row := range rows {
		for i, cell := range row[:3] {
			widths[i] = max(widths[i], textWidth(cell))
		}
	}
	narrow := widths[0]+widths[1]+widths[2]+len("reads and writes")+6 > p.width
	for i, row := range rows {
		last := row[3]
		if i > 0 {
			last = p.paintLine(p.lockStyle(effects[i-1].Lock), last)
		} else if narrow {
			continue
		}
		if narrow {
			p.addLine(row[0])
			p.addLine("  ", row[1], ", work ", row[2], ", blocks ", last)
			continue
		}
		line := padRight(row[0], widths[0]) + "  " + padRight(row[1], widths[1]) + "  " + padRight(row[2], widths[2]) + "  "
		if i == 0 {
			p.addLine(p.paintLine(p.Dim, line+last))
			continue
		}
		p.addLine(line, last)
	}
}

// affectedRelations groups the relations that a statement affects in the same way.
type affectedRelations struct {
	rewritten, built, scanned []string
	emptied, written          []string
	closed, readOnly          []string // to reads and writes; to writes
}

func affectedByEffects(effects []onward.Effect) affectedRelations {
	var f affectedRelations
	for i := range effects {
		e := &effects[i]
		if e.New {
			continue
		}
		name := shortRelation(e.Relation)
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

// describeWork is "full scan of orders"; "" for none.
func (f affectedRelations) describeWork() string {
	return joinPhrases(joinPhrase("rewrite of ", f.rewritten, ""), joinPhrase("new, empty storage for ", f.emptied, ""),
		joinPhrase("index build on ", f.built, ""), joinPhrase("full scan of ", f.scanned, ""), joinPhrase("rows of ", f.written, " are written"))
}

// describeBlocked returns "writes to orders and users are blocked"; "" for nothing. If these are
// the relations of the work, it does not repeat their names.
func (f affectedRelations) describeBlocked() string {
	if slices.Equal(slices.Concat(f.rewritten, f.emptied, f.built, f.scanned), slices.Concat(f.closed, f.readOnly)) {
		switch {
		case len(f.readOnly) == 0 && len(f.closed) > 0:
			return "reads and writes are blocked"
		case len(f.closed) == 0 && len(f.readOnly) > 0:
			return "writes are blocked"
		}
	}
	return joinPhrases(joinPhrase("reads and writes on ", f.closed, " are blocked"), joinPhrase("writes to ", f.readOnly, " are blocked"))
}

// joinPhrase returns a phrase about names; "" if there are none.
func joinPhrase(before string, names []string, after string) string {
	if len(names) == 0 {
		return ""
	}
	return before + prose.JoinNames(names) + after
}

func joinPhrases(list ...string) string {
	return prose.JoinNames(slices.DeleteFunc(list, func(s string) bool { return s == "" }))
}

// describeEffects says in a sentence how other sessions are affected: "Full scan of orders
// while writes to orders and users are blocked."
func describeEffects(effects []onward.Effect, duration string) string {
	switch {
	case len(effects) == 0:
		return "No relation is locked."
	case len(noticeableEffects(effects)) == 0:
		return "Only what it makes itself is locked: nobody else uses that yet."
	}
	f := affectedByEffects(effects)
	work, blocked := f.describeWork(), f.describeBlocked()
	switch {
	case work != "" && blocked != "":
		return capitalize(work) + " while " + blocked + "."
	case work != "" && len(f.written) > 0:
		return capitalize(work) + "; whoever writes one of them waits until the transaction ends, other reads and writes go on."
	case work != "":
		return capitalize(work) + "; reads and writes go on."
	case blocked != "" && duration == "grows":
		return capitalize(blocked) + " until the statement ends; the time grows with the rows."
	case blocked != "" && duration == "waits":
		return capitalize(blocked) + " while the statement waits for other transactions."
	case blocked != "":
		return capitalize(blocked) + " for an instant, and while the statement waits for its locks."
	case duration == "grows":
		return "Reads and writes go on; the time grows with the rows."
	}
	return "Reads and writes go on."
}

// workSizes returns the sizes of the relations with work.
func workSizes(effects []onward.Effect) []string {
	var out []string
	for i := range effects {
		if e := &effects[i]; e.EstimateMS > 0 && !e.New {
			out = append(out, shortRelation(e.Relation)+" has "+sizeWords(e)+".")
		}
	}
	return out
}
