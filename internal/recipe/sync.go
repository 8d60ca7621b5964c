package recipe

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/onward"
)

// twin is a column that takes the place of another one of its table.
type twin struct {
	c        *Change
	t        *catalog.Relation
	old      *catalog.Column
	fresh    string // the new column's name, until the old one is gone
	final    string // its name then
	typ      string
	collate  string
	there    string // the old value as the new column's, "$1" for the value
	path     string // what the trigger's function sets for what it calls
	both     bool   // writes of the new column go to the old one, too
	trigger  string
	before   []string // what the last transaction does before the drop of the old column
	finishes []string // what the last transaction does behind the drop of the old column
}

// made are the steps: the column, the trigger that keeps both alike, the backfill, what hangs
// on the column, and in a later release the end of the old one.
func (w *twin) made() *Made {
	m := &Made{}
	w.inTheWay(m)
	c, t := w.c, w.t
	c.Release.twins[key(t, w.old.Name)] = w.fresh
	alter := "ALTER TABLE " + name(t) + " "
	s := m.add(onward.Expand, onward.StepDDL, "is added in an instant, without a default: a default would overwrite what the deployed code writes", alter+"ADD COLUMN "+quote(w.fresh)+" "+w.typ+w.collate)
	s.Undo = []string{alter + "DROP COLUMN IF EXISTS " + quote(w.fresh)}
	w.trigger = w.last(m)
	fn := inSchema(t, w.trigger)
	s = m.add(onward.Expand, onward.StepDDL, w.says(), w.function(fn), "CREATE TRIGGER "+quote(w.trigger)+" BEFORE INSERT OR UPDATE ON "+name(t)+" FOR EACH ROW EXECUTE FUNCTION "+fn+"()",
		alter+"ENABLE ALWAYS TRIGGER "+quote(w.trigger)) // for what a subscription or a restore writes, too
	gone := []string{"DROP TRIGGER IF EXISTS " + quote(w.trigger) + " ON " + name(t), "DROP FUNCTION IF EXISTS " + fn + "()"}
	s.Undo = gone
	value := strings.ReplaceAll(w.there, "$1", "t."+quote(w.old.Name))
	if !m.backfill(c, t, "fills "+w.fresh+" where nobody wrote since", quote(w.fresh)+" = "+value, differs("t."+quote(w.fresh), w.exact(value))) {
		return m
	}
	c.Release.fills(t, w.fresh)
	w.copies(m)
	if w.old.NotNull {
		m.notNull(c, t, w.fresh, onward.Backfill)
	}
	w.sequence(m)
	w.references(m)
	last := append(append(slices.Clone(gone), w.before...), alter+"DROP COLUMN "+quote(w.old.Name))
	if w.final != w.fresh {
		last = append(last, alter+"RENAME COLUMN "+quote(w.fresh)+" TO "+quote(w.final))
	}
	if w.old.DefaultText != "" {
		last = append(last, alter+"ALTER COLUMN "+quote(w.final)+" SET DEFAULT "+w.old.DefaultText)
	}
	if w.old.Comment != "" {
		last = append(last, "COMMENT ON COLUMN "+name(t)+"."+quote(w.final)+" IS "+literal(w.old.Comment))
	}
	s = m.add(onward.Contract, onward.StepDDL, "nobody uses "+w.old.Name+" any more", append(last, w.finishes...)...)
	s.Check = "SELECT 1 FROM " + name(t) + " AS t WHERE " + differs("t."+quote(w.fresh), w.exact(value)) + " LIMIT 1"
	if w.both && w.old.DefaultText != "" && !w.old.NotNull {
		m.note("an INSERT of new code that gives %s as NULL looks as one that leaves it out, up to the last step: it gets the default of %s", w.final, w.old.Name)
	}
	m.note("%s stands at the end of %s: code that counts on the order of columns (INSERT without a list, COPY without one, SELECT *) is to name them", w.final, t.Name)
	m.note("the backfill of %s fires the triggers that %s has for UPDATE", w.fresh, t.Name)
	return m
}

