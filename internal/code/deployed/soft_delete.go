package deployed

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/index"
	"github.com/onward-sql/onward/internal/code/read"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/pgparse"
)

// findSoftDelete answers whether the code at the head marks rows as deleted, and the deployed code deletes them. In SQL it is so if a changed file
// has lost a DELETE, and an UPDATE writes the column that none wrote before: UPDATE users SET deleted_at = now().
func (u *Code) findSoftDelete(q question) analysis.Usage {
	if u.Head == nil {
		return analysis.Usage{}
	}
	if u.hasSign(marksRows) {
		if byModel := u.findModelSoftDelete(q); byModel.Used {
			return byModel
		}
	}
	if !u.hasSign(deletesRows) {
		return analysis.Usage{}
	}
	out := analysis.Usage{Known: u.ReadFiles().err == nil}
	before := u.indexFor(q).FindDeletions(q.Name, q.Column)
	changed := slices.ContainsFunc(before.Deletes, func(e index.Use) bool {
		return slices.ContainsFunc(u.Changes, func(c gitrange.Change) bool { return c.Path == e.Path || c.OldPath == e.Path })
	})
	if len(before.Marks) > 0 || !changed {
		return out
	}
	head := u.Head()
	head.Schemas = u.Schemas
	now := head.indexFor(q).FindDeletions(q.Name, q.Column)
	if len(now.Marks) == 0 || len(now.Deletes) >= len(before.Deletes) {
		return out
	}
	out.Used, out.Written = true, head.makeEvidence(now.Marks, maxEvidence)
	out.Read = head.makeEvidence(head.findUnfilteredReads(q), maxEvidence)
	out.Evidence = u.makeEvidence(u.findUnfilteredReads(q), maxEvidence)
	return out
}

// maxShowing is how many queries are parsed once more.
const maxShowing = 200

// findUnfilteredReads returns the queries that read a table without its column of deleted rows, except those for a row by its key: they may be meant.
// Text that the program inserts may have the condition.
func (u *Code) findUnfilteredReads(q question) []index.Use {
	uses := u.indexFor(q).FindReadsWithout(q.Name, q.Column)
	uses = uses[:min(len(uses), maxShowing)]
	keys := keyColumns(u.resolveRelation(q))
	var paths []string
	for _, e := range uses {
		if !slices.Contains(paths, e.Path) {
			paths = append(paths, e.Path)
		}
	}
	texts, err := u.base.ReadAll(paths)
	if err != nil {
		return nil
	}
	byKey := map[string]map[int]bool{}
	for _, p := range paths {
		byKey[p] = map[int]bool{}
		for _, s := range read.Statements(p, texts[p]) {
			byKey[p][s.Line] = s.Open || picksByKey(pgparse.ParseStatement(s.SQL), keys)
		}
	}
	return slices.DeleteFunc(uses, func(e index.Use) bool {
		known, found := byKey[e.Path][e.Line]
		return known || !found
	})
}

// keyColumns returns the columns of the relation's primary key and unique constraints.
func keyColumns(r *catalog.Relation) []string {
	if r == nil {
		return nil
	}
	var out []string
	for _, c := range r.Constraints {
		if c.Kind != catalog.PrimaryKey && c.Kind != catalog.Unique {
			continue
		}
		for _, n := range c.Columns {
			if col := r.Attr(n); col != nil {
				out = append(out, col.Name)
			}
		}
	}
	return out
}

// picksByKey reports whether a query compares a column of a key with a value. A statement that cannot be parsed counts as one.
func picksByKey(n *pgparse.Node, keys []string) bool {
	if n.GetSelectStmt() == nil {
		return true
	}
	return pgparse.Contains(n.GetSelectStmt().GetWhereClause(), func(e *pgparse.A_Expr) bool {
		isKey := func(x *pgparse.Node) bool {
			return slices.Contains(keys, pgparse.LastText(x.GetColumnRef().GetFields()))
		}
		return pgparse.LastText(e.GetName()) == "=" && (isKey(e.GetLexpr()) || isKey(e.GetRexpr()))
	})
}
