package recipe

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/query"
	"github.com/onward-sql/onward/onward"
)

// delayRemoval moves a statement that removes or hides rows of a deployed table into the contract: the deployed code reads them up to then.
// What follows it in the release and depends on the rows comes after it.
func (c *Change) delayRemoval(m *Steps) *Steps {
	r, place := c.Release, fmt.Sprintf("%s:%d", c.Migration.Path, c.Line)
	removed, isWhole := c.listRemovals()
	var names []string
	for _, t := range removed {
		if copied := r.findCopy(c, t); copied != nil {
			m.addMissing("%s removes rows of %s, which %s:%d reads: what the deployed code writes there in between is removed and not read. Remove them a "+
				"release later", place, t.Name, copied.Migration.Path, copied.Line)
		}
		if isWhole && r.head.Relation(t.OID) != nil {
			m.addMissing("%s removes all rows of %s: too early, it takes what the deployed code reads, and later what the new code has written. Name the rows, "+
				"or empty the table in another release", place, t.Name)
		}
		r.removals[t.OID] = c
		names = append(names, t.Name.String())
	}
	if len(names) > 0 {
		m.addNote("%s removes or hides rows of %s after the deployed code, which may read them, is gone: new code meets them up to then, and must not add rows "+
			"that it removes", place, prose.EnumerateNames(names))
	}
	isLate := len(removed) > 0 || c.changesRemainingRows()
	switch read := c.findReadRemoval(); {
	case isLate || read == nil:
	case c.Node.GetInsertStmt() != nil || c.Node.GetCreateTableAsStmt() != nil || c.Node.GetMergeStmt() != nil:
		m.addMissing("%s needs the rows that %s:%d leaves, and the deployed code reads those that it removes: no phase suits both codes. Remove them in "+
			"another release", place, read.Migration.Path, read.Line)
	default:
		isLate = c.readsRows()
	}
	for i := range m.Steps {
		if isLate {
			m.Steps[i].Phase = onward.Contract
		}
	}
	return m
}

// listRemovals returns the deployed tables of which a change removes or hides rows, with those whose rows foreign keys remove, and whether it
// removes all of them.
func (c *Change) listRemovals() (out []*catalog.Relation, isWhole bool) {
	add := func(t *catalog.Relation) {
		if t != nil && c.Release.Deployed.Relation(t.OID) != nil && !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	isWhole = c.Node.GetTruncateStmt() != nil
	for _, n := range c.Node.GetTruncateStmt().GetRelations() {
		add(c.resolveRelation(n.GetRangeVar()))
	}
	moment := analysis.Moment{Deployed: c.Release.Deployed, Before: c.Before, Now: c.Before}
	for _, w := range analysis.NewRows().ListWrites(c.Node, moment) {
		if merge, ok := w.Node.(*pgparse.MergeStmt); w.Verb == "DELETE" || ok && slices.ContainsFunc(merge.MergeWhenClauses, func(n *pgparse.Node) bool {
			return n.GetMergeWhenClause().GetCommandType() == pgparse.CmdType_CMD_DELETE
		}) {
			add(w.Table)
			isWhole = isWhole || w.Extent == analysis.Whole
		}
	}
	if c.hidesRows() {
		add(c.writtenTable())
	}
	for i := 0; i < len(out); i++ {
		for _, ref := range c.Before.ListReferences(out[i], true) {
			if ref.Con.OnDelete == "cascade" {
				add(ref.From)
			}
		}
	}
	return out, isWhole
}

var (
	// hiding finds names of columns, and values, that mark rows which queries leave out; showing finds values of rows that they return.
	hiding  = lazyregexp.New(`(?i)delet|remov|archiv|hide|hidden|discard|trash|disab|expire|cancel|retire|revoke|obsolete|suspend|inactiv|deactiv|unpublish`)
	showing = lazyregexp.New(`(?i)activ|enabl|visib|publish|shown|listed`)
	// switchOff finds values that take such a mark away.
	switchOff = lazyregexp.New(`(?i)^(f|false|n|no|off|0)$`)
)

// hidesRows reports whether an UPDATE marks rows with a constant, so that deployed queries leave them out: SET deleted_at = now().
func (c *Change) hidesRows() bool {
	for i, id := range c.setColumns() {
		base := c.Release.Deployed.Relation(id.table)
		value := c.Node.GetUpdateStmt().TargetList[i].GetResTarget().GetVal()
		if base == nil || base.Attr(id.column) == nil || c.Release.columnChanges[id] != nil || len(listColumns(value)) > 0 ||
			c.fillsOnlyNull(base.Attr(id.column).Name) {
			continue
		}
		name, text := base.Attr(id.column).Name, analysis.ConstantText(value)
		isOff := switchOff.MatchString(text) || value.GetAConst().GetIsnull()
		if hiding.MatchString(text) || !isOff && hiding.MatchString(name) || isOff && showing.MatchString(name) && !hiding.MatchString(name) {
			return true
		}
	}
	return false
}

// changesRemainingRows reports whether a change writes values of deployed columns to a table of which an earlier one removes rows.
func (c *Change) changesRemainingRows() bool {
	t := c.writtenTable()
	return t != nil && c.Release.removals[t.OID] != nil && c.Node.GetUpdateStmt() != nil && !slices.ContainsFunc(c.setColumns(), func(id columnID) bool {
		return c.Release.Deployed.Relation(id.table).Attr(id.column) == nil
	})
}

// readsRowsOf reports whether a change reads a table, beside the one that it writes.
func (c *Change) readsRowsOf(isWanted func(t *catalog.Relation) bool) bool {
	return slices.ContainsFunc(query.ListRelations(c.Node), func(rv *pgparse.RangeVar) bool {
		t := c.resolveRelation(rv)
		return t != nil && rv != c.writtenTableName() && isWanted(t)
	})
}

// findReadRemoval returns the earlier change that removes rows of a table that a change reads; nil for none.
func (c *Change) findReadRemoval() (removal *Change) {
	c.readsRowsOf(func(t *catalog.Relation) bool {
		removal = c.Release.removals[t.OID]
		return removal != nil
	})
	return removal
}

// findCopy returns an earlier change that writes what it reads in a table, with nothing that does so again; nil for none.
func (r *Release) findCopy(c *Change, t *catalog.Relation) *Change {
	for _, d := range r.changes[:max(0, slices.Index(r.changes, c))] {
		target := cmp.Or(d.writtenTableName(), d.Node.GetCreateTableAsStmt().GetInto().GetRel())
		if target != nil && c.readsRowsOf(func(o *catalog.Relation) bool { return o == c.resolveRelation(target) }) {
			continue // it lists what is removed
		}
		if (d.verb() != "" || d.Node.GetCreateTableAsStmt() != nil) && !r.mirrored[d] &&
			d.readsRowsOf(func(o *catalog.Relation) bool { return o.OID == t.OID && r.removals[t.OID] != d }) {
			return d
		}
	}
	return nil
}