// last is a name for the trigger. A trigger's name decides when it runs: the last one sees what
// the others made of the row.
func (w *twin) last(m *Made) string {
	prefix := "zzz_onward"
	for _, tr := range w.t.Triggers {
		for tr.Name >= prefix && len(prefix) < 40 {
			prefix = "z" + prefix
		}
		if tr.Name >= prefix {
			m.missing("trigger %s of %s has a name behind which none of the plan's can stand: it would run last", tr.Name, w.t.Name)
		}
	}
	return w.c.Release.unique(prefix+"_"+w.t.Name.Name, w.old.Name, "")
}

// differs is a condition: two values of one type are not the same. The = of a type may take for
// equal what is not the same (numeric, citext), and json has none.
// https://www.postgresql.org/docs/current/functions-comparisons.html#COMPOSITE-TYPE-COMPARISON
func differs(a, b string) string { return "ROW(" + a + ")::record *<> ROW(" + b + ")" }

// exact is a value as one of the new column's type.
func (w *twin) exact(value string) string {
	if w.there == "$1" {
		return value
	}
	return "(" + value + ")::" + w.typ
}

func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func (w *twin) says() string {
	if w.both {
		return "what the deployed code writes to " + w.old.Name + " is in " + w.fresh + ", too, and what the new code writes to " + w.fresh + " is in " + w.old.Name
	}
	return "what is written to " + w.old.Name + " is in " + w.fresh + ", too"
}

// function keeps both columns of a row alike. Who wrote which is told from what changed: the
// deployed code does not know the new column, and leaves it as it was.
func (w *twin) function(fn string) string {
	old, fresh := "NEW."+quote(w.old.Name), "NEW."+quote(w.fresh)
	forward := fresh + " := " + strings.ReplaceAll(w.there, "$1", old) + ";"
	if !w.both {
		return "CREATE FUNCTION " + fn + "() RETURNS trigger LANGUAGE plpgsql" + w.path + " AS $onward$\nBEGIN\n  " + forward + "\n  RETURN NEW;\nEND\n$onward$"
	}
	backward := old + " := " + fresh + ";"
	return fmt.Sprintf(`CREATE FUNCTION %s() RETURNS trigger LANGUAGE plpgsql AS $onward$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF %s IS DISTINCT FROM NULL THEN
      %s
    ELSE
      %s
    END IF;
  ELSIF %s THEN
    %s
  ELSE
    %s
  END IF;
  RETURN NEW;
END
$onward$`, fn, fresh, backward, forward, differs(fresh, "OLD."+quote(w.fresh)), backward, forward)
}

// copies gives the new column the indexes and conditions of the old one.
func (w *twin) copies(m *Made) {
	t, c := w.t, w.c
	alter := "ALTER TABLE " + name(t) + " "
	renamed := c.Release.twinned(t)
	for _, r := range c.Before.IndexesOf(t) {
		x := r.Index
		if x == nil || !x.Uses(w.old.Attnum) {
			continue
		}
		plain := !slices.Contains(x.PredicateColumns, w.old.Attnum)
		for _, k := range x.Keys {
			plain = plain && (k.Column != 0 || !slices.Contains(k.Columns, w.old.Attnum))
		}
		if !plain {
			m.missing("index %s has %s in an expression: its twin on %s is to be built by hand", r.Name.Name, w.old.Name, w.fresh)
			continue
		}
		own := c.Release.unique(r.Name.Name, "onward", "")
		m.indexed(t, own, indexBody(renamed, x), x.Unique, onward.Backfill)
		con := t.Constraint(x.Constraint)
		switch {
		case con == nil:
			w.finishes = append(w.finishes, "ALTER INDEX "+inSchema(t, own)+" RENAME TO "+quote(r.Name.Name))
		case con.Kind == catalog.PrimaryKey:
			w.finishes = append(w.finishes, alter+"ADD CONSTRAINT "+quote(con.Name)+" PRIMARY KEY USING INDEX "+quote(own))
		default:
			w.finishes = append(w.finishes, alter+"ADD CONSTRAINT "+quote(con.Name)+" UNIQUE USING INDEX "+quote(own))
		}
	}
	w.conditions(m, renamed)
}

