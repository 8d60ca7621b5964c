package terminal

import (
	"io"
	"strings"

	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// WriteLocks prints which locks statements take, whom they block, and for how long.
func WriteLocks(w io.Writer, list []onward.Locks, o Options) error {
	p := newPage(o)
	for i := range list {
		if i > 0 {
			p.addBlankLine()
		}
		if len(list) > 1 || o.Verbose {
			p.addLine(p.paintLine(p.Bold, view.CutToWidth(escape.Line(list[i].SQL), p.width)))
		}
		p.printLockTables(&list[i], o.Verbose)
	}
	if len(list) == 0 {
		p.addLine("no statements")
	}
	return p.writePage(w)
}

// printLockTables prints one statement: a table for each group of versions with the same
// locks, and their consequences.
func (p *page) printLockTables(l *onward.Locks, verbose bool) {
	if len(l.Variants) == 0 {
		p.addWrapped("", "  ", escape.Line(l.Note), p.Warning)
		return
	}
	for i := range l.Variants {
		v := &l.Variants[i]
		if len(l.Variants) > 1 {
			if i > 0 {
				p.addBlankLine()
			}
			p.addLine(p.paintLine(p.Bold, view.FormatVersions(v.Postgres)))
		}
		if v.Refused == "" {
			p.printLockRows(view.ListShown(v.Effects, verbose))
		}
		var closing []string
		switch {
		case v.Note != "":
			closing = append(closing, "Not judged: "+escape.Line(v.Note)+".")
		case v.Refused != "":
			closing = append(closing, "The server refuses it: "+escape.Line(v.Refused)+".")
		default:
			closing = append(closing, view.DescribeEffects(v.Effects, v.Duration))
			closing = append(closing, view.ListWorkSizes(v.Effects)...)
		}
		if v.NoTransaction {
			closing = append(closing, "It cannot run in a transaction.")
		}
		if len(l.Variants) == 1 {
			if len(v.Postgres) > 1 {
				closing = append(closing, "The same on "+view.FormatVersions(v.Postgres)+".")
			} else {
				closing = append(closing, "On "+view.FormatVersions(v.Postgres)+".")
			}
		}
		p.addWrapped("", "", strings.Join(closing, " "), p.ordinaryStyle())
	}
	if l.Note != "" {
		p.addWrapped("", "  ", escape.Line(l.Note), p.Warning)
	}
}

// printLockRows prints relation, lock, work and who waits, in columns.
func (p *page) printLockRows(effects []onward.Effect) {
	if len(effects) == 0 {
		return
	}
	rows := [][]string{{"relation", "lock", "work", "blocks"}}
	for i := range effects {
		e := &effects[i]
		name := view.NameRelation(e)
		work := e.Work.String()
		if e.Emptied || e.RowLocks && e.Work == onward.Scan {
			work = view.NameWork(e)
		}
		if e.EstimateMS > 0 && !e.New {
			work += ", " + view.FormatEstimate(e.EstimateMS)
		}
		rows = append(rows, []string{name, e.Lock.String(), work, view.NameWaiters(e)})
	}
	widths := []int{12, 24, 8, 0}
	for _, row := range rows {
		for i, cell := range row[:3] {
			widths[i] = max(widths[i], view.MeasureText(cell))
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
