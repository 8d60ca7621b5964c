package table

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// SwapLosesRows flags a table of the release that takes the name of a deployed
// one while rows stay behind: none were copied, or the copy let writes through.
// https://www.postgresql.org/docs/current/explicit-locking.html
var SwapLosesRows = &rule.Rule{
	ID:       "table-swap-loses-rows",
	Category: onward.DataLoss,
	Severity: onward.Error,
	Preset:   onward.Recommended,
	Summary:  "a new table takes the place of a deployed one, without all of its rows or values",
	Harm:     "INSERT … SELECT sees the rows that were there when it began. What the deployed code writes between that and the swap goes to the old table, and away with it. A table that nothing was copied to is empty for the code, and a column that the INSERT does not name is NULL, or has its default, in every row.",
	Instead:  "Change the table with ALTER TABLE. Where it has to be a new one: create it in one release, keep it in step by triggers on the old table, copy in batches, and swap the names in a later release.",
	Manual:   []string{"https://www.postgresql.org/docs/current/explicit-locking.html", "https://www.postgresql.org/docs/current/sql-altertable.html"},
	Gather:   swaps,
	Release:  swapLosesRows,
}

// swap is a transaction in which a table loses its name to a new one.
type swap struct {
	by                *rule.Stmt
	old, now          *catalog.Relation
	dropped, followed bool
}

// filling is a statement that writes rows to a table, and what it reads;
// still are the tables that nobody else can write to while it runs, followed
// those whose writes a trigger may carry over.
type filling struct {
	by       *rule.Stmt
	table    catalog.OID
	reads    []seen
	still    rule.Locks
	followed []catalog.OID
	hidden   bool
	// columns are those that it gives values; nil for all.
	columns []string
}

func swaps(p *rule.Pass, m *rule.Migration) {
	for _, s := range m.Statements {
		fillings(p, s)
	}
	for _, t := range m.Txs {
		for i := range t.Deltas {
			if d := &t.Deltas[i]; p.Deployed(d) {
				keepSwap(p, t, d.By, d.Delta)
			}
		}
		for _, s := range t.Statements {
			for i := range s.Deltas {
				// A table that the transaction itself was the first to name.
				if d := &s.Deltas[i]; d.Before != nil && d.Before.Inferred && t.Before.Relation(d.OID) == nil {
					keepSwap(p, t, s, d)
				}
			}
		}
	}
}

func keepSwap(p *rule.Pass, t *rule.Tx, by *rule.Stmt, d *catalog.Delta) {
	if d.Kind != catalog.RelationDropped && d.Kind != catalog.RelationRenamed || !d.Before.Kind.IsTable() || d.Before.Parent != 0 || p.Small(d.Before.Name) || t.RolledBack {
		return
	}
	now := successor(t, d.Before.Name)
	if now == nil || !now.Kind.IsTable() || !p.New(now.OID) || now.Inferred || d.Kind == catalog.RelationDropped && createdAs(t, now) {
		return
	}
	p.Keep(swap{by: by, old: d.Before, now: now, dropped: d.Kind == catalog.RelationDropped, followed: followed(by.Before.Relation(d.Before.OID))})
}

// createdAs reports whether the new table has had the name from the start, by a
// CREATE TABLE behind a DROP: table-drop-first has that.
func createdAs(t *rule.Tx, now *catalog.Relation) bool {
	for _, s := range t.Statements {
		if r := s.After.Relation(now.OID); r != nil && s.Before.Relation(now.OID) == nil {
			return r.Name == now.Name
		}
	}
	return false
}

// fillings keeps what a statement writes to new tables, and what is hidden.
func fillings(p *rule.Pass, s *rule.Stmt) {
	hidden := s.Opaque != "" || s.Node == nil || s.Node.GetCallStmt() != nil || s.Node.GetSelectStmt() != nil
	to := filled(p, s)
	if len(to) == 0 && !hidden {
		return
	}
	f := filling{by: s, hidden: hidden, still: s.Held}
	for i := range s.Result.Effects {
		e := &s.Result.Effects[i]
		if e.Kind.IsTable() {
			f.reads = append(f.reads, seen{e.OID, e.Name})
			if e.OID != 0 && followed(s.Before.Relation(e.OID)) {
				f.followed = append(f.followed, e.OID)
			}
		}
	}
	if hidden {
		p.Keep(f)
	}
	for _, oid := range to {
		f.table, f.columns = oid, given(p, s, oid)
		p.Keep(f)
	}
}