// conditions gives the new column the foreign keys and checks of the old one.
func (w *twin) conditions(m *Made, renamed *catalog.Relation) {
	t, c := w.t, w.c
	alter := "ALTER TABLE " + name(t) + " "
	for _, con := range t.Constraints {
		if !slices.Contains(con.Columns, w.old.Attnum) {
			continue
		}
		own := con.Name
		switch con.Kind {
		case catalog.ForeignKey:
			own = c.Release.unique(con.Name, "onward", "")
			ref := c.Before.Relation(con.Ref)
			if ref == nil {
				m.missing("what foreign key %s refers to is not known", con.Name)
				continue
			}
			m.validated(t, own, foreignKey(renamed, c.Release.twinned(ref), con), onward.Backfill)
		case catalog.Check:
			text, ok := substituted(con.ExprText, w.old.Name, w.fresh)
			if !ok {
				m.missing("constraint %s names %s in a way that is not followed", con.Name, w.old.Name)
				continue
			}
			own = c.Release.unique(con.Name, "onward", "")
			m.validated(t, own, "CHECK ("+text+")", onward.Backfill)
		case catalog.Exclude:
			m.missing("exclusion constraint %s has %s: it is to be made anew by hand", con.Name, w.old.Name)
		}
		if own != con.Name {
			w.finishes = append(w.finishes, alter+"RENAME CONSTRAINT "+quote(own)+" TO "+quote(con.Name))
		}
	}
}

// foreignKey is the text of one.
func foreignKey(t, ref *catalog.Relation, con *catalog.Constraint) string {
	list := func(names []string) string {
		for i := range names {
			names[i] = quote(names[i])
		}
		return "(" + strings.Join(names, ", ") + ")"
	}
	out := "FOREIGN KEY " + list(t.ColumnNames(con.Columns)) + " REFERENCES " + name(ref) + " " + list(ref.ColumnNames(con.RefColumns))
	if con.OnUpdate != "" {
		out += " ON UPDATE " + strings.ToUpper(con.OnUpdate)
	}
	if con.OnDelete != "" {
		out += " ON DELETE " + strings.ToUpper(con.OnDelete)
	}
	if con.Deferrable {
		out += " DEFERRABLE"
		if con.InitiallyDeferred {
			out += " INITIALLY DEFERRED"
		}
	}
	return out
}

// inTheWay lists what depends on the old column and is not taken along.
func (w *twin) inTheWay(m *Made) {
	c, t := w.c, w.t
	for _, r := range c.Before.Rels(t.Dependents) {
		if r.View != nil && (r.View.Star || slices.Contains(r.View.Columns[t.OID], w.old.Attnum)) {
			m.missing("%s reads %s: it is to be made anew beside the new column, before the old one goes", r.Name, w.old.Name)
		}
	}
	for _, p := range c.Before.PoliciesOver(t.OID, w.old.Attnum) {
		m.missing("a policy of %s reads %s", p.Table.Name, w.old.Name)
	}
	for _, f := range c.Before.BodiesOver(t.OID, w.old.Attnum) {
		m.missing("function %s uses %s", f.Name, w.old.Name)
	}
	for _, tr := range t.Triggers {
		if slices.Contains(tr.Columns, w.old.Attnum) || slices.Contains(tr.Uses, w.old.Attnum) {
			m.missing("trigger %s is about %s", tr.Name, w.old.Name)
		}
	}
	for _, col := range t.Columns {
		if slices.Contains(col.GeneratedFrom, w.old.Attnum) {
			m.missing("column %s is generated from %s", col.Name, w.old.Name)
		}
	}
	if len(t.Policies) > 0 && t.RLS {
		m.missing("%s has row-level security: the backfill sees what its role may see", t.Name)
	}
	if w.old.Generated != "" {
		m.missing("%s is generated: its expression cannot be moved to a column that was filled before", w.old.Name)
	}
	if len(t.Partitions) > 0 || t.Parent != 0 || t.HasKids() || len(t.Inherits) > 0 {
		m.missing("%s is partitioned, a partition, or has children: the columns of all of them change together", t.Name)
	}
}
