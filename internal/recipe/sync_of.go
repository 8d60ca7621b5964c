package recipe

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// twinOf is what takes the place of a column that gets another name, or another type for which each
// row is written; nil where the column stays.
func (r *Release) twinOf(is *course) *twin {
	first := is.first()
	if is.old == nil || is.now == nil || first == nil {
		return nil
	}
	renamed := is.old.Name != is.now.Name
	retyped := slices.ContainsFunc(is.changes, (*Change).retypes) || is.said && !is.old.Type.Same(is.now.Type)
	if !renamed && !slices.ContainsFunc(is.changes, func(c *Change) bool { return c.retypes() && (c.rewrites() || len(c.Locks) > 0) }) {
		return nil
	}
	w := &twin{course: is, c: first, t: r.Deployed.Relation(is.table), head: r.head.Relation(is.table), both: renamed, cast: retyped}
	if w.t == nil {
		w.t, _ = first.column()
	}
	if !is.old.Type.Known() || !is.now.Type.Known() {
		w.not("the type of %s.%s is not known: the history does not show how it was made; --db reads it from a server", w.t.Name, is.old.Name)
		return w
	}
	w.typ, w.fresh = typeName(is.now.Type), is.now.Name
	if !renamed {
		w.fresh = r.unique(is.old.Name, "onward", "")
	}
	if is.now.Collation != "" {
		w.collate = " COLLATE " + quote(is.now.Collation)
	}
	w.converts()
	w.contradicts(renamed)
	w.findActions()
	w.decides()
	return w
}

// not says why a twin cannot be made.
func (w *twin) not(format string, args ...any) {
	w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
}

// converts notes how the new column's values are made.
func (w *twin) converts() {
	value, told, err := w.converted("$1")
	switch {
	case err != nil:
		w.not("%v", err)
	case told && w.both:
		w.not("%s of %s gets another name and, by USING, another value in one release: what is to become of the new code's values in the old column is not known. A release for each is planned", w.old.Name, w.t.Name)
	case told:
		w.path = " SET search_path FROM CURRENT" // who writes may have another one
	}
	w.there = value
}

// contradicts notes what else the release does, and cannot be planned with it.
func (w *twin) contradicts(renamed bool) {
	if w.t.Name != w.head.Name {
		w.not("%s gets another name, and its column %s other ones or another type, in one release: a release for each is planned", w.t.Name, w.old.Name)
	}
	if w.said {
		w.unfilled()
	}
	if renamed && w.t.Column(w.now.Name) != nil {
		w.not("%s of %s is to be called %s, as another column of the deployed schema is: deployed code and new code would mean two columns by one name", w.old.Name, w.t.Name, w.now.Name)
	}
	if w.old.Identity != w.now.Identity || w.old.Sequence != w.now.Sequence {
		w.not("what fills %s of %s is changed together with its name or type: a release for each is planned", w.old.Name, w.t.Name)
	}
	if renamed {
		return
	}
	r := w.c.Release
	for _, c := range r.changes[slices.Index(r.changes, w.c):] {
		if c.fills(w.table, w.old.Name) {
			w.not("%s:%d changes rows by %s of its new type, which is beside the old one until the last step: it is to come in a later release", c.Migration.Path, c.Line, w.old.Name)
		}
	}
}

// decides leaves out the direction that nobody needs, where it is known that one code never writes its
// column. A trigger, a function or a foreign key may write what no query names.
func (w *twin) decides() {
	if w.both && !w.cast {
		w.way, w.known = w.c.Release.direction(w.t, w.head, w.old, w.now)
	}
}

// direction is the one that an UPDATE needs between a column of the base and those at the head that take
// its place, and on what evidence; "" where both are needed, or it is not known.
func (r *Release) direction(t, head *catalog.Relation, old *catalog.Column, now ...*catalog.Column) (way, string) {
	if r.Unwritten == nil || t.Inferred || t.Partial || len(t.Triggers) > 0 || len(head.Triggers) > 0 || r.written(t, old.Attnum) {
		return "", ""
	}
	reads := ""
	for _, col := range now {
		if r.written(head, col.Attnum) {
			return "", ""
		}
		why := r.Unwritten(onward.NewCode, head, col.Name)
		if reads += "the new code only reads " + col.Name + " (" + why + "), "; why == "" {
			reads = ""
			break
		}
	}
	if reads != "" {
		return forward, strings.TrimSuffix(reads, ", ")
	}
	if why := r.Unwritten(onward.OldCode, t, old.Name); why != "" {
		return backward, "the deployed code only reads " + old.Name + " (" + why + ")"
	}
	return "", ""
}

// written reports whether the database itself may write a column: what a foreign key does, and what
// functions do, whose bodies name the table or put their SQL together.
func (r *Release) written(t *catalog.Relation, column int16) bool {
	for _, con := range t.Constraints {
		does := con.OnUpdate != "" && con.OnUpdate != "restrict" || con.OnDelete == "set null" || con.OnDelete == "set default"
		if con.Kind == catalog.ForeignKey && does && slices.Contains(con.Columns, column) {
			return true
		}
	}
	found := false
	for _, c := range []*catalog.Catalog{r.Deployed, r.head} {
		c.EachFunction(func(fn *catalog.Function) bool {
			names := pgparse.Names(fn.Body)
			known := fn.Language == "sql" || fn.Language == "plpgsql"
			found = found || !known || slices.Contains(names, t.Name.Name) || slices.Contains(names, "execute")
			return !found
		})
	}
	return found
}

// unfilled notes what gives the column values of its own, which is said to have another one's.
func (w *twin) unfilled() {
	for _, c := range w.c.Release.changes {
		if c.fills(w.table, w.now.Name) && !c.copies(w.old.Name, w.now.Name) {
			w.not("%s:%d gives %s values of its own, and %s is said to be renamed to it: one of the two is wrong", c.Migration.Path, c.Line, w.now.Name, w.old.Name)
		}
	}
	if w.now.Generated != "" || slices.ContainsFunc(w.changes, (*Change).retypes) {
		w.not("%s is said to be renamed to %s, which is not a plain column that the release adds as it is to be", w.old.Name, w.now.Name)
	}
}

// changesRows reports whether a change is of rows of a table.
func (c *Change) changesRows(table catalog.OID) bool {
	t := c.rowsOf()
	return t != nil && t.OID == table
}