// filled are the new tables that a statement may write rows to.
func filled(p *rule.Pass, s *rule.Stmt) []catalog.OID {
	var out []catalog.OID
	add := func(oid catalog.OID) {
		if oid != 0 && p.New(oid) {
			out = append(out, oid)
		}
	}
	for _, w := range p.Writes(s) {
		add(w.Table.OID)
	}
	if c := s.Node.GetCopyStmt(); c != nil && c.GetIsFrom() || s.Node.GetCreateTableAsStmt() != nil || s.Node.GetSelectStmt() != nil {
		for i := range s.Result.Effects {
			if e := &s.Result.Effects[i]; e.Kind.IsTable() {
				add(e.OID)
			}
		}
		for i := range s.Deltas {
			if d := &s.Deltas[i]; d.Kind == catalog.RelationCreated {
				add(d.After.OID)
			}
		}
	}
	return out
}

func swapLosesRows(p *rule.Pass, r *rule.Release) {
	swaps, fillings := rule.Kept[swap](p), rule.Kept[filling](p)
	var hidden []int
	into := map[catalog.OID][]int{}
	for i, f := range fillings {
		if f.hidden {
			hidden = append(hidden, i)
		} else {
			into[f.table] = append(into[f.table], i)
		}
	}
	for _, x := range swaps {
		at, own := -1, into[x.now.OID]
		for _, i := range own {
			if on(fillings[i].reads, x.old) {
				at = i
			}
		}
		if len(hidden) > 0 {
			at = max(at, hidden[len(hidden)-1])
		}
		var last *filling
		if at >= 0 {
			last = &fillings[at]
		}
		some := len(hidden) > 0 || len(own) > 0
		old, now := x.old.Name.String(), x.now.Name.String()
		if some && len(hidden) == 0 {
			losesValues(p, r, x, fillings, own)
		}
		switch {
		case !some && x.dropped:
			p.Report(x.by, rule.Report{
				Fact:    "table " + old + " is dropped, and a new table takes its name without its rows",
				Harm:    "no statement of the release copies the rows: they are lost, and the code finds an empty table",
				Instead: "change it with ALTER TABLE; or copy the rows, and drop the old table a release later",
			})
		case !some:
			if holds(r.Head, x.now.OID, x.old.OID) {
				continue
			}
			u, severity := p.Code.Uses(x.old.Name, ""), onward.Info
			if !u.Idle() {
				severity = onward.Warning
			}
			p.Report(x.by, rule.Report{
				Fact:     "a new table takes the name " + old + ", and no statement of the release copies the rows",
				Harm:     "the code finds an empty table" + u.Where() + "; the rows are in " + after(r.Head, x.old),
				Instead:  "copy what the code still reads; where the old rows are only kept, there is nothing to do",
				Severity: severity,
				Evidence: u.Evidence,
			})
		case last == nil || last.hidden || shut(last.still, x.old) || slices.Contains(last.followed, x.old.OID) || x.followed:
		default:
			where := "are lost with it"
			if !x.dropped {
				where = "stay in the old one, where the code does not look"
			}
			p.Report(x.by, rule.Report{
				Fact:     "a new table takes the name of " + now + ", with the rows that were there when " + last.by.Where() + " copied them",
				Harm:     "rows that the deployed code writes to " + old + " between the copy and the swap " + where,
				Instead:  "keep both in step by a trigger on " + analysis.Table(x.old.Name) + " from before the copy; or, where it is small, close it first, in the same transaction:\nLOCK TABLE " + analysis.Table(x.old.Name) + " IN SHARE ROW EXCLUSIVE MODE;",
				Severity: onward.Warning,
				Evidence: []onward.Evidence{last.by.Evidence("copies the rows of " + old)},
			})
		}
	}
}

// holds reports whether a table is a partition or a child of another, so that
// queries of that one find its rows.
func holds(c *catalog.Catalog, parent, child catalog.OID) bool {
	r := c.Relation(child)
	for n := 0; r != nil && n < 10; n++ {
		if r.Parent == parent || slices.Contains(r.Inherits, parent) {
			return true
		}
		r = c.Relation(r.Parent)
	}
	return false
}

// after is the name that a table has at the end of the release.
func after(c *catalog.Catalog, r *catalog.Relation) string {
	if now := c.Relation(r.OID); now != nil {
		return now.Name.String()
	}
	return "the old one, which a later statement drops"
}

// seen is a table in a statement; one that nothing had named before has no
// number there yet.
type seen struct {
	oid  catalog.OID
	name catalog.Name
}

func on(list []seen, r *catalog.Relation) bool {
	return slices.ContainsFunc(list, func(e seen) bool { return e.oid == r.OID || e.oid == 0 && e.name == r.Name })
}

// shut reports whether one of the locks keeps others from writing to a table.
func shut(locks rule.Locks, r *catalog.Relation) bool {
	for h := range locks.All() {
		if h.Lock >= onward.ShareLock && (h.OID == r.OID || h.OID == 0 && h.Name == r.Name) {
			return true
		}
	}
	return false
}

// followed reports whether a trigger may carry writes over to the new table.
func followed(r *catalog.Relation) bool {
	return r != nil && slices.ContainsFunc(r.Triggers, func(t *catalog.Trigger) bool { return t.Enabled && t.Row })
}
